"""`knockwise eval fused`: the fused answer beside the response model alone, on PerturbQA."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from knowledge.errors import KnockwiseError

Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again renders it.")]
Seed = Annotated[int, typer.Option(help="Seed of the resamples.")]
EPILOG = "Example: knockwise eval fused --multi multi/held_out_fused.parquet --out fused"


def fused(
    out: Out,
    multi: Annotated[
        Path | None, typer.Option(help="held_out_fused.parquet of `train fusion`, setting multi.")
    ] = None,
    strict: Annotated[Path | None, typer.Option(help="The same in the setting strict.")] = None,
    seed: Seed = 0,
) -> None:
    """Score the fused answer per gene on held-out training perturbations of the four lines.

    Also counts the specific responders that lists begin with, by what they are ranked by.
    """
    tables: dict[Literal["multi", "strict", "extended"], Path] = {}
    if multi is not None:
        tables["multi"] = multi
    if strict is not None:
        tables["strict"] = strict
    if not tables:
        raise KnockwiseError("Nothing to score; give --multi or --strict, or both.")
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.fused.page import summary
    from evals.fused.run import evaluate

    evaluated(out, lambda told: evaluate(tables, out, seed, told), summary)
