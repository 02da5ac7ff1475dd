"""`knockwise subtypes`: groups inside one tumour type that are rare, stable and beyond chance."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.show.terminal import print_json, progress, results
from knowledge.errors import QuestionError


class Way(StrEnum):
    """How samples are parted."""

    paper = "paper"
    autoencoder = "autoencoder"
    pca = "pca"
    nmf = "nmf"
    consensus = "consensus"
    leiden = "leiden"
    ica = "ica"
    all = "all"


class Samples(StrEnum):
    """Where samples are in a table."""

    auto = "auto"
    rows = "rows"
    columns = "columns"


class Scale(StrEnum):
    """What the values are."""

    auto = "auto"
    counts = "counts"
    linear = "linear"
    log = "log"


def subtypes(
    expr: Annotated[
        Path,
        typer.Argument(help="Expression of many samples: CSV, TSV, parquet or .h5ad."),
    ],
    pheno: Annotated[
        Path | None, typer.Option(help="Table of the samples: tissue, batch, age, survival ...")
    ] = None,
    survival: Annotated[
        str | None, typer.Option(help="Its columns of time and event: TIME,EVENT.")
    ] = None,
    batch: Annotated[
        list[str] | None, typer.Option(help="Its column of batches; repeat for several.")
    ] = None,
    method: Annotated[
        list[Way] | None, typer.Option(help="How samples are parted; ica by default; repeatable.")
    ] = None,
    samples: Annotated[Samples, typer.Option(help="Where samples are in EXPR.")] = Samples.auto,
    scale: Annotated[Scale, typer.Option(help="What the values of EXPR are.")] = Scale.auto,
    as_is: Annotated[
        bool,
        typer.Option("--as-is", help="Values are coordinates (principal components): no scaling."),
    ] = False,
    genes: Annotated[int, typer.Option(min=10, help="Most variable genes that are used.")] = 2000,
    permutations: Annotated[
        int, typer.Option(min=1, max=1000, help="Data sets without groups, of each of two kinds.")
    ] = 20,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run: tables, report; the same command goes on in it."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Search samples of one tumour type for rare subtypes, and say which are beyond chance."""
    if (survival or batch) and pheno is None:
        raise QuestionError("--survival and --batch name columns of --pheno TABLE; give it too.")
    from app.jobs.subtypes import Asked, as_record, search, written
    from tools.subtypes.settings import SubtypeSettings

    settings = SubtypeSettings(
        methods=tuple(one.value for one in method or [Way.ica]),
        genes=genes,
        as_is=as_is,
        permutations=permutations,
        seed=seed,
    )
    asked = Asked(
        expr=expr,
        pheno=pheno,
        survival=survival,
        batches=tuple(batch or ()),
        samples=samples.value,
        scale=scale.value,
        settings=settings,
    )
    found = search(asked, out)
    if out is not None:
        page = written(found, out)
        progress().print(f"The report is {page}.", soft_wrap=True)
    if as_json:
        print_json(as_record(found))
        return
    from app.show.subtypes import show

    show(found, results())
