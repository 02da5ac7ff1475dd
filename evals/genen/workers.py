"""Several processes that share the units of an evaluation; each keeps to one graph at a time."""

import json
import multiprocessing
import queue
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from evals.genen.facts import Condition
from evals.genen.units import GenenEval, Unit, fit, planned
from evals.genen.world import read_world
from evals.harness.run import Clock, Run
from knowledge.errors import KnockwiseError
from knowledge.files import replace_text
from knowledge.texts.encoder import load_encoder

CLOCKS = "workers"
"""Folder of the clocks of the processes, in the run folder."""
_LOOK_S = 1.0


def fit_together(
    units: Sequence[Unit],
    data: Path,
    run: Run,
    settings: GenenEval,
    encoder: str,
    cache: Path,
    jobs: int,
) -> None:
    """Fit units in processes of one thread each, and wait for them.

    Args:
        units: What to fit; those that are there are skipped.
        data: Read by every process anew.
        run: Keeps them, and is told how many units are done.
        settings: What is evaluated.
        encoder: Name of what embeds texts; each process loads its own.
        cache: Folder that keeps embeddings.
        jobs: How many processes.

    Raises:
        KnockwiseError: A process ended before its work was done; the first sentence is told.
    """
    left = [unit for unit in units if not run.path(unit.name).is_file()]
    context = multiprocessing.get_context("spawn")
    groups: Any = context.Queue()
    errors: Any = context.Queue()
    for group in dict.fromkeys(unit.inputs for unit in left):
        groups.put(group)
    given = (data, run.out, settings, encoder, cache, groups, errors)
    processes = [context.Process(target=_work, args=(n, *given)) for n in range(jobs)]
    with _ended(processes):
        for process in processes:
            process.start()
        while any(process.is_alive() for process in processes):
            time.sleep(_LOOK_S)
            done = len(units) - sum(not run.path(unit.name).is_file() for unit in left)
            run.progress(f"{done} of {len(units)} predictors fitted", done / len(units))
            if failed := [p.exitcode for p in processes if p.exitcode]:
                raise KnockwiseError(_sentence(errors, failed[0]))


def clock_of(out: Path, number: int) -> Clock:
    """Return the clock of one process; no two of them write one file."""
    folder = out / CLOCKS / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    return Clock(folder)


def merge_times(out: Path) -> None:
    """Write what the processes' clocks counted into the run's own `timing.json`, however often."""
    path = out / "timing.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    seconds: dict[str, float] = {}
    for clock in sorted((out / CLOCKS).glob("*/timing.json")):
        theirs = json.loads(clock.read_text(encoding="utf-8"))
        for stage, spent in theirs["seconds"].items():
            seconds[stage] = seconds.get(stage, 0.0) + spent
        record["peak_memory_mib"] = max(record["peak_memory_mib"], theirs["peak_memory_mib"])
    record["seconds"].update(seconds)
    replace_text(path, json.dumps(record, indent=1) + "\n")


@contextmanager
def _ended(processes: Sequence[SpawnProcess]) -> Iterator[None]:
    """End what still runs when the block is left, however that happens."""
    try:
        yield
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
                process.join()


def _sentence(errors: Any, code: int) -> str:  # noqa: ANN401  # a queue of another process
    try:
        return str(errors.get(timeout=_LOOK_S))
    except queue.Empty:
        return (
            f"A process that fitted predictors ended with code {code}; run the same command again "
            "to go on, with --jobs 1 to need less memory."
        )


def _work(
    number: int,
    data: Path,
    out: Path,
    settings: GenenEval,
    encoder: str,
    cache: Path,
    groups: Any,  # noqa: ANN401  # queues of the process that started this one
    errors: Any,  # noqa: ANN401
) -> None:
    """Fit the units of one graph after another until none is left."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if settings.neural:
        import torch

        torch.set_num_threads(1)
    try:
        clock = clock_of(out, number)
        with threadpool_limits(1):
            with clock("graphs and texts"):
                world = read_world(
                    data, settings.tasks, settings.seed, load_encoder(encoder), cache
                )
            run = Run(out, lambda *told: None, clock)
            units = planned(world, settings)
            while (group := _next(groups)) is not None:
                for unit in units:
                    if unit.inputs == group:
                        fit(unit, world, run, settings, clock, run.progress)
    except KnockwiseError as error:
        errors.put(str(error))
        raise SystemExit(2) from None


def _next(groups: Any) -> Condition | None:  # noqa: ANN401
    try:
        group: Condition = groups.get(timeout=_LOOK_S)
    except queue.Empty:
        return None
    return group
