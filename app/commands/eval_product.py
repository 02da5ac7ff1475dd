"""`knockwise eval product`: what `ask` and `predict` answer, on the official test rows."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise eval product --data ../shared/data --out product"


def product(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
) -> None:
    """Score what the product answers to PerturbQA's official test rows of K562 and RPE1.

    It is opened as `ask` opens it, with the knowledge that `knockwise index build` compiled and
    with the starter pack alone; nothing is trained. Readouts are ranked within perturbations too.
    """
    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from evals.perturbqa.product.page import summary
    from evals.perturbqa.product.run import ProductEval, evaluate

    run, own = ProductEval(seed=seed), settings()
    evaluated(out, lambda told: evaluate(data, out, run, own, told), summary)
