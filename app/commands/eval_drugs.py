"""`knockwise eval drugs`: are drugs that were never seen told right within genes?"""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option(help="Folder that holds drugs/, knowledge/ and perturbqa/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
EPILOG = "Example: knockwise eval drugs --data ../shared/data --out drugs"


def drugs(
    data: Data,
    out: Out,
    seed: Seed = 0,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of the drug model; the shipped one by default.")
    ] = None,
) -> None:
    """Score predictions of what drugs do, within genes and across held-out drugs, with controls.

    The model is fitted anew in every fold. Some ten minutes of one core.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.drugs.page import summary
    from evals.drugs.run import DrugsEval, evaluate

    run = DrugsEval(seed=seed)
    evaluated(out, lambda told: evaluate(data, out, run, told, weights), summary)
