"""Responses as a shared mean plus what related perturbations share: Gaussian processes.

Single genes: `f(g)` has the covariance `shared + known * similarity(g, g') + own * [g = g']`, the
same for every readout, and a perturbation of several genes is a scaled sum of theirs. Several
genes: the measured responses of the single genes are added with weights that depend on their
sizes and their angle, and a second process over pairs of genes corrects the sum where related
pairs deviated from theirs (the additive model is the baseline to beat: Ahlmann-Eltze, Huber and
Anders, Nature Methods 2025). Every setting is chosen on the rows that are fitted to.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.expression.genes import Similarity
from models.expression.pairs import PairModel, PairSettings, fit_pairs
from models.expression.screens import ExpressionScreen, FloatArray, Genes, IntArray

Array = NDArray[np.float64]
SHARED = (0.0, 0.03, 0.1, 0.3, 1.0)
KNOWN = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
OWN = (0.3, 1.0, 3.0)
MANY = 400
"""Rows that variances are chosen on; more would take minutes."""
SELF_PRIOR = 3.0
"""Pseudo-observations of no change of a perturbed gene's own transcript."""


class Variances(NamedTuple):
    """Prior variances of one gene's response, in units of the noise of one row."""

    shared: float
    known: float
    own: float


@dataclass(frozen=True)
class KernelResidual:
    """The improved model: shared mean, knowledge kernel, weighted sums and pair corrections.

    Attributes:
        similarity: How alike genes are by prior knowledge.
        variances: Fixed prior variances; chosen by leaving genes out if `None`.
        pairs: Fixed settings for two genes; chosen by cross-validation if `None`.
    """

    similarity: Similarity
    variances: Variances | None = None
    pairs: PairSettings | None = None
    name: str = "kernel residual"

    def fit(self, screen: ExpressionScreen, seed: int) -> "FittedKernel":
        """Fit on all rows of `screen`; deterministic but for the folds of pairs drawn by `seed`."""
        genes = screen.genes
        similarity = self.similarity.between(genes, genes).astype(np.float64)
        scale = sum_scale(screen)
        weights = _incidence(screen.perturbations, genes, scale)
        rotated = _rotated(screen.response[:, screen.scored])
        variances = self.variances or _chosen(weights, similarity, rotated)
        inverse = _inverse(weights, similarity, variances)
        fitted = FittedKernel(
            screen=screen,
            genes=genes,
            similarity=self.similarity,
            variances=variances,
            scale=scale,
            duals=weights.T @ inverse @ screen.response,
            errors=_of_singles(_left_out(weights, inverse, screen.response), weights),
            self_change=_self_change(screen),
        )
        if any(len(genes) == 2 for genes in screen.perturbations):
            fitted.pairs = fit_pairs(fitted, seed, self.pairs)
        return fitted


@dataclass
class FittedKernel:
    """The process after its rows were seen.

    Attributes:
        screen: The rows it was fitted to.
        genes: Perturbed genes, in the order of `duals`.
        similarity: How alike genes are.
        variances: Prior variances.
        scale: Weight of the sum for perturbations of several genes.
        duals: Weight of each perturbed gene in every readout `(genes, readouts)`.
        errors: Error of each row of one gene when the gene is left out `(rows, readouts)`; of all
            rows where no gene was perturbed alone.
        self_change: Typical change of a perturbed gene's own transcript; `None` if unmeasured.
        pairs: Corrections for pairs, where pairs were measured.
    """

    screen: ExpressionScreen
    genes: tuple[str, ...]
    similarity: Similarity
    variances: Variances
    scale: float
    duals: Array
    errors: Array
    self_change: float | None
    pairs: PairModel | None = None

    @cached_property
    def columns(self) -> IntArray:
        """Indices of the readouts that distances are measured over."""
        return self.screen.scored

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return the change of every readout `(perturbations, readouts)`.

        Raises:
            UnknownGeneError: Nothing is known of a gene.
        """
        out = np.zeros((len(perturbations), len(self.screen.readouts)), np.float32)
        for row, genes in enumerate(perturbations):
            if len(genes) == 1:
                out[row] = self.single(genes[0])
            elif len(genes) == 2 and self.pairs is not None:
                out[row] = self.pairs.predict(self, (genes[0], genes[1]))
            else:
                out[row] = self.scale * sum(self.best_single(gene) for gene in genes)
            self._set_own(out[row], genes)
        return out

    def single(self, gene: str) -> Array:
        """Return the expected response to one gene `(readouts,)`."""
        return np.asarray(self.weights(gene) @ self.duals)

    def best_single(self, gene: str) -> Array:
        """Return what was measured for one gene, or else what is expected `(readouts,)`."""
        measured = self.screen.row((gene,))
        return self.single(gene) if measured is None else measured.astype(np.float64)

    def weights(self, gene: str) -> Array:
        """Return the prior covariance of a gene's response with the perturbed genes'."""
        alike = self.similarity.between([gene], self.genes)[0].astype(np.float64)
        same = np.array([gene == other for other in self.genes])
        shared, known, own = self.variances
        return np.asarray(shared + known * alike + own * same)

    def _set_own(self, response: FloatArray, genes: Genes) -> None:
        """Put what usually becomes of a perturbed gene's own transcript, unless it was measured."""
        if self.self_change is None:
            return
        for gene in genes:
            if gene in self.screen.readouts and gene not in self.genes:
                response[self.screen.readouts.index(gene)] = self.self_change


