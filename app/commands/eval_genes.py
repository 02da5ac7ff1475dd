"""`knockwise eval genes`: how much of gene-benchmark a linear probe reads from an embedding."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and genen/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
EPILOG = (
    "Example: knockwise eval genes --data ../shared/data --embedding text --embedding mine.csv "
    "--out genes"
)


def genes(
    data: Data,
    out: Out,
    embedding: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="text, genen, random, a CSV, TSV, parquet or h5ad file with a row per gene, or "
            "UniRep's weights (.npz); repeat to compare with the first, all built-in ones by "
            "default.",
        ),
    ] = None,
    gene_column: Annotated[
        str | None,
        typer.Option(help="Column of a file that holds symbols, Ensembl or Entrez ids."),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(help="Task to score, by its name; repeat for several, all by default."),
    ] = None,
    derived: Annotated[
        bool,
        typer.Option(
            "--derived/--no-derived", help="Score single classes of multi-label tasks too."
        ),
    ] = True,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of encoded texts; cache/genen in the data folder by default."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Score embeddings of genes by the protocol of gene-benchmark, beside published models.

    A logistic regression on the vectors predicts properties of genes in five groups, in five folds.
    Compared embeddings are scored on the genes that all of them have. Ctrl-C loses at most the task
    at work: run the same command again to go on. A finished run is only rendered anew.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.genes.embeddings import BUILT_IN
    from evals.genes.page import summary
    from evals.genes.run import GenesEval, evaluate

    run = GenesEval(
        embeddings=tuple(embedding or BUILT_IN),
        gene_column=gene_column,
        seed=seed,
        derived=derived,
        tasks=tuple(task or ()),
    )
    evaluated(out, lambda told: evaluate(data, out, run, told, cache), summary)
