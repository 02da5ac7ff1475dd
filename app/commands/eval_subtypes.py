"""`knockwise eval subtypes`: known rare subtypes found, and nothing where nothing is."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise eval subtypes --data ../shared/data --out found"


def subtypes(
    data: Annotated[Path, typer.Option(help="Folder that holds tumours/.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    cohort: Annotated[
        list[str] | None,
        typer.Option(help="leukaemia, colorectal or renal; repeatable, all by default."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Method that is tried; repeatable, all of a cohort by default."),
    ] = None,
    permutations: Annotated[
        int, typer.Option(min=2, help="Data sets without groups, of each of two kinds.")
    ] = 10,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Score the search for rare subtypes on cohorts whose answer is known.

    Ctrl-C loses at most the unit at work: run the same command again to go on.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.subtypes.page import summary
    from evals.subtypes.run import SubtypesEval, evaluate

    named: dict[str, tuple[str, ...]] = (
        {"cohorts": tuple(one.casefold() for one in cohort)} if cohort else {}
    )
    if method:
        named["methods"] = tuple(one.casefold() for one in method)
    run = SubtypesEval(permutations=permutations, seed=seed, **named)
    evaluated(out, lambda told: evaluate(data, out, run, told), summary)
