"""`knockwise who`: what would have to be lost, or gained, for these genes to change."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.show.terminal import print_json, progress, results, settings, tell_line

MOST_SHOWN = 20
# So many times more perturbations are looked through where only those that a drug does are told.
WIDER = 20


class By(StrEnum):
    """What candidates are ranked by."""

    all = "all"
    predicted = "predicted"
    measured = "measured"
    footprint = "footprint"


class Sought(StrEnum):
    """What is looked for."""

    loss = "loss"
    gain = "gain"
    either = "either"


def who(
    result: Annotated[
        str, typer.Argument(help="Table of a differential test, a list, or 'DDIT3+,LDLR-'.")
    ],
    cell_line: Annotated[str | None, typer.Option(help="Cell line.")] = None,
    sought: Annotated[Sought, typer.Option(help="Losses, gains or both.")] = Sought.either,
    by: Annotated[
        By, typer.Option(help="Rank by all parts or by one; footprint for lists of other cells.")
    ] = By.all,
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many are told.")] = MOST_SHOWN,
    drugs: Annotated[
        bool, typer.Option("--drugs", help="Only what a drug does, with the drugs.")
    ] = False,
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Adjusted p-value up to which a gene changed.")
    ] = 0.05,
    least_effect: Annotated[
        float, typer.Option(min=0, help="Size of log fold change from which it did.")
    ] = 0.0,
    group: Annotated[str | None, typer.Option(help="Group of a table that holds several.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File of the rows, .csv; - for CSV on stdout.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Page to write, .html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Rank the perturbations that would produce a list, beside permuted lists."""
    from app.jobs.outputs import check_out

    check_out(out, (".csv",))
    check_out(page, (".html",))
    from app.jobs.opening import open_session, shared
    from app.lists import line_of
    from app.show.lists import p_words, show_table, table_page, write_rows
    from knowledge.files import replace_text
    from knowledge.user_tables.orthologues import human_of_mouse
    from tools.druggable import THROUGH_TARGETS, with_drugs
    from tools.lists.listed import Reading
    from tools.lists.ranking import causes, library_of
    from tools.lists.results import read_result

    chosen, console = settings(), progress()
    with console.status("Reading what is known ..."):
        session = open_session(chosen if page is None else shared(chosen))
        line = line_of(session, cell_line)
        listed = read_result(
            result,
            session.knowledge.symbols,
            Reading(alpha=alpha, least_effect=least_effect, group=group),
            orthologues=lambda: human_of_mouse(chosen.data),
        )
    tell_line(cell_line, line)
    with console.status("Comparing ..."):
        library = library_of(session.predictor, chosen.data)
        found = causes(
            session.predictor,
            library,
            listed,
            line,
            sought.value,
            min(1000, WIDER * top) if drugs else top,
            by=by.value,
        )
    rows: list[dict[str, Any]] = [
        {
            "perturbation": one.gene,
            "kind": "knockdown" if one.way == "loss" else "activation",
            "cell_line": line,
            "score": round(one.score, 3),
            "p": one.p,
            "predicted": one.predicted,
            "measured": one.measured,
            "measured_in": "; ".join(one.measured_in),
            "footprint": one.footprint,
            "agreeing": one.agreeing,
            "opposing": one.opposing,
            "complexes": "; ".join(one.complexes),
            "path": "; ".join(path.words for path in one.paths),
        }
        for one in found.rows
    ]
    shown = [
        {
            "Perturbed": one.gene,
            "As": one.way,
            "Score": f"{one.score:.1f}",
            "Permuted lists": p_words(one.p),
            "Measured likeness": "" if one.measured is None else f"{one.measured:.2f}",
            "Its own in": ", ".join(one.measured_in),
            "Paths agree": f"{one.agreeing} of {one.agreeing + one.opposing}",
            "Complex": one.complexes[0] if one.complexes else "",
        }
        for one in found.rows
    ]
    dumped, notes = found.model_dump(mode="json"), found.notes
    if drugs:
        rows, shown, dumped = with_drugs(session.knowledge.drugs, rows, shown, dumped, top)
        notes = (*notes, THROUGH_TARGETS)
    lead = (
        f"{found.source}: {found.used:,} of {found.listed:,} genes with a direction compared with "
        f"{found.candidates:,} candidates in {line}."
    )
    if page is not None:
        title = f"What would produce {found.source}"
        replace_text(page, table_page(title, lead, rows, notes, "score"))
        console.print(f"The page is {page}.", soft_wrap=True)
    if out is not None and write_rows(rows, out):
        return
    if as_json:
        print_json({"schema": "knockwise/causes/1", **dumped})
        return
    show_table(results(), lead, shown, notes)