def sum_scale(screen: ExpressionScreen, prior: float = 1.0) -> float:
    """Return the factor that fits the sums of single responses to the measured responses.

    Args:
        screen: Training rows.
        prior: Pairs' worth of evidence that the factor is 1.
    """
    columns = screen.scored
    found = [
        (sum(parts[1:], parts[0])[columns].astype(np.float64), screen.response[row][columns])
        for row in screen.rows(several=True)
        if len(parts := measured_singles(screen, screen.perturbations[row]))
        == len(screen.perturbations[row])
    ]
    if not found:
        return 1.0
    sums, measured = (np.array(part, np.float64) for part in zip(*found, strict=True))
    worth = prior * np.mean((sums**2).sum(1))
    return float(((sums * measured).sum() + worth) / ((sums**2).sum() + worth))


def measured_singles(screen: ExpressionScreen, genes: Genes) -> list[FloatArray]:
    """Return the measured responses to each gene alone; the others are left out."""
    return [found for gene in genes if (found := screen.row((gene,))) is not None]


def _incidence(perturbations: Sequence[Genes], genes: tuple[str, ...], scale: float) -> Array:
    """Return how much of each gene's response is in each row `(rows, genes)`."""
    column = {gene: i for i, gene in enumerate(genes)}
    out = np.zeros((len(perturbations), len(genes)))
    for row, perturbed in enumerate(perturbations):
        out[row, [column[gene] for gene in perturbed]] = 1.0 if len(perturbed) == 1 else scale
    return out


def _inverse(weights: Array, similarity: Array, variances: Variances) -> Array:
    """Return the inverse covariance of the rows, whose noise has variance 1 `(rows, rows)`."""
    shared, known, own = variances
    prior = shared + known * similarity + own * np.eye(len(similarity))
    inverse = np.linalg.inv(weights @ prior @ weights.T + np.eye(len(weights)))
    return np.asarray(inverse, np.float64)


def _rotated(response: FloatArray) -> Array:
    """Return responses in a basis of their own, in which lengths stay the same `(rows, rows)`."""
    if response.shape[1] <= response.shape[0]:
        return response.astype(np.float64)
    return np.asarray(np.linalg.qr(response.T.astype(np.float64)).R.T)


def _chosen(weights: Array, similarity: Array, response: Array) -> Variances:
    """Return the variances that predict best when a gene and all its rows are left out."""
    if len(weights) > MANY:
        # What is a fair share of the variance does not depend on how many rows there are.
        rows = np.linspace(0, len(weights) - 1, MANY).astype(np.intp)
        genes = weights[rows].any(0)
        weights, response = weights[np.ix_(rows, genes)], response[rows]
        similarity = similarity[np.ix_(genes, genes)]
    # A gene's own part is noise to all others where no gene is in two rows.
    own = OWN if ((weights > 0).sum(1) > 1).any() else (0.0,)
    score = {}
    for variances in itertools.starmap(Variances, itertools.product(SHARED, KNOWN, own)):
        inverse = _inverse(weights, similarity, variances)
        left = _of_singles(_left_out(weights, inverse, response), weights)
        score[variances] = float(np.linalg.norm(left, axis=1).mean())
    return min(score, key=lambda one: score[one])


def _left_out(weights: Array, inverse: Array, response: FloatArray | Array) -> Array:
    """Return each row's error when its genes, with all their rows, are left out `(rows, ...)`.

    The closed form of Gaussian processes for a block of rows: `inv(Q_bb) (Q y)_b` with the inverse
    covariance `Q` (Rasmussen and Williams 2006, equation 5.12, for blocks). A row of several genes
    is scored with the block of each gene, and the errors are averaged.
    """
    projected = inverse @ response
    total = np.zeros(projected.shape)
    blocks = [np.flatnonzero(column) for column in weights.T]
    for block in blocks:
        total[block] += np.linalg.solve(inverse[np.ix_(block, block)], projected[block])
    return np.asarray(total / (weights > 0).sum(1)[:, None])


def _of_singles(errors: Array, weights: Array) -> Array:
    """Return the rows of single genes, all rows where there are none."""
    alone = (weights > 0).sum(1) == 1
    return errors[alone] if alone.any() else errors


def _self_change(screen: ExpressionScreen) -> float | None:
    """Return the typical change of a perturbed gene's own transcript, shrunk towards none."""
    column = {gene: i for i, gene in enumerate(screen.readouts)}
    found = [
        screen.response[row, column[gene]]
        for row in screen.rows(several=False)
        for gene in screen.perturbations[row]
        if gene in column
    ]
    if not found:
        return None
    return float(np.median(found) * len(found) / (len(found) + SELF_PRIOR))
