"""`knockwise read`: how a question is read, without answering it."""

from collections.abc import Sequence
from typing import Annotated

import typer

from app.show.terminal import complain, plain, print_json, progress, results, settings
from knowledge.errors import QuestionError

SCHEMA = "knockwise/reading/1"


def read(
    question: Annotated[list[str], typer.Argument(help="The question, in words.")],
    cell_line: Annotated[
        str | None, typer.Option(help="Cell line, where the question does not name one.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the reading as JSON and nothing else.")
    ] = False,
) -> None:
    """Show how a question is read: its kind, what is perturbed, where, and what is assumed."""
    explain(" ".join(question).strip(), cell_line, as_json=as_json)


def explain(text: str, cell_line: str | None, *, as_json: bool) -> None:
    """Print how a question is read; leave with 2 where it cannot be, or has no answer.

    Raises:
        Exit: With 2, after saying what was understood and what was not.
    """
    from agent.question.answerable import trouble
    from agent.question.reading import parse_question, understood
    from agent.question.telling import as_words, rows
    from knowledge.base import load_knowledge
    from models.inputs.genes import shipped_genes

    with progress().status("Reading what is known ..."):
        knowledge = load_knowledge(settings().data, extra_genes=shipped_genes())
    try:
        question = parse_question(text, knowledge, cell_line=cell_line)
    except QuestionError as error:
        found = understood(text, knowledge)
        if as_json:
            print_json({"schema": SCHEMA, "read": False, "why": str(error), "understood": found})
        else:
            _table(list(found.items()))
        complain(str(error))
        raise typer.Exit(2) from None
    reason = trouble(question)
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "read": True,
                "words": as_words(question),
                "answered": not reason,
                "why": reason,
                "question": question.model_dump(mode="json"),
            }
        )
    else:
        _table(rows(question))
    if reason:
        complain(reason)
        raise typer.Exit(2)


def _table(rows: Sequence[tuple[str, str | list[str]]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(plain(value if isinstance(value, str) else ", ".join(value))))
    results().print(table)
