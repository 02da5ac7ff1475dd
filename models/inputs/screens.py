"""The screens' training rows as arrays, and the declared ways of holding perturbations out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.symbols import SymbolTable
from knowledge.user_tables.labels import SCREEN_SYMBOLS

if TYPE_CHECKING:
    import pandas as pd

CELL_LINES = ("K562", "RPE1", "HepG2", "Jurkat")
SCREEN_FILES = tuple(
    f"perturbqa/{line.lower()}-{task}.csv" for line in CELL_LINES for task in ("de", "dir")
)
Setting = Literal["multi", "strict", "extended"]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled pairs; every field is an array with one entry per row.

    Attributes:
        line: Index into `CELL_LINES`.
        pert: Index of the perturbed gene in the vocabulary of perturbations.
        readout: Index of the readout gene in the vocabulary of readouts.
        de: 1 where the readout is differentially expressed.
        up: 1 up, 0 down, `UNKNOWN` where it is not differentially expressed.
    """

    line: IntArray
    pert: IntArray
    readout: IntArray
    de: IntArray
    up: IntArray

    def __len__(self) -> int:
        return len(self.line)

    def take(self, chosen: BoolArray | IntArray) -> Self:
        """Return the chosen rows, in that order."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def matrix(
        self, line: int, values: NDArray[np.float32], shape: tuple[int, int]
    ) -> sparse.csr_array:
        """Return `values` of one line's rows as a sparse `(perturbations, readouts)` matrix."""
        here = self.line == line
        where = (self.pert[here], self.readout[here])
        return sparse.csr_array((values[here].astype(np.float32), where), shape=shape)


@dataclass(frozen=True, slots=True)
class Screens:
    """Rows of one split with the names their indices stand for.

    Attributes:
        rows: The labelled pairs.
        perturbations: Approved symbols of the perturbed genes.
        readouts: Approved symbols of the readout genes.
        older: Approved symbol -> the outdated symbols the screens use for it.
    """

    rows: Rows
    perturbations: tuple[str, ...]
    readouts: tuple[str, ...]
    older: Mapping[str, tuple[str, ...]]

    def with_perturbations(self, more: Iterable[str]) -> Self:
        """Return the same rows over a vocabulary that has `more` perturbations."""
        names = sorted({*self.perturbations, *more})
        at = {name: i for i, name in enumerate(names)}
        moved = np.array([at[name] for name in self.perturbations])
        return replace(
            self, rows=replace(self.rows, pert=moved[self.rows.pert]), perturbations=tuple(names)
        )


def read_training(root: Path, symbols: SymbolTable) -> Screens:
    """Return the training rows of all four lines; no other row is looked at.

    Raises:
        DataError: A label file is missing.
    """
    # Only training reads tables; predicting must not wait for pandas.
    import pandas as pd

    table = pd.concat(
        [_labels(root, line, "train").assign(line=i) for i, line in enumerate(CELL_LINES)],
        ignore_index=True,
    )
    words = pd.unique(pd.concat([table.pert, table.gene]))
    approved = {word: approve(word, symbols) for word in words}
    older: dict[str, tuple[str, ...]] = {}
    for word, symbol in sorted(approved.items()):
        if word != symbol:
            older[symbol] = (*older.get(symbol, ()), word)
    pert, gene = table.pert.map(approved), table.gene.map(approved)
    perturbations, readouts = sorted(set(pert)), sorted(set(gene))
    rows = Rows(
        line=table.line.to_numpy(np.int64),
        pert=pd.Categorical(pert, perturbations).codes.astype(np.int64),
        readout=pd.Categorical(gene, readouts).codes.astype(np.int64),
        de=table.label.to_numpy(np.int64),
        up=table.up.fillna(UNKNOWN).to_numpy(np.int64),
    )
    return Screens(rows, tuple(perturbations), tuple(readouts), older)


def tested_perturbations(root: Path, line: str, symbols: SymbolTable) -> frozenset[str]:
    """Return the approved symbols of the perturbations tested in `line`; no label is read.

    Raises:
        DataError: The label file is missing.
    """
    import pandas as pd

    path = root / "perturbqa" / f"{line.lower()}-de.csv"
    try:
        table = pd.read_csv(path, usecols=["pert", "split"], keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run `knockwise data pull`.") from None
    return frozenset(approve(word, symbols) for word in set(table.pert[table.split == "test"]))


def approve(word: str, symbols: SymbolTable) -> str:
    """Return the approved symbol of a screen's gene, or the word itself where HGNC has none."""
    return SCREEN_SYMBOLS.get(word) or symbols.approved(word) or word


def _labels(root: Path, line: str, split: str) -> "pd.DataFrame":
    import pandas as pd

    folder = root / "perturbqa"
    try:
        de = pd.read_csv(folder / f"{line.lower()}-de.csv", keep_default_na=False)
        up = pd.read_csv(folder / f"{line.lower()}-dir.csv", keep_default_na=False)
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing; run `knockwise data pull`.") from None
    de, up = de[de.split == split], up[up.split == split]
    de = de.assign(label=pd.to_numeric(de.label))
    up = up.assign(up=pd.to_numeric(up.label))[["pert", "gene", "up"]]
    return de.merge(up, on=["pert", "gene"], how="left")


def held_out(rows: Rows, setting: Setting, line: int, perturbations: IntArray) -> BoolArray:
    """Return which rows a model must not see when `perturbations` are tested in `line`.

    `multi` and `extended` hide their rows in that line only: a perturbation measured elsewhere
    carries its row over. `strict` hides them in every line.
    """
    tested = np.isin(rows.pert, perturbations)
    return tested if setting == "strict" else tested & (rows.line == line)


def folds(rows: Rows, setting: Setting, n_folds: int, rng: np.random.Generator) -> IntArray:
    """Return a fold for every row such that hiding a fold hides what `setting` says.

    In `multi` and `extended` every (perturbation, line) draws a fold of its own, so that a held-out
    perturbation is usually still there in other lines, as on the official split; in `strict` a
    perturbation has one fold in all lines.
    """
    width = int(rows.pert.max()) + 1
    group = rows.pert if setting == "strict" else rows.line * width + rows.pert
    unique, inverse = np.unique(group, return_inverse=True)
    drawn: IntArray = (rng.permutation(len(unique)) % n_folds)[inverse]
    return drawn
