"""What a comparison says, side by side and in sum: frozen, so that any front door can show it."""

from typing import Literal

from knowledge.schema import Call, Frozen

Role = Literal["predicted", "expected", "measured"]
Unit = Literal["P(changes), signed", "log2 fold change", "change"]
Pattern = Literal["same way", "opposite ways", "only", "unchanged"]


class Column(Frozen):
    """One side of a comparison.

    Attributes:
        label: What sets it apart.
        role: Predicted, expected of the others if they were independent, or measured.
        up: Readouts that it raises.
        down: Readouts that it lowers.
        known: Readouts that anything is said of.
        genes: What is perturbed; empty of a table.
        cell_line: Where; "" of a table that does not say.
    """

    label: str
    role: Role
    up: int
    down: int
    known: int
    genes: tuple[str, ...] = ()
    cell_line: str = ""


class ComparedReadout(Frozen):
    """A readout on every side.

    Attributes:
        gene: Approved symbol.
        values: From -1, surely down, to 1, surely up (or a change, see the unit); None: not known.
        calls: What each side says.
        subtle: Whether that is its direction alone: a change is not expected, but would go so.
        pattern: `same way`, `opposite ways`, `only` one side, or `unchanged`.
    """

    gene: str
    values: tuple[float | None, ...]
    calls: tuple[Call, ...]
    subtle: tuple[bool, ...]
    pattern: Pattern


class Pair(Frozen):
    """Two sides beside each other.

    Attributes:
        first: Label of one.
        second: Label of the other.
        known: Readouts that both say something of.
        common: Readouts that both change.
        same: Those of them that both change the same way.
        either: Readouts that one of them changes, of those that both know.
        likeness: Cosine of their values over what both know, without the line's habit where both
            are predictions; None where one has no values.
        ranked: Of a table beside a prediction: probability that a changed gene had the higher
            P(changes) than an unchanged one (AUROC); None elsewhere.
    """

    first: str
    second: str
    known: int
    common: int
    same: int
    either: int
    likeness: float | None
    ranked: float | None = None


class Region(Frozen):
    """Readouts that these sides change, and no other does.

    Attributes:
        sides: Places of the sides among the columns.
        count: How many readouts.
        same: Those that all of the sides change the same way.
        genes: The first of them, the strongest first.
    """

    sides: tuple[int, ...]
    count: int
    same: int
    genes: tuple[str, ...]


class Comparison(Frozen):
    """Sides laid beside each other.

    Attributes:
        columns: The sides.
        unit: What the values are.
        rows: At most 1,000 readouts: those asked about, or those that some side changes, the
            most specific first.
        changed: Readouts that some side changes.
        pairs: Every two sides; of many, each with the first.
        regions: Which sides change how many of the readouts that all of them know, the largest
            first; without expectations.
        shared: How many readouts all sides know, lists of changes alone left aside.
        notes: What to be careful of.
    """

    columns: tuple[Column, ...]
    unit: Unit
    rows: tuple[ComparedReadout, ...]
    changed: int
    pairs: tuple[Pair, ...]
    regions: tuple[Region, ...]
    shared: int
    notes: tuple[str, ...] = ()
