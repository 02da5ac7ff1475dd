"""`knockwise train drugs`: learn what drugs do from screens of drugs that were pulled."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise train drugs --data ../shared/data --out my-drugs"


def drugs(
    data: Annotated[
        Path, typer.Option(help="Folder that holds drugs/, knowledge/ and perturbqa/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder the trained weights are written to.")],
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
) -> None:
    """Learn what drugs do to transcripts from what related drugs did.

    Reads OP3, Tahoe-100M and sci-Plex 3, and the tables of drugs and targets. Some two minutes of
    one core.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import progress
    from models.threads import yield_cores

    yield_cores()
    from models.drugs.training import train

    with progress_bar() as told:
        record = train(data, out, told, seed)
    for name, one in record["metrics"].items():
        progress().print(
            f"{name}: {one['drugs']} drugs; within genes, of held-out drugs, direction "
            f"{one['direction']:.3f}, change {one['change']:.3f} (AUROC).",
            soft_wrap=True,
        )
