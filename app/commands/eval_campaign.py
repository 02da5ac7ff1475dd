"""`knockwise eval campaign`: whether planned perturbations teach a predictor faster than others."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise eval campaign --out campaign"


def campaign(
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of a tenth each.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Play screens in rounds on the training rows that the weights hold, beside random choice."""
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.campaign.page import BENCHMARK
    from evals.campaign.run import CampaignEval, evaluate

    run = CampaignEval(rounds=rounds, seed=seed)
    evaluated(out, lambda told: evaluate(out, run, told), BENCHMARK.summary)
