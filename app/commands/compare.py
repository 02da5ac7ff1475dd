"""`knockwise compare`: perturbations, lines, doubles and measured tables side by side."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.predict import Kind
from app.show.terminal import print_json, progress, results, settings, tell_line
from knowledge.errors import QuestionError

SHOWN = 24


def compare(
    perturbation: Annotated[
        list[str] | None,
        typer.Argument(
            help="Perturbed genes, each a side; A+B for a double, which alone is set beside its "
            "singles."
        ),
    ] = None,
    cell_line: Annotated[
        list[str] | None,
        typer.Option(help="Cell line; repeat it to compare lines with each other."),
    ] = None,
    kind: Annotated[Kind, typer.Option(help="What is done to the genes.")] = Kind.knockdown,
    table: Annotated[
        list[str] | None,
        typer.Option(help="Result of a differential test, as a further side; repeat for several."),
    ] = None,
    readout: Annotated[
        list[str] | None,
        typer.Option(help="Gene to read; repeat it. Whatever changes by default."),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(help="Screen of `express --list`, whose changes are compared instead."),
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Adjusted p-value up to which a gene changed.")
    ] = 0.05,
    least_effect: Annotated[
        float, typer.Option(min=0, help="Size of log fold change from which it did.")
    ] = 0.0,
    group: Annotated[str | None, typer.Option(help="Group of a table that holds several.")] = None,
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many readouts are told.")] = SHOWN,
    out: Annotated[
        Path | None, typer.Option(help="File of up to 1,000 readouts, .csv; - for CSV on stdout.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Page to write, .html: a heat map and a Venn diagram.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Lay perturbations, cell lines or tables side by side; a double beside independence."""
    from app.jobs.outputs import check_out

    check_out(out, (".csv",))
    check_out(page, (".html",))
    if not perturbation and len(table or ()) < 2:  # two sides
        raise QuestionError("Name what to compare: perturbations, or two tables with --table.")
    from app.comparing import comparison_of, comparison_rows
    from app.jobs.opening import open_session, shared
    from app.lists import line_of
    from app.show.comparison import comparison_page, show_comparison
    from app.show.lists import write_rows
    from knowledge.files import replace_text
    from knowledge.user_tables.orthologues import human_of_mouse
    from tools.lists.listed import Reading
    from tools.lists.results import read_result

    chosen, console = settings(), progress()
    with console.status("Reading what is known ..."):
        session = open_session(chosen if page is None else shared(chosen))
        measured = [
            read_result(
                one,
                session.knowledge.symbols,
                Reading(alpha=alpha, least_effect=least_effect, group=group),
                orthologues=lambda: human_of_mouse(chosen.data),
            )
            for one in table or ()
        ]
    if not cell_line and context is None and perturbation:
        tell_line(None, line_of(session, None))
    with console.status("Comparing ..."):
        found = comparison_of(
            session,
            perturbation or (),
            cell_lines=cell_line or (),
            kind=kind.value,
            tables=measured,
            readouts=readout or (),
            context=context,
        )
    if page is not None:
        replace_text(page, comparison_page(found))
        console.print(f"The page is {page}.", soft_wrap=True)
    if out is not None and write_rows(comparison_rows(found), out):
        return
    if as_json:
        print_json({"schema": "knockwise/comparison/1", **found.model_dump(mode="json")})
        return
    show_comparison(found, results(), top)
