"""`knockwise train morphology`: the model of altered channels, from PERISCOPE."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise train morphology --data ../shared/data --out morphology"


def morphology(
    data: Annotated[Path, typer.Option(help="Mirror, or a data folder with `sources`.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint.")],
    seed: Annotated[int, typer.Option(help="Seed of folds and decomposition.")] = 0,
) -> None:
    """Train the model of which channels of a Cell Painting a knockout alters."""
    from app.show.progress import progress_bar
    from app.show.terminal import results
    from models.genen.model import GenenModel
    from models.morphology.training import train

    genen = GenenModel.load()
    with progress_bar() as told:
        figures = train(data, out, told, (genen.genes, genen.embeddings), seed)
    for one in figures:
        low, high = one["interval"]
        results().print(
            f"{one['channel']}: held-out AUROC {one['auroc']:.3f} [{low:.3f}, {high:.3f}]"
        )
