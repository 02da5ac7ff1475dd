"""Predictions that are asked for: perturbations, readouts, and the words they were asked in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import QuestionError
from knowledge.schema import Frozen, Perturbation, PerturbationKind
from knowledge.sources.registry import sha256_of
from knowledge.user_tables.file import TableFile, index_column
from tools.effect_rows import COLUMNS

IntArray = NDArray[np.int32]
NOT_ASKED = -1
GIVEN = "_as_given"


class UnknownRow(Frozen):
    """A row that cannot be predicted, kept so that no row is lost.

    Attributes:
        perturbation: The user's words.
        cell_line: The user's words.
        gene: The user's words.
        reason: Why not.
    """

    perturbation: str
    cell_line: str
    gene: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """Predictions asked for, a few bytes each, so that millions fit.

    Attributes:
        perturbations: Each once, in the order in which they first occur.
        genes: Readouts, each once.
        which: Perturbation of each row, `NOT_ASKED` where it cannot be predicted `(rows,)`.
        gene: Readout of each row `(rows,)`.
        kind: Of rows that cannot be predicted.
        unknown: What is to be said of those, by row.
        table: The user's file, from which words and further columns are carried over.
        sha256: Its content when it was read.
        roles: Positions of our columns in it.
        words: Column and cells of what was typed, where there is no file.
    """

    perturbations: tuple[Perturbation, ...]
    genes: tuple[str, ...]
    which: IntArray
    gene: IntArray
    kind: PerturbationKind = "knockdown"
    unknown: Mapping[int, UnknownRow] = field(default_factory=dict)
    table: TableFile | None = None
    sha256: str = ""
    roles: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.which)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Return the rows to predict, those of a perturbation together: they share the work."""
        order = np.argsort(self.which, kind="stable")
        return np.asarray(order[self.which[order] != NOT_ASKED], np.int64)

    @cached_property
    def groups(self) -> tuple[slice, ...]:
        """Return which part of `order` each perturbation has."""
        found = self.which[self.order]
        cuts = [0, *(np.flatnonzero(np.diff(found)) + 1).tolist(), len(found)]
        return tuple(slice(a, b) for a, b in pairwise(cuts) if b > a)

    @cached_property
    def carried(self) -> tuple[tuple[str, int], ...]:
        """Return the name in the output, and the position in the file, of each carried column."""
        if self.table is None:
            return tuple((name, at) for at, name in enumerate(self.words))
        return carried_columns(self.table, self.roles, leave_out=index_column(self.table))

    def carried_cells(self) -> Iterator[tuple[str, ...]]:
        """Iterate over what the user's file says in the carried columns, row by row.

        Raises:
            QuestionError: The file was changed since it was read.
        """
        if self.table is None:
            columns = [self.words[name] for name, _ in self.carried]
            yield from zip(*columns, strict=True) if columns else (() for _ in range(len(self)))
            return
        if sha256_of(self.table.path) != self.sha256:
            raise QuestionError(f"{self.table.path} was changed while it was read; run it again.")
        for row in self.table.rows():
            yield tuple(row.cells[at] for _, at in self.carried)


def asked_of(
    perturbation: Perturbation,
    genes: Sequence[str],
    words: Mapping[str, Sequence[str]] | None = None,
) -> Asked:
    """Return one perturbation with its readouts.

    Args:
        perturbation: What is done, and where.
        genes: Approved symbols of the readouts.
        words: Role (`pert` or `gene`) -> what the user typed in each row, where it differs.
    """
    number: dict[str, int] = {}
    rows = np.array([number.setdefault(gene, len(number)) for gene in genes], np.int32)
    return Asked(
        perturbations=(perturbation,),
        genes=tuple(number),
        which=np.zeros(len(genes), np.int32),
        gene=rows,
        kind=perturbation.kind,
        words={f"{role}{GIVEN}": tuple(cells) for role, cells in (words or {}).items()},
    )


def carried_columns(
    table: TableFile, roles: Mapping[str, int], leave_out: int | None = None
) -> tuple[tuple[str, int], ...]:
    """Return the name in the output, and the position in the file, of each column of a table.

    A column with a role is called after it, and none is called like a column of effects.
    """
    of = {at: role for role, at in reversed([*roles.items()])}
    taken: set[str] = set()
    found = []
    for at, name in enumerate(table.columns):
        if at == leave_out:
            continue
        called = f"{of[at]}{GIVEN}" if at in of else name or f"column_{at + 1}"
        if called in COLUMNS:
            called += GIVEN
        while called in taken:
            called += "_"
        taken.add(called)
        found.append((called, at))
    return tuple(found)
