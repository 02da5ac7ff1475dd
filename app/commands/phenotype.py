"""`knockwise phenotype`: which phenotypes the loss of a gene causes, known and predicted."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.jobs.outputs import check_out
from app.show.terminal import print_json, progress, settings
from knowledge.errors import QuestionError

TOP = 10
SCHEMA = "knockwise/phenotypes/1"


class CollectionChoice(StrEnum):
    """Where the terms of phenotypes come from."""

    mp = "mp"
    hpo = "hpo"
    komp = "komp"
    gwas = "gwas"


def phenotype(
    gene: Annotated[str | None, typer.Argument(help="A human gene.", show_default=False)] = None,
    fasta: Annotated[
        Path | None,
        typer.Option(help="Protein sequences to predict from, instead of a gene."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, .csv or .csv.gz, with every term's probability; - for stdout."
        ),
    ] = None,
    collection: Annotated[
        list[CollectionChoice] | None,
        typer.Option(
            help="mp (mouse mutants), hpo (human disease), komp (standardised mouse screens), "
            "gwas (common variants); repeat for several. mp and hpo by default, all of them in "
            "a file.",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many phenotypes of each collection; 10 on the screen, every term in a file.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `knockwise train genepheno` wrote; the shipped model by default."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON and nothing else.")
    ] = False,
) -> None:
    """Say which phenotypes losing a gene causes: the known ones, and apart those predicted.

    Predictions are made from the protein sequence through gene functions; they are for research,
    and no medical advice.
    """
    if bool(gene) == bool(fasta):
        raise QuestionError(
            "Name a gene, for example `knockwise phenotype FGFR3`, or give sequences with --fasta."
        )
    if as_json and out is not None:
        raise QuestionError("--json writes to stdout and --out to a file; choose one.")
    check_out(out, (".csv", ".csv.gz"))
    from app.jobs.phenotypes import (
        Writer,
        asked,
        queries,
        records,
        show,
        shown_queries,
        tell_genes,
        usual,
    )
    from models.genepheno.model import GenePhenoModel
    from tools.phenotypes import ABOUT

    chosen = tuple(name for name in ABOUT if name in (collection or ()))
    usable = queries(fasta) if fasta else ()
    with progress().status("Reading what was learnt ..."):
        learnt = GenePhenoModel.load(weights)
        symbol = asked(learnt, gene, settings()) if gene else ""
        if usable:
            tell_genes(usable, learnt, settings())
    shown = chosen or usual(learnt)
    if out is not None:
        Writer(learnt, chosen, top).write(symbol or usable, out)
    elif as_json:
        found = records(learnt, symbol or usable, shown, top or TOP)
        rows = {"rows": found} if isinstance(found, list) else found
        print_json({"schema": SCHEMA, **rows})
    elif symbol:
        show(learnt, symbol, shown, top or TOP)
    else:
        shown_queries(learnt, usable, shown, top or TOP)
