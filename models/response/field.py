"""A Gaussian process over perturbations, lines and readouts: what related experiments imply.

Two measurements resemble each other when their perturbations do, in the same line more than across
lines, and when their readouts do: either the same gene, or genes that load alike on the factors
that the related perturbations' responses share. The posterior mean is found by conjugate gradients
on the measured pairs alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.inputs.screens import CELL_LINES, IntArray, Rows
from models.threads import one_blas_thread

FloatArray = NDArray[np.float32]
N_LINES = len(CELL_LINES)


def row_by_row(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return `left @ right`, so that a row's product is the same whatever rows are beside it.

    A product of matrices sums in another order than one of a vector, and a tree's threshold may
    lie between the two.
    """
    if len(left) == 1:
        return left @ right
    product: FloatArray = np.concatenate([left[[i]] @ right for i in range(len(left))])
    return product


def related(similarity: FloatArray, matrix: sparse.csr_array) -> FloatArray:
    """Return `similarity @ matrix`, by way of the few relatives that a perturbation has."""
    product: FloatArray = (sparse.csr_array(similarity) @ matrix).toarray()
    return product


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """Prior variances of the process, chosen by cross-validation over training perturbations."""

    rank: int = 48
    constant: float = 0.5
    any_line: float = 0.4
    same_line: float = 0.6
    same_perturbation: float = 0.3
    same_readout: float = 30.0
    noise: float = 100.0
    smoothing: float = 0.3
    iterations: int = 25
    tolerance: float = 1e-3


@dataclass(frozen=True, slots=True)
class Field:
    """The fitted process.

    Attributes:
        settings: The prior it was fitted with.
        loadings: Factors of the readouts `(readouts, rank + 1)`.
        duals: Per line, what each measured pair adds, `(perturbations, readouts)`.
        factors: Per line, the duals seen through the loadings `(lines, perturbations, rank + 1)`.
    """

    settings: FieldSettings
    loadings: FloatArray
    duals: tuple[sparse.csr_array, ...]
    factors: FloatArray

    def latent(self, similarity: FloatArray, own: IntArray, line: int) -> FloatArray:
        """Return each query's factors in `line` `(queries, rank + 1)`, from its relatives."""
        s = self.settings
        latent: FloatArray = s.same_line * row_by_row(similarity, self.factors[line])
        latent += s.any_line * row_by_row(similarity, self.factors.sum(0))
        known = own >= 0
        elsewhere = self.factors.sum(0) - self.factors[line]
        latent[known] += (s.any_line + s.same_perturbation) * elsewhere[own[known]]
        return latent

    def same_readout(self, similarity: FloatArray, own: IntArray, line: int) -> FloatArray:
        """Return what rows of the very same readout imply `(queries, readouts)`."""
        s = self.settings
        total = related(similarity, self.duals[line]) * s.same_line
        for other, duals in enumerate(self.duals):
            total += s.any_line * related(similarity, duals)
            if other != line:
                known = np.flatnonzero(own >= 0)
                mine = duals[own[known]].toarray()
                total[known] += (s.any_line + s.same_perturbation) * mine
        scaled: FloatArray = s.same_readout * total
        return scaled


@one_blas_thread()
def fit_field(
    rows: Rows,
    values: FloatArray,
    similarity: FloatArray,
    n_readouts: int,
    settings: FieldSettings,
) -> Field:
    """Fit the process to `values` of `rows`.

    Args:
        rows: The measured pairs.
        values: What is explained: residuals with about unit variance.
        similarity: Between perturbations `(perturbations, perturbations)`, zero diagonal.
        n_readouts: Number of readouts in the vocabulary.
        settings: The prior.
    """
    shape = (len(similarity), n_readouts)
    kernel = similarity.copy()
    np.fill_diagonal(kernel, 1.0)
    loadings = _loadings(rows, values, kernel, shape, settings)
    duals = solved(rows, values, kernel, loadings, settings)
    matrices = tuple(rows.matrix(line, duals, shape) for line in range(N_LINES))
    factors = np.stack([matrix @ loadings for matrix in matrices])
    return Field(settings, loadings, matrices, factors.astype(np.float32))


