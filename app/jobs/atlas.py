"""The work behind `knockwise atlas build`: parts made in this process, in several, or on Ray."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from knowledge.errors import QuestionError
from models.response import ResponseModel
from tools.lists.atlas import Builder

Part = tuple[str, int, tuple[str, ...]]
# How often a part is given to another worker after one has died over it.
RETRIES = 3


def parts_made(
    folder: Path, response: ResponseModel, todo: Sequence[Part], jobs: int, *, cluster: bool
) -> Iterator[int]:
    """Make parts and yield the number of pairs of each, as they come.

    Args:
        folder: Where the atlas lies; workers of a cluster must see the same folder.
        response: The response model of this process.
        todo: What is missing.
        jobs: Processes at work.
        cluster: Whether Ray spreads them.

    Raises:
        QuestionError: Ray is not installed.
    """
    if cluster:
        yield from _on_ray(folder, todo, jobs)
    elif jobs > 1 and len(todo) > 1:
        yield from _in_processes(folder, todo, jobs)
    else:
        builder = Builder.shipped(folder, response)
        for part in todo:
            yield builder.build(*part)


def _in_processes(folder: Path, todo: Sequence[Part], jobs: int) -> Iterator[int]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(
        min(jobs, len(todo)),
        # A process forked from one whose libraries run threads may hang.
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(str(folder),),
    )
    try:
        for done in as_completed([pool.submit(_make, part) for part in todo]):
            yield done.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _on_ray(folder: Path, todo: Sequence[Part], jobs: int) -> Iterator[int]:
    """Spread parts over the cluster that `RAY_ADDRESS` names, or over `jobs` workers here."""
    # Read when Ray is imported: it tells nobody that it is used.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray: Any = import_module("ray")  # an extra, so that type checking must do without it
    except ImportError as error:
        raise QuestionError(
            "Ray is not installed; install Knockwise with the extra `ray`, or leave --ray away."
        ) from error
    with _ray(ray, jobs):
        make = ray.remote(num_cpus=1, max_retries=RETRIES)(_make_in)
        running = [make.remote(str(folder), part) for part in todo]
        while running:
            done, running = ray.wait(running)
            yield from ray.get(done)


@contextmanager
def _ray(ray: Any, jobs: int) -> Iterator[None]:  # noqa: ANN401  # Ray is an extra
    own = not ray.is_initialized()
    if own and "RAY_ADDRESS" in os.environ:
        ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False)
    elif own:
        ray.init(
            address="local", num_cpus=jobs, include_dashboard=False, log_to_driver=False,
            _node_ip_address="127.0.0.1",
        )  # fmt: skip
    try:
        yield
    finally:
        if own:
            ray.shutdown()


_builders: dict[str, Builder] = {}


def _begin(folder: str) -> None:
    """Load this process's model; Ctrl-C is the first process's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _builder(folder)


def _builder(folder: str) -> Builder:
    if folder not in _builders:
        _builders[folder] = Builder.shipped(Path(folder), ResponseModel.load())
    return _builders[folder]


def _make(part: Part) -> int:
    (builder,) = _builders.values()
    return builder.build(*part)


def _make_in(folder: str, part: Part) -> int:
    return _builder(folder).build(*part)
