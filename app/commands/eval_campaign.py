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
    screens: Annotated[
        Path | None,
        typer.Option(
            help="Play public screens instead: the folder `datasets` of "
            "snap-stanford/BioDiscoveryAgent, which you fetch yourself."
        ),
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="Genes a round on public screens.")] = 128,
    cell_line: Annotated[
        str, typer.Option(help="Line that stands in for the cells of public screens.")
    ] = "Jurkat",
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Play screens in rounds on the training rows that the weights hold, beside random choice."""
    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from evals.campaign.page import BENCHMARK
    from evals.campaign.run import CampaignEval, evaluate, evaluate_public

    if screens is not None:
        world = settings()
        run = CampaignEval(rounds=rounds, seed=seed, each=each, stands_in=cell_line)
        evaluated(
            out, lambda told: evaluate_public(screens, out, run, world, told), BENCHMARK.summary
        )
        return
    run = CampaignEval(rounds=rounds, seed=seed)
    evaluated(out, lambda told: evaluate(out, run, told), BENCHMARK.summary)
