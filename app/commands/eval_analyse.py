"""`knockwise eval analyse`: counts against R's DESeq2, and sentences against their tables."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise eval analyse --data ../shared/data --out analyse"


def analyse(
    data: Annotated[Path, typer.Option(help="Folder that holds bulk/.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Score `analyse` on counts with known answers, and check every sentence of its reports.

    Ctrl-C loses at most the stage at work: run the same command again to go on.
    """
    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from evals.analyse.page import summary
    from evals.analyse.run import AnalyseEval, evaluate

    own = settings()
    evaluated(out, lambda told: evaluate(data, out, AnalyseEval(seed=seed), own, told), summary)
