"""The expression responses of one context: what was perturbed, and how every readout changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import PerturbationKind

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.integer]
Genes = tuple[str, ...]
"""Genes perturbed together, approved symbols in alphabetical order."""
Unit = Literal["log2 fold change", "difference of mean log1p expression", "latent", "sign"]
TOP = 1000
"""Readouts that distances are measured over: the most expressed (Ahlmann-Eltze et al., 2025)."""


@dataclass(frozen=True, slots=True)
class ExpressionScreen:
    """Mean responses to perturbations in one context, against the control of that context.

    Attributes:
        context: What a user calls it, such as `morphic-prs`.
        kind: What was done to the perturbed genes.
        unit: What a number in `response` is.
        readouts: Approved symbols, or names of coordinates where the unit is `latent`; unique.
        perturbations: One per row, unique.
        response: Change against control `(perturbations, readouts)`, finite.
        baseline: Mean expression in the control `(readouts,)` on the scale of the source; `None`
            where there is none.
        cells: How many cells, or contrasts of bulk samples, each row is the mean of.
    """

    context: str
    kind: PerturbationKind
    unit: Unit
    readouts: tuple[str, ...]
    perturbations: tuple[Genes, ...]
    response: FloatArray
    baseline: FloatArray | None
    cells: IntArray

    def __len__(self) -> int:
        return len(self.perturbations)

    @property
    def genes(self) -> tuple[str, ...]:
        """Every perturbed gene once, in alphabetical order."""
        return tuple(sorted({gene for genes in self.perturbations for gene in genes}))

    @property
    def scored(self) -> IntArray:
        """Indices of the readouts that distances are measured over."""
        if self.baseline is None or len(self.readouts) <= TOP:
            return np.arange(len(self.readouts))
        return np.sort(np.argsort(-self.baseline, kind="stable")[:TOP])

    def rows(self, several: bool) -> IntArray:
        """Return the rows of several genes perturbed together, or those of single genes."""
        return np.flatnonzero([(len(genes) > 1) == several for genes in self.perturbations])

    def row(self, genes: Genes) -> FloatArray | None:
        """Return what was measured for `genes`, `None` if nothing was."""
        if genes not in self.perturbations:
            return None
        return np.asarray(self.response[self.perturbations.index(genes)])

    def take(self, rows: IntArray) -> "ExpressionScreen":
        """Return the screen with these rows alone; nothing of the others is left in it."""
        return replace(
            self,
            perturbations=tuple(self.perturbations[row] for row in rows),
            response=self.response[rows],
            cells=self.cells[rows],
        )


class Fitted(Protocol):
    """A predictor that has seen its training rows."""

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return the change of every readout `(perturbations, readouts)`.

        A row is nan where this predictor has no answer, as additive has none for a gene whose
        single perturbation was not measured.
        """
        ...


class Predictor(Protocol):
    """A way to predict responses, with its settings but without data."""

    @property
    def name(self) -> str:
        """Return what tables call it."""
        ...

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Fit on all rows of `screen`, which holds training rows alone."""
        ...


def together(genes: Iterable[str]) -> Genes:
    """Return genes as a perturbation names them."""
    return tuple(sorted(set(genes)))
