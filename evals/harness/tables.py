"""Tables for people, made of scores: a row per predictor, a column per line, a cell per score."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.harness.resampling import Estimate
from evals.harness.scores import Gain, Score, Scores

Cell = Callable[[Score], str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header, and a caption above them."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    def markdown(self) -> str:
        """Return it as Markdown, without the caption."""
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def table(header: Iterable[str], rows: Iterable[Iterable[Any]], caption: str = "") -> Table:
    """Return a table of these cells as text; None is an empty one."""
    cells = tuple(tuple("" if cell is None else str(cell) for cell in row) for row in rows)
    return Table(tuple(header), cells, caption)


def pivot(
    scores: Scores,
    rows: str | Sequence[str],
    columns: str | Sequence[str],
    cell: Cell = str,
    *,
    order: Sequence[Any] = (),
    names: Mapping[Any, str] | Callable[[Any], str] = str,
    header: str | Sequence[str] = (),
    caption: str = "",
) -> Table:
    """Return scores as a table: a row and a column for each value of theirs, empty where none is.

    Args:
        scores: Those to show; of two with one place the last is shown.
        rows: The column of the long table whose values head the rows, or several.
        columns: The one whose values head the columns, or several.
        cell: What is shown of a score.
        order: The values that head the columns, all in order of appearance by default.
        names: What they are called.
        header: Names of the leading columns; those of `rows` by default.
        caption: Of the table.
    """
    leading = [rows] if isinstance(rows, str) else list(rows)
    across = [columns] if isinstance(columns, str) else list(columns)
    found: dict[tuple[Any, ...], dict[Any, Score]] = {}
    for one in scores:
        place = tuple(one[name] for name in across)
        row = found.setdefault(tuple(one[name] for name in leading), {})
        row[place[0] if len(across) == 1 else place] = one
    heads = list(order) or list(dict.fromkeys(head for row in found.values() for head in row))
    named = names if callable(names) else lambda head: names.get(head, str(head))
    first = [header] if isinstance(header, str) else list(header) or leading
    return table(
        [*first, *(named(head) for head in heads)],
        (
            [*key, *(cell(row[head]) if head in row else "" for head in heads)]
            for key, row in found.items()
        ),
        caption,
    )


def shown(value: Estimate | Score | None) -> str:
    """Return an estimate with its interval, nothing for none."""
    return "" if value is None else str(value)


def signed(value: Estimate | Score | None, digits: int = 3) -> str:
    """Return a difference with its interval and signs."""
    if value is None:
        return ""
    one = value.value if isinstance(value, Score) else value
    return f"{one.value:+.{digits}f} [{one.low:+.{digits}f}, {one.high:+.{digits}f}]"


def percent(value: Estimate | Score | None, sign: str = "") -> str:
    """Return a share with its interval in percent; `sign` is `+` for a gain."""
    if value is None:
        return ""
    one = value.value if isinstance(value, Score) else value
    return f"{one.value:{sign}.1%} [{one.low:{sign}.1%}, {one.high:{sign}.1%}]"


def judged(gain: Score | None) -> str:
    """Return a gain and whether it is better, level or worse."""
    return f"{signed(gain)} {gain.verdict}" if isinstance(gain, Gain) else ""


def number(digits: int = 0) -> Cell:
    """Return what shows a score's bare number with so many decimals, and commas of thousands."""
    return lambda score: f"{score.value.value:,.{digits}f}"
