"""`knockwise eval images`: how well looks are learnt from pictures, and predicted without them."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise eval images --data ../shared/data --out images"


def images(
    data: Annotated[Path, typer.Option(help="Mirror, or a data folder with `sources`.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds over knockouts.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the network.")] = 2,
) -> None:
    """Score learnt phenotypes of cells on a replicate plate, and predicted channels of knockouts.

    Learnt and classical measurements tell siRNA-treated HeLa cells from controls on the plate that
    was not learnt from; altered channels of PERISCOPE are predicted for held-out genes, by gene
    and by complex, beside baselines. A finished run is only rendered anew.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    import torch

    from evals.images.page import summary
    from evals.images.run import ImagesEval, evaluate

    torch.set_num_threads(threads)
    run = ImagesEval(seed=seed, folds=folds)
    evaluated(out, lambda told: evaluate(data, out, run, told), summary)
