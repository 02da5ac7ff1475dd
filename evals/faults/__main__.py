"""Counts what comes of faults: `python -m evals.faults`."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from evals.faults import days
from evals.faults.run import (
    GOOD,
    Fault,
    counted,
    damages_of_folders,
    damages_of_weights,
    play,
    prepared,
)

SOURCE = Path(__file__).parents[2]
ON_RUNS = (("ask", "--quiet", "--resume", "{copy}"), ("report", "{copy}"))
ON_INDEXES = (("index", "search", "senses uncharged tRNA"), ("index", "status"))


def main(
    index: Annotated[
        Path | None,
        typer.Option(help="Data folder whose index and compiled tables are damaged in copies."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Faults played at once.")] = 2,
    seed: Annotated[int, typer.Option(help="Of every damage.")] = 0,
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="Damage shipped files too.")
    ] = True,
    only: Annotated[str, typer.Option(help="Faults whose name holds this.")] = "",
) -> None:
    """Play every fault; leave with 1 if one ended in a traceback, a signal or not at all."""
    with tempfile.TemporaryDirectory(prefix="knockwise-faults-") as folder:
        world = prepared(Path(folder), SOURCE, index, seed, jobs)
        faults: list[Fault] = [
            *days.tables(), *days.questions(), *days.settings(), *days.arguments(),
        ]  # fmt: skip
        faults += damages_of_folders(world, world.run, ON_RUNS, "runs")
        if index is not None:
            faults += damages_of_folders(world, index, ON_INDEXES, "indexes")
        outcomes = play(world, [fault for fault in faults if only in fault.name], jobs)
        if weights:
            outcomes += damages_of_weights(world, only)
        while not world.players.empty():
            world.players.get().close()
    typer.echo(counted(outcomes))
    sys.exit(any(one.verdict not in GOOD for one in outcomes))


if __name__ == "__main__":
    typer.run(main)
