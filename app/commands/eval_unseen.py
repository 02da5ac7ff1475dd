"""`knockwise eval unseen`: what is left where perturbation, family or readout was never seen."""

from pathlib import Path
from typing import Annotated

import typer

from knowledge.errors import KnockwiseError

EPILOG = "Example: knockwise eval unseen --data ../shared/data --out unseen"


def unseen(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="perturbation, family, as-many, readout or both; repeat for several, all by "
            "default."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds of each split.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the trees.")] = 2,
) -> None:
    """Score rows whose perturbation, its family, whose readout, or both were never seen.

    Training rows of PerturbQA alone, held out in folds. Ctrl-C loses at most the split at work: run
    the same command again to go on. A finished run is only rendered anew.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.unseen.page import summary
    from evals.unseen.run import UnseenEval, evaluate
    from evals.unseen.splits import SPLITS

    words = [one.replace("-", " ") for one in split or SPLITS]
    if unknown := [one for one in words if one not in SPLITS]:
        raise KnockwiseError(
            f"There is no split {unknown[0]}; choose among "
            f"{', '.join(name.replace(' ', '-') for name in SPLITS)}."
        )
    chosen = tuple(name for name in SPLITS if name in words)
    run = UnseenEval(seed=seed, folds=folds, splits=chosen)
    evaluated(out, lambda told: evaluate(data, out, run, threads, told), summary)
