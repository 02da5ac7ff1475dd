"""`knockwise eval lists`: whether lists are explained and reversed better than by chance."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise eval lists --data ../shared/data --out lists"


def lists(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, perturbseq/ and regulators/.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    perts: Annotated[
        int, typer.Option(min=1, help="Perturbations per line whose rows are explained.")
    ] = 80,
    each: Annotated[
        int, typer.Option("--lists", min=1, help="Lists per line and fold whose cause is sought.")
    ] = 150,
    least: Annotated[int, typer.Option(min=3, help="Genes that such a list has at least.")] = 50,
    folds: Annotated[int, typer.Option(min=3, help="Folds over perturbations.")] = 5,
    scored: Annotated[
        int, typer.Option(min=1, help="Folds that are scored, after the one for weights.")
    ] = 1,
    regulators: Annotated[
        bool, typer.Option("--regulators/--no-regulators", help="Reverse lists of other cells too.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Score `explain` and `who` on perturbations that nothing here was trained on.

    Ctrl-C loses at most the unit at work: run the same command again to go on.
    """
    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from evals.lists.page import summary
    from evals.lists.run import ListsEval, evaluate

    run = ListsEval(
        perts=perts,
        lists=each,
        least=least,
        folds=folds,
        scored=scored,
        regulators=regulators,
        seed=seed,
    )
    own = settings()
    evaluated(out, lambda told: evaluate(data, out, run, own, told), summary)
