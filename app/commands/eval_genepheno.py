"""`knockwise eval genepheno`: how well phenotypes are predicted from protein sequences."""

import os
from pathlib import Path
from typing import Annotated

import typer

from app.jobs.own_predictions import PANEL as OWN
from app.jobs.own_predictions import Coverage, Strict, brought, compared_with
from knowledge.errors import KnockwiseError

EPILOG = "Example: knockwise eval genepheno --data ../shared/data --out genepheno"


def genepheno(
    data: Annotated[
        Path, typer.Option(help="Data folder or mirror: labels, ontologies and sequences.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    collection: Annotated[
        list[str] | None,
        typer.Option(
            help="mp, hpo, hpo-2014 (tested on what was found since), komp, hmd (systems alone) or "
            "gwas; repeat for several, all by default."
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="random, homology or temporal; repeat for several, all that a collection has by "
            "default."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    folds: Annotated[
        int, typer.Option(min=1, max=5, help="How many of five folds over genes are scored.")
    ] = 1,
    ablation: Annotated[
        bool,
        typer.Option("--ablation/--no-ablation", help="Train also without each part of the model."),
    ] = True,
    unirep: Annotated[
        Path | None,
        typer.Option(
            help="UniRep's weights (.npz, non-commercial): compares what this protein language "
            "model adds, and nothing else."
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=2, help="Bootstrap resamples of genes.")] = 200,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 2,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Table of your probabilities (collection, split, gene, term, p), scored beside "
            "a run's; nothing is trained.",
            rich_help_panel=OWN,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="The finished run to compare with.", rich_help_panel=OWN),
    ] = None,
    coverage: Coverage = None,
    strict: Strict = False,
) -> None:
    """Score predicted phenotypes of held-out genes beside baselines and an upper reference.

    Genes are held out at random, by whole protein families, and by the year in which they were
    described. Ctrl-C loses at most the predictor at work: run the same command again to go on. A
    finished run is only rendered anew. With --predictions your own probabilities are scored
    beside those of a finished run.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    table = brought(predictions, against, coverage, strict)
    if table is not None:
        from evals.phenotypes.own.page import summary as own_summary
        from evals.phenotypes.own.run import OwnPhenotypes
        from evals.phenotypes.own.run import evaluate as own_evaluate

        run_folder = compared_with(against, "phenotypes", "genepheno")
        mine = OwnPhenotypes(coverage=coverage or 0.0, strict=strict)
        evaluated(
            out, lambda told: own_evaluate(data, table, out, mine, run_folder, told), own_summary
        )
        return
    # Small matrices, over which BLAS's threads would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import torch

    from evals.phenotypes.page import SPLITS, summary, summary_with_unirep
    from evals.phenotypes.run import CHOSEN, PhenotypeEval, evaluate

    if unknown := [word for word in collection or () if word not in CHOSEN]:
        raise KnockwiseError(
            f"There is no collection {unknown[0]}; choose among {', '.join(CHOSEN)}."
        )
    if unknown := [word for word in split or () if word not in SPLITS]:
        raise KnockwiseError(f"There is no split {unknown[0]}; choose among {', '.join(SPLITS)}.")
    torch.set_num_threads(threads)
    run = PhenotypeEval(
        collections=tuple(name for name in CHOSEN if not collection or name in collection),
        splits=tuple(name for name in SPLITS if not split or name in split),
        seed=seed,
        folds=folds,
        ablation=ablation,
        draws=draws,
        unirep=unirep,
    )
    told_of = summary if unirep is None else summary_with_unirep
    evaluated(out, lambda told: evaluate(data, out, run, told), told_of)
