"""`knockwise eval mechanism`: whether the hypotheses are right, beside controls."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Data = Annotated[Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
EPILOG = "Example: knockwise eval mechanism --data ../shared/data --out mechanism"


def mechanism(
    data: Data,
    out: Out,
    seed: Seed = 0,
    reasoner: Annotated[
        Literal["evidence", "llm"],
        typer.Option(help="Who answers the questions whose steps are audited."),
    ] = "evidence",
) -> None:
    """Score the mechanisms: are steps grounded, signs right, and answers resting on them?

    Cascades are followed through the knowledge that `knockwise index build` compiled, or through
    the starter pack. Writes figures beside controls, and a page with ten cascades. Ctrl-C loses at
    most the stage at work: run the same command again to go on.
    """
    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from evals.mechanism.page import summary
    from evals.mechanism.run import MechanismEval, evaluate

    run = MechanismEval(seed=seed, reasoner=reasoner)
    own = settings()
    evaluated(out, lambda told: evaluate(data, out, run, own, told), summary)
