"""The work behind `knockwise predict`: pairs in order, resumable files, a table."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TimeRemainingColumn,
    track,
)
from rich.table import Table
from rich.text import Text

from agent.session import Session
from app.pairs import Pair, PartialFile, Row, fingerprint, ground_gene, row_of, save
from app.terminal import STYLES, Interrupted, plain, progress, results, signs
from knowledge.schema import Effect, Interval, Perturbation

MOST_ROWS = 25
HEADINGS = ("Perturbation", "Cell line", "Gene", "Prediction", "P(changes)", "P(up)", "Measured")


def pairs_of(
    session: Session,
    pert: list[str],
    readout: list[str] | None,
    kind: str,
    cell_line: str | None,
) -> list[Pair]:
    """Return one perturbation with its readouts, every gene that can be predicted by default."""
    knowledge = session.knowledge
    genes = tuple(ground_gene(knowledge.symbols, word) for word in pert)
    for word, gene in zip(pert, genes, strict=True):
        if word.upper() != gene.upper():
            progress().print(f"{plain(word)} is read as {gene}.", style="yellow", markup=False)
    line = knowledge.cell_lines.ground(cell_line or knowledge.cell_lines.default.name).name
    if cell_line is None:
        progress().print(f"No --cell-line given: {line} is assumed.", style="yellow")
    perturbation = Perturbation.model_validate({"genes": genes, "kind": kind, "cell_line": line})
    if readout:
        readouts = [ground_gene(knowledge.symbols, word) for word in readout]
    else:
        readouts = [effect.gene for effect in session.effects(perturbation)]
    return [Pair(perturbation=perturbation, gene=gene) for gene in readouts]


def rows_of(session: Session, asked: Sequence[Pair]) -> list[Row]:
    """Return the effects in the order asked, computed perturbation by perturbation."""
    order = _by_perturbation(asked)
    shown = track(
        zip(order, _predicted(session, asked, order), strict=True),
        description="Predicting",
        total=len(order),
        console=progress(),
        transient=True,
    )
    try:
        rows = {i: row_of(asked[i], effect) for i, effect in shown}
    except KeyboardInterrupt:
        raise Interrupted("Interrupted; with --out FILE, what is done is kept.") from None
    return [rows[i] for i in range(len(asked))]


def _predicted(session: Session, asked: Sequence[Pair], order: Sequence[int]) -> Iterator[Effect]:
    return session.predict((asked[i].perturbation, asked[i].gene) for i in order)


def _by_perturbation(asked: Sequence[Pair]) -> list[int]:
    """Return the indices of `asked` with equal perturbations together: they share the work."""
    first: dict[Perturbation, int] = {}
    for i, pair in enumerate(asked):
        first.setdefault(pair.perturbation, i)
    return sorted(range(len(asked)), key=lambda i: (first[asked[i].perturbation], i))


def to_file(session: Session, asked: Sequence[Pair], out: Path) -> None:
    """Write the effects to `out` at once; what is done so far survives an interruption."""
    order = _by_perturbation(asked)
    partial = PartialFile.open(out, fingerprint(asked, session.versions))
    if partial.rows:
        progress().print(f"{partial.rows:,} of {len(asked):,} pairs were already predicted.")
    todo = order[partial.rows :]
    bar = Progress(
        "Predicting", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=progress()
    )
    try:
        with closing(partial), bar:
            task = bar.add_task("", total=len(asked), completed=partial.rows)
            for i, effect in zip(todo, _predicted(session, asked, todo), strict=True):
                partial.add(i, row_of(asked[i], effect))
                bar.advance(task)
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted; {partial.rows:,} of {len(asked):,} pairs are kept, and the same command "
            "goes on from there."
        ) from None
    save(partial.in_order(), out)
    partial.remove()
    progress().print(f"{len(asked):,} rows written to {out}.")


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low=low, high=high)


def show(rows: Sequence[Row]) -> None:
    """Print the first rows as a table."""
    out = results()
    chars = signs(out)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for name in HEADINGS:
        table.add_column(name, no_wrap=True)
    for row in rows[:MOST_ROWS]:
        de = chars.chance(row.p_de, _interval(row.p_de_low, row.p_de_high))
        up = chars.chance(row.p_up, _interval(row.p_up_low, row.p_up_high))
        table.add_row(
            row.perturbation,
            row.cell_line,
            row.gene,
            Text(chars.call[row.call], style=STYLES[row.call]),
            "" if row.abstained else de,
            "" if row.p_de is None else up,
            "yes" if row.seen_in_training else "no",
        )
    out.print(table)
    if (more := len(rows) - MOST_ROWS) > 0:
        out.print(f"{more:,} more with --out FILE or --json.", style="dim")
