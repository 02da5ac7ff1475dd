"""`knockwise find`: which perturbations raise or lower a gene or a set, or act alike."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.predict import Kind
from app.show.terminal import print_json, progress, results, settings, tell_line
from knowledge.errors import QuestionError

if TYPE_CHECKING:
    from agent.session import Session

MOST_SHOWN = 20
# So many times more perturbations are looked through where only those that a drug does are told.
WIDER = 20


def find(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(help="Genes, or the name of a set, whose change is wanted."),
    ] = None,
    up: Annotated[bool, typer.Option("--up", help="Find what raises it.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Find what lowers it.")] = False,
    like: Annotated[
        str | None, typer.Option(help="Find losses with the consequences of this one.")
    ] = None,
    opposite: Annotated[
        str | None, typer.Option(help="Find losses with the opposite consequences: rescuers.")
    ] = None,
    cell_line: Annotated[str | None, typer.Option(help="Cell line.")] = None,
    kind: Annotated[Kind, typer.Option(help="How the genes found are perturbed.")] = Kind.knockdown,
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many are told.")] = MOST_SHOWN,
    drugs: Annotated[
        bool, typer.Option("--drugs", help="Only what a drug does, with the drugs.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="File of the rows, .csv; - for CSV on stdout.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Page to write, .html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Search all perturbations for those that move a gene or a set, specific ones first."""
    from app.jobs.outputs import check_out

    check_out(out, (".csv",))
    check_out(page, (".html",))
    if sum((bool(wanted), like is not None, opposite is not None)) != 1:
        raise QuestionError("Name genes, or one of --like and --opposite.")
    if up and down:
        raise QuestionError("Choose --up or --down, or leave both away for either.")
    from app.jobs.opening import open_session, shared
    from app.jobs.pairs import ground_gene
    from app.lists import alike_perturbations, alike_rows, alike_words, line_of
    from app.show.lists import show_table, table_page, write_rows
    from knowledge.files import replace_text
    from tools.druggable import THROUGH_TARGETS, with_drugs
    from tools.lists.atlas import atlas_of
    from tools.lists.search import found

    chosen, console = settings(), progress()
    with console.status("Reading what is known ..."):
        session = open_session(chosen if page is None else shared(chosen))
    knowledge, predictor = session.knowledge, session.predictor
    line = line_of(session, cell_line)
    tell_line(cell_line, line)
    wide = top if not drugs else min(1000, WIDER * top)
    notes: tuple[str, ...] = ()
    if like is not None or opposite is not None:
        gene = ground_gene(knowledge.symbols, like or opposite or "")
        against = opposite is not None
        with console.status("Searching ..."):
            alikes, compared = alike_perturbations(session, gene, line, opposite=against, top=wide)
        title = alike_words(gene, line, opposite=against, compared=compared)
        rows: list[dict[str, Any]] = alike_rows(alikes, line)
        shown = [
            {"Perturbed": one.gene, "Likeness": f"{one.likeness:+.2f}",
             "Same way": f"{one.same}" if one.measured else "",
             "Other way": f"{one.opposite}" if one.measured else "",
             "Known by": "measurement" if one.measured else "prediction"}
            for one in alikes
        ]  # fmt: skip
        lead, bar = f"{title}.", "likeness"
        dumped: dict[str, Any] = {"rows": [one.model_dump(mode="json") for one in alikes]}
    else:
        readouts = readouts_named(session, wanted or [])
        with console.status("Searching ..."):
            atlas = atlas_of(chosen.data, predictor.response)
            search = found(
                predictor, atlas, readouts, line, "up" if up else "down" if down else None,
                kind.value, wide, chosen.data,
            )  # fmt: skip
        verb = "raises" if up else "lowers" if down else "changes"
        title = f"What {verb} {', '.join(readouts[:6])}{' ...' if len(readouts) > 6 else ''}"
        rows = [
            {"perturbation": one.gene, "kind": kind.value, "cell_line": line,
             "gene": "+".join(readouts), "call": one.call, "p_de": one.p_de, "p_up": one.p_up,
             "worth": round(one.worth, 4), "moved": one.moved, "measured": one.measured,
             "breadth": one.breadth, "essential": one.essential,
             "path": one.path.words if one.path else "", "notes": "; ".join(one.notes)}
            for one in search.rows
        ]  # fmt: skip
        shown = [
            {"Perturbed": one.gene, "Goes": one.call,
             "P(changes)": "not known" if one.p_de is None else f"{one.p_de:.2f}",
             **({"Members": f"{one.moved} of {len(readouts)}"} if len(readouts) > 1 else {}),
             "Measured": one.measured or "",
             "Also changes": "" if one.breadth is None else f"{100 * one.breadth:.0f} %",
             "Path": one.path.words if one.path else "", "Notes": "; ".join(one.notes)}
            for one in search.rows
        ]  # fmt: skip
        lead = (
            f"{title} in {line}: {search.searched:,} perturbations searched, "
            f"{search.measured:,} of them measured."
        )
        notes, bar = search.notes, "worth"
        dumped = search.model_dump(mode="json")
    if drugs:
        rows, shown, dumped = with_drugs(knowledge.drugs, rows, shown, dumped, top)
        notes = (*notes, THROUGH_TARGETS)
    if page is not None:
        replace_text(page, table_page(title, lead, rows, notes, bar))
        console.print(f"The page is {page}.", soft_wrap=True)
    if out is not None and write_rows(rows, out):
        return
    if as_json:
        print_json({"schema": "knockwise/found/1", **dumped})
        return
    show_table(results(), lead, shown, notes)


def readouts_named(session: "Session", words: list[str]) -> tuple[str, ...]:
    """Return the genes that the words name, or the members of the one set that they name.

    Raises:
        QuestionError: They name neither.
    """
    from app.jobs.pairs import ground_gene
    from app.lists import set_named

    if (members := set_named(session, " ".join(words))) is not None:
        return members
    genes = [word for text in words for word in text.replace(",", " ").split()]
    symbols = session.knowledge.symbols
    return tuple(dict.fromkeys(ground_gene(symbols, word) for word in genes))