def _loadings(
    rows: Rows,
    values: FloatArray,
    kernel: FloatArray,
    shape: tuple[int, int],
    settings: FieldSettings,
) -> FloatArray:
    """Return factors of the readouts: the principal axes of the kernel-smoothed responses."""
    # Imported late: predicting needs none of scikit-learn, which takes most of a second.
    from sklearn.utils.extmath import randomized_svd

    smoothed = []
    for line in range(N_LINES):
        seen = rows.matrix(line, np.ones(len(rows), np.float32), shape)
        summed = kernel @ rows.matrix(line, values, shape)
        smoothed.append(summed / (kernel @ seen + settings.smoothing))
    _, scale, axes = randomized_svd(np.vstack(smoothed), settings.rank, n_iter=3, random_state=0)
    # An axis has no sign of its own; the skew gives it the same one in every fold.
    loadings = axes.T * scale * np.where((axes**3).sum(1) < 0, -1.0, 1.0)
    loadings /= np.sqrt((loadings**2).sum(1).mean())
    constant = np.full((shape[1], 1), settings.constant)
    joined: FloatArray = np.hstack([loadings, constant]).astype(np.float32)
    return joined


def solved(
    rows: Rows,
    values: FloatArray,
    kernel: FloatArray,
    loadings: FloatArray,
    s: FieldSettings,
) -> FloatArray:
    """Return the duals of the measured pairs by conjugate gradients."""
    n, n_perts, rank = len(rows), len(kernel), loadings.shape[1]
    mine = loadings[rows.readout]
    block = rows.line * n_perts + rows.pert
    gather = sparse.csr_array(
        (np.ones(n, np.float32), (block, np.arange(n))), shape=(N_LINES * n_perts, n)
    )
    groups = _readout_groups(rows, kernel, s) if s.same_readout else ()

    def covariance(duals: FloatArray) -> FloatArray:
        factors = (gather @ (mine * duals[:, None])).reshape(N_LINES, n_perts, rank)
        flat = factors.transpose(1, 0, 2).reshape(n_perts, -1)
        related = (kernel @ flat).reshape(n_perts, N_LINES, rank).transpose(1, 0, 2)
        latent: FloatArray = s.same_line * related + s.any_line * related.sum(0)
        latent += s.same_perturbation * factors.sum(0)
        out = np.einsum("ij,ij->i", mine, latent.reshape(-1, rank)[block]) + s.noise * duals
        for members, own in groups:
            out[members] += s.same_readout * (own @ duals[members])
        image: FloatArray = out.astype(np.float32)
        return image

    duals = np.zeros(n, np.float32)
    residual = values.astype(np.float32)
    direction, power = residual.copy(), float(residual @ residual)
    target = power * s.tolerance**2
    for _ in range(s.iterations):
        image = covariance(direction)
        step = power / float(direction @ image)
        duals += np.float32(step) * direction
        residual -= np.float32(step) * image
        previous, power = power, float(residual @ residual)
        if power < target:
            break
        direction = residual + np.float32(power / previous) * direction
    return duals


def _readout_groups(
    rows: Rows, kernel: FloatArray, s: FieldSettings
) -> Sequence[tuple[IntArray, FloatArray]]:
    """Return, per readout, its rows and the covariance of their perturbations."""
    order = np.argsort(rows.readout, kind="stable")
    bounds = np.flatnonzero(np.diff(rows.readout[order])) + 1
    groups = []
    for members in np.split(order, bounds):
        pert, line = rows.pert[members], rows.line[members]
        same = line[:, None] == line[None, :]
        weight = s.any_line + s.same_line * same
        own = kernel[np.ix_(pert, pert)] * weight
        own += s.same_perturbation * (pert[:, None] == pert[None, :])
        groups.append((members, own.astype(np.float32)))
    return groups
