"""`knockwise predict`: calibrated effects for one perturbation, or for a file of pairs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.terminal import print_json, progress, settings
from knowledge.errors import QuestionError


class Kind(StrEnum):
    """What is done to the gene."""

    knockout = "knockout"
    knockdown = "knockdown"
    activation = "activation"


def predict(
    pert: Annotated[
        list[str] | None,
        typer.Option(help="Perturbed gene; give it twice for a double perturbation."),
    ] = None,
    cell_line: Annotated[
        str | None, typer.Option(help="Cell line; also for pairs that name none.")
    ] = None,
    readout: Annotated[
        list[str] | None,
        typer.Option(help="Readout gene, any number of times; every gene by default."),
    ] = None,
    kind: Annotated[Kind, typer.Option(help="What is done to the gene.")] = Kind.knockdown,
    pairs: Annotated[
        Path | None,
        typer.Option(help="CSV file with columns pert (A or A+B), gene and cell_line."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write, .csv or .parquet; stdout by default.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the rows as JSON and nothing else.")
    ] = False,
) -> None:
    """Predict whether readout genes change, and which way."""
    if bool(pert) == bool(pairs):
        raise QuestionError("Name a gene with --pert or a file with --pairs, one of the two.")
    if pairs and readout:
        raise QuestionError("A file of pairs names its readouts; leave --readout away.")
    if out and out.suffix not in {".csv", ".parquet"}:
        raise QuestionError(f"{out} must end in .csv or .parquet.")
    if out and not out.resolve().parent.is_dir():
        raise QuestionError(f"{out.resolve().parent} is no folder; make it or name another --out.")
    from agent.session import Session
    from app.pairs import cells, csv_text, read_pairs
    from app.predictions import pairs_of, rows_of, show, to_file

    chosen = settings()
    with progress().status("Reading what is known ..."):
        session = Session.open(chosen)
        if pairs:
            asked = read_pairs(pairs, session.knowledge, kind.value, cell_line)
        else:
            asked = pairs_of(session, pert or [], readout, kind.value, cell_line)
    if out:
        to_file(session, asked, out)
        return
    rows = rows_of(session, asked)
    if pert and not readout:
        rows.sort(key=lambda row: (row.abstained, -(row.p_de or 0.0), row.gene))
    if as_json:
        print_json([row.model_dump() for row in rows])
    elif pairs:
        typer.echo(csv_text(map(cells, rows)), nl=False)
    else:
        show(rows)
