"""How far a perturbation shifts each programme, from what is known of it and measured elsewhere.

The shifts are a Gaussian process over perturbations and lines: those of relatives (complexes,
pathways, co-essential modules, interactions) and of the same perturbation in other lines carry
over. Rows of the perturbation in the line that is asked about never enter.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from models.inputs.screens import IntArray, Rows
from models.programmes.loadings import Axes, axes, deviations, loadings, signs
from models.response.field import N_LINES, Field, FieldSettings, FloatArray, solved

NOISE = 100.0


def field_settings(rank: int, noise: float = NOISE) -> FieldSettings:
    """Return the prior of the shifts: that of the response model, without same-readout terms."""
    return FieldSettings(rank=rank, constant=0.0, same_readout=0.0, noise=noise)


class Scaled(NamedTuple):
    """Rows with readouts scaled to unit variance.

    Attributes:
        values: Signs of changes `(rows,)`.
        deviation: What 1 is on the scale of signs `(readouts,)`.
    """

    values: FloatArray
    deviation: FloatArray


def scaled(rows: Rows, n_readouts: int) -> Scaled:
    """Return the signs of the rows' changes, each readout scaled to unit variance."""
    deviation = deviations(rows, n_readouts)
    values = signs(rows) / deviation[rows.readout]
    scale = np.float32(np.sqrt((values**2).mean()))
    return Scaled(values / scale, deviation * scale)


def axes_of(rows: Rows, similarity: FloatArray, n_readouts: int, rank: int, seed: int = 0) -> Axes:
    """Return the principal axes of what may be seen; arguments as of `fit`."""
    return axes(rows, scaled(rows, n_readouts).values, _kernel(similarity), n_readouts, rank, seed)


def fit(
    rows: Rows, similarity: FloatArray, n_readouts: int, rank: int, found: Axes | None = None
) -> tuple[Field, FloatArray]:
    """Return the process of the shifts, a shift of 1 as large as usual, and the deviations.

    Args:
        rows: The rows that may be seen.
        similarity: Between perturbations, zero diagonal.
        n_readouts: Of the vocabulary.
        rank: Number of programmes.
        found: The axes of these rows, at least as many, where they are known.

    Returns:
        The process; `shifts @ loadings.T * deviation` is the expected sign of a change.
    """
    values, deviation = scaled(rows, n_readouts)
    loaded = loadings(found or axes_of(rows, similarity, n_readouts, rank), rank)
    settings = field_settings(rank)
    duals = solved(rows, values, _kernel(similarity), loaded, settings)
    shape = (len(similarity), n_readouts)
    matrices = tuple(rows.matrix(line, duals, shape) for line in range(N_LINES))
    factors = np.stack([matrix @ loaded for matrix in matrices]).astype(np.float32)
    fitted = Field(settings, loaded, matrices, factors)
    return _scaled(fitted, rows, similarity), deviation


def _kernel(similarity: FloatArray) -> FloatArray:
    kernel = similarity.copy()
    np.fill_diagonal(kernel, 1.0)
    return kernel


def _scaled(field: Field, rows: Rows, similarity: FloatArray) -> Field:
    """Return the same process with shifts whose root mean square over experiments is 1."""
    squares = []
    for line in range(N_LINES):
        own = np.unique(rows.pert[rows.line == line])
        squares.append(field.latent(similarity[own], own, line) ** 2)
    usual = np.sqrt(np.concatenate(squares).mean(0))
    usual = np.where(usual > 0, usual, 1).astype(np.float32)
    return replace(field, loadings=field.loadings * usual, factors=field.factors / usual)


def sparse_shifts(shifts: FloatArray, least: float) -> FloatArray:
    """Return the shifts, those smaller than `least` set to nothing."""
    found: FloatArray = np.where(np.abs(shifts) < least, 0, shifts).astype(np.float32)
    return found


def shifts_of(
    field: Field, similarity: FloatArray, rows: Rows, least: float
) -> tuple[IntArray, FloatArray]:
    """Return the experiment of each row, and the sparse shifts of all experiments.

    Args:
        field: The fitted process.
        similarity: Between perturbations.
        rows: What is asked; labels are not looked at.
        least: The smallest shift that counts.

    Returns:
        For each row its place in the shifts `(rows,)`, and those `(experiments, rank)`.
    """
    key = rows.line * len(similarity) + rows.pert
    experiments, place = np.unique(key, return_inverse=True)
    out = np.zeros((len(experiments), field.loadings.shape[1]), np.float32)
    for line in range(N_LINES):
        here = np.flatnonzero(experiments // len(similarity) == line)
        own = experiments[here] % len(similarity)
        out[here] = field.latent(similarity[own], own, line)
    return place.astype(np.int64), sparse_shifts(out, least)


def expected(
    place: IntArray, shifts: FloatArray, loaded: FloatArray, readout: IntArray
) -> FloatArray:
    """Return the sum of what each row's programmes do to its readout `(rows,)`."""
    sums: FloatArray = np.einsum("ij,ij->i", shifts[place], loaded[readout])
    return sums


def measured_counts(
    rows: Rows, loaded: FloatArray, n_perturbations: int
) -> tuple[FloatArray, FloatArray]:
    """Return, per line and perturbation, how many readouts moved with each programme, and against.

    Only readouts that load on the programme and changed are counted; a shift up has more `along`
    than `against`, a shift down fewer.

    Returns:
        `along` and `against`, `(lines, perturbations, rank)` both.
    """
    sign = signs(rows)
    block = rows.line * n_perturbations + rows.pert
    shape = (N_LINES * n_perturbations, loaded.shape[0])
    changed = sparse.csr_array((sign, (block, rows.readout)), shape=shape)
    way = np.sign(loaded)
    net, total = changed @ way, abs(changed) @ np.abs(way)
    size = (N_LINES, n_perturbations, loaded.shape[1])
    return ((total + net) / 2).reshape(size), ((total - net) / 2).reshape(size)
