"""`knockwise train programmes`: learn the programmes of the screens from pulled data."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise train programmes --data ../shared/data --out my-programmes"


def programmes(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder the trained weights are written to.")],
    seed: Annotated[int, typer.Option(help="Seed of folds and decompositions.")] = 0,
) -> None:
    """Learn sets of readouts that answer together, and what shifts them.

    Names come from the compiled knowledge of the settings: run `knockwise index build` first. Some
    ten minutes of one core.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import progress, results, settings
    from models.threads import yield_cores

    yield_cores()
    from knowledge.base import load_knowledge
    from models.programmes.model import ProgrammeModel
    from models.programmes.training import train

    with progress_bar() as told:
        record = train(data, load_knowledge(settings().data), out, told, seed)
    figures = record["metrics"]
    for one in ProgrammeModel.load(out).programmes:
        results().print(f"{one.id} {one.name}", soft_wrap=True)
    progress().print(
        f"{figures['programmes']} programmes; of held-out perturbations they tell the direction "
        f"within a readout with an AUROC of {figures['all']['within-readout AUROC']:.3f}.",
        soft_wrap=True,
    )
