"""Which training rows are like a question: related perturbations, related readouts, their rows."""

from collections.abc import Callable, Collection, Mapping
from copy import copy
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from models.response.experiments import OUTCOMES
from models.response.model import ResponseModel
from models.response.schema import Outcome

FloatArray = np.typing.NDArray[np.float32]
IntArray = np.typing.NDArray[np.int64]


class Row(NamedTuple):
    """A training row: what knocking a gene down in a line did to a readout."""

    perturbation: str
    readout: str
    cell_line: str
    outcome: Outcome


class Neighbours:
    """The perturbations and readouts that resemble a gene, and the rows they have.

    `rows_of(perturbation)` and `rows_on(readout)` return training rows in any line; rows that were
    asked for lately are kept, as the questions of a batch have most of them in common.

    Args:
        model: The response model; its relatives and its training rows are what is looked up.
    """

    def __init__(self, model: ResponseModel) -> None:
        rows = model._rows
        self._symbols = list(model._checkpoint.names["genes"])
        self._gene = {symbol: i for i, symbol in enumerate(self._symbols)}
        self._lines = model.cell_lines
        self._pert_gene, self._readout_gene = model._pert_gene, model._readout_gene
        self._pert = {self._symbols[gene]: i for i, gene in enumerate(self._pert_gene)}
        self._readout = {self._symbols[gene]: i for i, gene in enumerate(self._readout_gene)}
        self._relatives = model._relatives
        self._rows = rows
        self._outcome = np.where(rows.de == 0, 0, 1 + rows.up)
        self._by_pert = _starts(rows.pert, len(self._pert))
        self._by_readout = _starts(rows.readout, len(self._readout))
        self._profiles = self._relatives.profiles(self._readout_gene, len(self._pert))
        self.rows_of: Callable[[str], tuple[Row, ...]] = lru_cache(maxsize=512)(self._rows_of)
        self.rows_on: Callable[[str], tuple[Row, ...]] = lru_cache(maxsize=512)(self._rows_on)

    def perturbations(self, gene: str, k: int) -> dict[str, float]:
        """Return the `k` perturbed genes most like `gene`, with their similarity, nearest first."""
        if gene not in self._gene:
            return {}
        near = self._relatives.rows(np.array([self._gene[gene]]), len(self._pert))[0]
        return self._nearest(near, self._pert_gene, gene, k)

    def readouts(self, gene: str, k: int) -> dict[str, float]:
        """Return the `k` readouts most like `gene`: those with the same relatives."""
        if gene not in self._gene:
            return {}
        own = self._relatives.rows(np.array([self._gene[gene]]), len(self._pert))[0]
        length = float(np.linalg.norm(own))
        if not length:
            return {}
        return self._nearest(self._profiles @ (own / length), self._readout_gene, gene, k)

    def without(self, perturbations: Collection[str], cell_line: str) -> "Neighbours":
        """Return the same without the rows of some perturbations in a line, as if not screened."""
        if not perturbations:
            return self
        found = copy(self)

        def left(rows: tuple[Row, ...]) -> tuple[Row, ...]:
            return tuple(
                row
                for row in rows
                if row.cell_line != cell_line or row.perturbation not in perturbations
            )

        found.rows_of = lambda perturbation: left(self.rows_of(perturbation))
        found.rows_on = lambda readout: left(self.rows_on(readout))
        return found

    def _rows_of(self, perturbation: str) -> tuple[Row, ...]:
        """Return the training rows of a perturbation, in any line."""
        at = self._pert.get(perturbation)
        return () if at is None else tuple(self._row(i) for i in self._by_pert[at])

    def _rows_on(self, readout: str) -> tuple[Row, ...]:
        """Return the training rows of a readout, in any line."""
        at = self._readout.get(readout)
        return () if at is None else tuple(self._row(i) for i in self._by_readout[at])

    def _row(self, i: int) -> Row:
        rows = self._rows
        return Row(
            self._symbols[self._pert_gene[rows.pert[i]]],
            self._symbols[self._readout_gene[rows.readout[i]]],
            self._lines[rows.line[i]],
            OUTCOMES[int(self._outcome[i])],
        )

    def _nearest(self, near: FloatArray, genes: IntArray, gene: str, k: int) -> dict[str, float]:
        order = np.argsort(-near, kind="stable")[: k + 1]
        found = {self._symbols[genes[i]]: float(near[i]) for i in order if near[i] > 0}
        found.pop(gene, None)
        return dict(list(found.items())[:k])


@lru_cache(maxsize=2)
def neighbours(model: ResponseModel) -> Neighbours:
    """Return the neighbours in `model`, read once."""
    return Neighbours(model)


def _starts(index: IntArray, n: int) -> Mapping[int, list[int]]:
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(n + 1))
    return {i: order[bounds[i] : bounds[i + 1]].tolist() for i in range(n)}
