"""Sparse signed matrices over named genes, made once and kept beside the atlas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.files import replacing

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SignedRows:
    """What each row's loss does to genes: positive where it raises one.

    Attributes:
        rows: Names of the rows; a gene may have several.
        genes: Names of the columns.
        values: `(rows, genes)`.
    """

    rows: tuple[str, ...]
    genes: tuple[str, ...]
    values: sparse.csr_array

    @cached_property
    def column(self) -> dict[str, int]:
        """Return where each gene stands."""
        return {gene: at for at, gene in enumerate(self.genes)}

    @cached_property
    def length(self) -> Floats:
        """Return the length of each row, never 0."""
        squares = np.asarray(self.values.multiply(self.values).sum(axis=1)).ravel()
        found: Floats = np.maximum(np.sqrt(squares), 1e-6).astype(np.float32)
        return found

    def likeness(self, lists: Floats) -> Floats:
        """Return the cosine of every row to lists `(genes, lists)`, as `(rows, lists)`."""
        size = np.maximum(np.linalg.norm(lists, axis=0), 1e-6)
        found: Floats = np.asarray(self.values @ lists) / self.length[:, None] / size
        return found

    def take(self, chosen: NDArray[np.int64]) -> "SignedRows":
        """Return some of the rows."""
        names = tuple(self.rows[i] for i in chosen)
        return SignedRows(names, self.genes, self.values[chosen].tocsr())

    def vector(self, signs: dict[str, int], weight: Floats | None = None) -> Floats:
        """Return a signed list as a column over the genes `(genes, 1)`."""
        out = np.zeros((len(self.genes), 1), np.float32)
        for gene, sign in signs.items():
            if (at := self.column.get(gene)) is not None:
                out[at, 0] = sign if weight is None else sign * weight[at]
        return out


def kept(path: Path, version: str, make: Callable[[], SignedRows]) -> SignedRows:
    """Return what a file holds, if it is of this version; else make it and try to keep it."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["version"]) == version:
                shape = (len(stored["rows"]), len(stored["genes"]))
                parts = (stored["data"], stored["indices"], stored["indptr"])
                return SignedRows(
                    tuple(stored["rows"].tolist()),
                    tuple(stored["genes"].tolist()),
                    sparse.csr_array(parts, shape=shape),
                )
    except (OSError, KeyError, ValueError):
        pass  # it is missing, or of an older layout
    found = make()
    _keep(path, version, found)
    return found


def _keep(path: Path, version: str, found: SignedRows) -> None:
    if not path.parent.is_dir():
        return
    try:
        with replacing(path) as draft, draft.open("wb") as file:
            np.savez_compressed(
                file, version=np.array(version), rows=_words(found.rows), genes=_words(found.genes),
                data=found.values.data, indices=found.values.indices, indptr=found.values.indptr,
            )  # fmt: skip
    except OSError:
        return  # a folder that may only be read


def _words(words: Sequence[str]) -> NDArray[np.str_]:
    return np.array(words, dtype=np.str_)
