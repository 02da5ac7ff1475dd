"""`knockwise eval programmes`: do the screens' programmes explain what changes, beside controls?"""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
EPILOG = "Example: knockwise eval programmes --data ../shared/data --out programmes"


def programmes(
    data: Data,
    out: Out,
    seed: Seed = 0,
    weights: Annotated[
        Path | None,
        typer.Option(help="Folder of the programmes; the shipped ones by default."),
    ] = None,
) -> None:
    """Score the programmes: coverage, agreement, direction within a readout, faithfulness.

    Documented paths are followed through the knowledge that `knockwise index build` compiled, or
    through the starter pack.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import results, settings
    from models.threads import yield_cores

    yield_cores()
    from evals.programmes.page import summary
    from evals.programmes.run import ProgrammesEval, evaluate
    from knowledge.base import load_knowledge

    with progress_bar() as told:
        knowledge = load_knowledge(settings().data)
        found = evaluate(data, out, ProgrammesEval(seed=seed), knowledge, told, weights)
    results().print(summary(found), soft_wrap=True)
    for name in ("scoreboard.md", "report.html"):
        typer.echo(out / name)
