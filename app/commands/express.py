"""`knockwise express`: how far perturbed genes move the expression of all others."""

from pathlib import Path
from typing import Annotated

import typer

from app.jobs.outputs import STDOUT, check_out
from app.show.terminal import print_json, progress, settings
from knowledge.errors import QuestionError

SCHEMA = "knockwise/expression/1"
CONTEXTS = "knockwise/contexts/1"


def express(
    pert: Annotated[
        list[str] | None,
        typer.Option(help="Perturbed gene, or genes perturbed together: A,B."),
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="Where: a context by name; --list shows them.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, .csv or .h5ad, with every readout; - for CSV on stdout."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many readouts the table shows.")] = 20,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `knockwise train expression` wrote; the shipped model by default."
        ),
    ] = None,
    as_list: Annotated[
        bool, typer.Option("--list", help="Show the contexts that can be asked about.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON and nothing else.")
    ] = False,
) -> None:
    """Predict the expression of every gene after one or several genes are perturbed."""
    if bool(pert) == as_list:
        raise QuestionError("Name a gene with --pert, or see the contexts with --list.")
    check_out(out, (".csv", ".h5ad"))
    if as_json and out == STDOUT:
        raise QuestionError("--json and --out - both write to stdout; choose one.")
    from app.jobs.expressions import (
        as_record,
        asked,
        context_records,
        csv_text,
        save,
        show,
        show_contexts,
    )
    from models.expression.model import ExpressionModel

    with progress().status("Reading what was learnt ..."):
        learnt = ExpressionModel.load(weights)
        answer = None if as_list else asked(learnt, pert or [], context, settings())
    if answer is None:
        if as_json:
            print_json({"schema": CONTEXTS, "rows": context_records(learnt)})
        else:
            show_contexts(learnt)
        return
    if out and out != STDOUT:
        save(answer, learnt.version, out)
        progress().print(f"{len(answer.readouts):,} readouts written to {out}.", soft_wrap=True)
    if as_json:
        print_json({"schema": SCHEMA, **as_record(answer, learnt.version)})
    elif out == STDOUT:
        typer.echo(csv_text(answer), nl=False)
    else:
        show(answer, top)
