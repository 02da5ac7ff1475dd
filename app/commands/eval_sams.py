"""`knockwise eval sams`: SAMS-VAE and its comparators on single cells."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option(help="Folder that holds perturbseq/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
EPILOG = "Example: knockwise eval sams --data ../shared/data --out sams"


def sams(
    data: Data,
    out: Out,
    seed: Annotated[int, typer.Option(help="First of the seeds.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many.")] = 3,
) -> None:
    """Fit SAMS-VAE, CPA-VAE, SVAE+ and a conditional VAE to Papalexi's cells and to simulations.

    Needs torch. Ctrl-C loses the model at work: run the same command again to go on.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import results
    from evals.programmes.rivals.page import summary
    from evals.programmes.rivals.run import RivalsEval, evaluate

    with progress_bar() as told:
        found = evaluate(data, out, RivalsEval(seed=seed, seeds=seeds), told)
    results().print(summary(found), soft_wrap=True)
    for name in ("scoreboard.md", "report.html"):
        typer.echo(out / name)
