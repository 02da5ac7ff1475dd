"""`knockwise eval variants`: what was tried for the response model, and what it gave."""

from pathlib import Path
from typing import Annotated

import typer

from knowledge.errors import KnockwiseError

EPILOG = "Example: knockwise eval variants --data ../shared/data --out variants"


def variants(
    data: Annotated[
        Path,
        typer.Option(
            help="Folder that holds perturbqa/, knowledge/, networks/, essentiality/ and images/."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="One to try beside the model's trees, such as listwise-loss; repeat for several, "
            "all by default."
        ),
    ] = None,
    curves: Annotated[
        bool, typer.Option("--curves/--no-curves", help="Learning curves, half of the time.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the trees.")] = 2,
) -> None:
    """Score other learners, losses and features for the response model, and learning curves.

    Training rows of PerturbQA alone, held out in folds. Ctrl-C loses at most the variant at work:
    run the same command again to go on. A finished run is only rendered anew.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.variants.page import summary
    from evals.variants.run import SHARED, VariantsEval, evaluate
    from evals.variants.tried import BASE, VARIANTS

    named = {name.replace("'", "").replace(" ", "-"): name for name in VARIANTS}
    words = set(variant or named)
    if unknown := sorted(words - set(named)):
        raise KnockwiseError(f"There is no variant {unknown[0]}; choose among {', '.join(named)}.")
    chosen = tuple(name for word, name in named.items() if word in words or name == BASE)
    run = VariantsEval(seed=seed, variants=chosen, curves=SHARED if curves else ())
    evaluated(out, lambda told: evaluate(data, out, run, threads, told), summary)
