"""Sides laid beside each other, on a terminal and as a page with a heat map and a Venn diagram."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.comparing import compared_words, comparison_rows, pair_rows
from app.show.heat import heat_map
from app.show.lists import page_of
from app.show.terminal import STYLES, plain
from app.show.venn import sets_figure
from tools.compared import ComparedReadout, Comparison

MOST_ON_PAGE = 300
SIGNS = {"up": "▲", "down": "▼", "unchanged": "", "unknown": "?"}
SUBTLE = {"up": "△", "down": "▽"}
ORDER = {"same way": 0, "opposite ways": 1, "only": 2, "unchanged": 3}


def grouped(rows: Sequence[ComparedReadout]) -> list[ComparedReadout]:
    """Return readouts with those beside each other that the same sides move the same way."""
    turn = {"up": 0, "down": 1, "unchanged": 2, "unknown": 3}

    def key(row: ComparedReadout) -> tuple[object, ...]:
        calls = tuple(turn[call] for call in row.calls)
        return ORDER[row.pattern], calls, -sum(abs(value or 0.0) for value in row.values), row.gene

    return sorted(rows, key=key)


def show_comparison(found: Comparison, console: Console, top: int) -> None:
    """Print the sides, every two of them beside each other, and the readouts."""
    console.print(plain(compared_words(found)), markup=False)
    console.print()
    console.print(_table([{
        "Side": one.label,
        "": one.role,
        "Up": f"{one.up:,}",
        "Down": f"{one.down:,}",
        "Of": f"{one.known:,}",
    } for one in found.columns]))  # fmt: skip
    console.print()
    console.print(_table(pair_rows(found)))
    console.print()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("Gene", no_wrap=True)
    for side in found.columns:
        table.add_column(plain(side.label), justify="right")
    table.add_column("")
    for row in grouped(found.rows[:top]):
        cells = [
            Text("not known" if value is None and call == "unknown" else _cell(value, call, faint),
                 style="" if faint else STYLES.get(call, ""))
            for value, call, faint in zip(row.values, row.calls, row.subtle, strict=True)
        ]  # fmt: skip
        table.add_row(Text(plain(row.gene)), *cells, row.pattern)
    console.print(table)
    hollow = "; △ ▽ direction only" if any(any(row.subtle) for row in found.rows[:top]) else ""
    console.print(f"Values are {found.unit}: below 0 down, above 0 up{hollow}.", style="dim")
    for note in found.notes:
        console.print(plain(note), style="yellow", markup=False)


def _cell(value: float | None, call: str, faint: bool) -> str:
    number = "direction only" if value is None else f"{value:+.2f}"
    return f"{number} {SUBTLE.get(call, '') if faint else SIGNS[call]}".strip()


def _table(rows: Sequence[dict[str, str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for at, name in enumerate(rows[0]):
        table.add_column(name, justify="left" if at == 0 else "right")
    for row in rows:
        table.add_row(*(Text(plain(value)) for value in row.values()))
    return table


def comparison_page(found: Comparison) -> str:
    """Return a comparison as one HTML page that loads nothing."""
    title = " beside ".join(side.label for side in found.columns if side.role != "expected")
    return page_of("compared.html.j2", title=title, **comparison_parts(found))


def comparison_parts(found: Comparison) -> dict[str, object]:
    """Return what a page shows of a comparison: pictures, tables, words."""
    return {
        "found": found,
        "headline": compared_words(found),
        "heat": heat_map(found, grouped(found.rows)),
        "venn": sets_figure(found),
        "pairs": pair_rows(found),
        "rows": [
            {key: value for key, value in row.items() if not key.endswith(": call")}
            for row in comparison_rows(found)[:MOST_ON_PAGE]
        ],
        "hidden": max(0, len(found.rows) - MOST_ON_PAGE),
    }
