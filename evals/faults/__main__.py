"""Counts what comes of faults: `python -m evals.faults`."""

import math
import random
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from evals.faults import days
from evals.faults.files import in_copies, shipped
from evals.faults.model import mute_model
from evals.faults.run import GOOD, Fault, counted, play, prepared, succeed

SOURCE = Path(__file__).parents[2]


def main(
    index: Annotated[
        Path | None,
        typer.Option(
            help="Data folder whose index and tables are damaged in copies; by default one with "
            "an index of the starter pack, built on the spot."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Faults played at once.")] = 2,
    seed: Annotated[int, typer.Option(help="Of every damage, and of the share.")] = 0,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="What part of the faults is played.")
    ] = 1.0,
    only: Annotated[str, typer.Option(help="Faults whose name holds this.")] = "",
) -> None:
    """Play every fault; leave with 1 if one ended in a traceback, a signal or not at all."""
    with tempfile.TemporaryDirectory(prefix="knockwise-faults-") as folder, mute_model() as address:
        world = prepared(Path(folder), SOURCE, index, seed, jobs)
        data = index or world.home / "built" / "data"
        if index is None:
            succeed(world, ("index", "build"), data.parent)
        faults: list[Fault] = [
            *days.tables(), *days.questions(), *days.settings(), *days.arguments(),
            *in_copies(world.run, "run"), *in_copies(data, "index"),
            *shipped(world.home / "code-0", world.run, address),
        ]  # fmt: skip
        faults = [fault for fault in faults if only in fault.name]
        if share < 1:
            faults = random.Random(seed).sample(faults, math.ceil(share * len(faults)))
        outcomes = play(world, faults, jobs)
        world.close()
    typer.echo(counted(outcomes))
    sys.exit(any(one.verdict not in GOOD for one in outcomes))


if __name__ == "__main__":
    typer.run(main)
