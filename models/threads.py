"""Manners on a machine that others use too."""

import os


def yield_cores() -> None:
    """Let threads that wait sleep instead of spinning; call before trees are imported.

    On a machine that others use too, OpenMP's spinning made boosting up to ten times slower. It
    changes no number, and what the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
