"""Which readouts answer together: sparse axes of the responses of related perturbations.

The axes are the principal ones of the responses, each averaged over the perturbations like it, so
that a pair that nobody measured is filled in by its relatives. They are rotated (varimax) until
each perturbation moves few of them and each of them moves few readouts, which gives them names.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from models.inputs.screens import UNKNOWN, Rows
from models.response.field import N_LINES, FieldSettings, FloatArray

# A readout's variance is drawn to that of one that changes a tenth of the times, as by five rows.
USUAL, PRIOR_ROWS, LEAST_VARIANCE = 0.1, 5.0, 0.02
# Readouts with fewer rows than this weigh less when the axes are drawn.
ENOUGH_ROWS = 60
# Weight of the perturbations beside the readouts when the axes are rotated.
PERTURBATIONS = 2.0
SWEEPS, TOLERANCE = 60, 1e-5
# Loadings below this share of the root mean square are nothing.
LEAST_LOADING = 0.5


def signs(rows: Rows) -> FloatArray:
    """Return +1 up, -1 down, 0 unchanged `(rows,)`."""
    return np.where(rows.up == UNKNOWN, 0, 2 * rows.up - 1).astype(np.float32)


def deviations(rows: Rows, n_readouts: int) -> FloatArray:
    """Return how much each readout varies around no change, shrunk `(readouts,)`."""
    count = np.bincount(rows.readout, minlength=n_readouts)
    changed = np.bincount(rows.readout, rows.de, minlength=n_readouts)
    rate = (changed + USUAL * PRIOR_ROWS) / (count + PRIOR_ROWS)
    found: FloatArray = np.sqrt(rate + LEAST_VARIANCE).astype(np.float32)
    return found


class Axes(NamedTuple):
    """The principal axes of responses that were averaged over related perturbations.

    Attributes:
        left: Of experiments `(experiments, rank)`.
        scale: The largest first `(rank,)`.
        right: Of readouts `(rank, readouts)`.
    """

    left: FloatArray
    scale: FloatArray
    right: FloatArray


def axes(
    rows: Rows, values: FloatArray, kernel: FloatArray, n_readouts: int, rank: int, seed: int = 0
) -> Axes:
    """Return the principal axes of the responses; the first of more axes are those of fewer.

    Args:
        rows: The measured pairs.
        values: Their signs, each readout scaled to unit variance.
        kernel: Between perturbations, with a diagonal of ones.
        n_readouts: Of the vocabulary.
        rank: Number of axes.
        seed: Of the decomposition.
    """
    from sklearn.utils.extmath import randomized_svd

    smoothed = _smoothed(rows, values, kernel, n_readouts)
    count = np.bincount(rows.readout, minlength=n_readouts)
    smoothed *= np.sqrt(np.minimum(count, ENOUGH_ROWS) / ENOUGH_ROWS).astype(np.float32)
    return Axes(*randomized_svd(smoothed, rank, n_iter=3, random_state=seed))


def loadings(found: Axes, rank: int) -> FloatArray:
    """Return how much each programme moves each readout `(readouts, rank)`, mostly zeros.

    The largest programme comes first, and each is turned so that its strongest readouts go up.
    """
    left, scale, right = found.left[:, :rank], found.scale[:rank], found.right[:rank]
    readouts, perturbations = right.T * scale, left * scale
    both = np.vstack(
        [
            readouts / np.linalg.norm(readouts),
            PERTURBATIONS * perturbations / np.linalg.norm(perturbations),
        ]
    )
    turned = (readouts / np.sqrt((readouts**2).sum(1).mean())) @ varimax(both)
    turned *= np.where((turned**3).sum(0) < 0, -1.0, 1.0)
    turned = turned[:, np.argsort(-(turned**2).sum(0), kind="stable")]
    least = LEAST_LOADING * np.sqrt((turned**2).mean())
    sparse: FloatArray = np.where(np.abs(turned) < least, 0, turned).astype(np.float32)
    return sparse


def _smoothed(rows: Rows, values: FloatArray, kernel: FloatArray, n_readouts: int) -> FloatArray:
    """Return the response of every measured perturbation and line, averaged over relatives."""
    shape, smoothing = (len(kernel), n_readouts), FieldSettings().smoothing
    parts = []
    for line in range(N_LINES):
        mine = np.unique(rows.pert[rows.line == line])
        near = csr_array(kernel[mine])
        found = (near @ rows.matrix(line, values, shape)).toarray()
        seen = rows.matrix(line, np.ones(len(rows), np.float32), shape)
        found /= (near @ seen).toarray() + smoothing
        parts.append(found)
    return np.vstack(parts)


def varimax(axes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rotation `(rank, rank)` after which few rows load on each axis (Kaiser 1958)."""
    n, rank = axes.shape
    rotation, before = np.eye(rank), 0.0
    for _ in range(SWEEPS):
        turned = axes @ rotation
        target = turned**3 - turned * (turned**2).sum(0) / n
        left, scale, right = np.linalg.svd(axes.T @ target)
        rotation, now = left @ right, float(scale.sum())
        if now < before * (1 + TOLERANCE):
            break
        before = now
    return rotation


def matched(ours: FloatArray, theirs: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each of our programmes theirs that is most like it, one to one, and how alike.

    Args:
        ours: Loadings `(readouts, rank)`.
        theirs: Loadings of another fit `(readouts, rank)`.

    Returns:
        Places among theirs, and the correlations, negative where they are turned round.
    """
    unit = [one / np.maximum(np.linalg.norm(one, axis=0), 1e-9) for one in (ours, theirs)]
    alike = unit[0].T @ unit[1]
    _, place = linear_sum_assignment(-np.abs(alike))
    return place, alike[np.arange(len(place)), place].astype(np.float64)
