"""Manners on a machine that others use too."""

import os
from collections.abc import Generator
from contextlib import contextmanager


def yield_cores() -> None:
    """Let threads that wait sleep instead of spinning; call before trees are imported.

    On a machine that others use too, OpenMP's spinning made boosting up to ten times slower. It
    changes no number, and what the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")


@contextmanager
def one_blas_thread() -> Generator[None]:
    """Let linear algebra work on one core, so that its sums are the same on every machine.

    Sums that several threads share are rounded otherwise; conjugate gradients and trees make
    differences of .004 in an AUROC of that. Boosting keeps its threads.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1, user_api="blas"):
        yield
