"""The values of single cells: told apart as counts or logs of them, and brought to one scale."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from models.expression.screens import FloatArray

Matrix: TypeAlias = "sparse.csr_matrix | FloatArray"
BoolArray = NDArray[np.bool_]

# log1p of a million, the largest total in use, is 13.8; counts per cell go far beyond.
LARGEST_LOG = 15.0
# From this share of cells on, values are taken to be log1p of counts.
LOG_CELLS = 0.05
CHECKED_CELLS = 200
MOST_COUNTS = 20
STEP_ERROR = 0.01
DIGITS_ERROR = 1e-5


def logs(
    whole: Any,  # noqa: ANN401  # dense, sparse or in the file
    promised: bool | None,
    target_sum: float,
    size: int,
    name: str,
) -> Iterator[tuple[slice, Matrix]]:
    """Yield which cells, and the logs of their values, some cells after another.

    Args:
        whole: Values `(cells, genes)`.
        promised: Whether they are raw counts rather than logs; `None` finds out.
        target_sum: What the counts of every cell are scaled to add up to.
        size: How many cells at once.
        name: What an error calls the file.

    Raises:
        DataError: They are neither counts nor logs of counts, or not what was promised.
    """
    counts = promised
    for start in range(0, whole.shape[0], size):
        here = slice(start, min(start + size, whole.shape[0]))
        matrix = whole[here]
        values = matrix.data if sparse.issparse(matrix) else np.asarray(matrix)
        if not np.isfinite(values).all() or values.min(initial=0) < 0:
            raise DataError(
                f"{name} holds negative or missing values, which neither counts nor logs of them "
                "can be; use values before scaling or regression."
            )
        if start == 0:
            counts = _are_counts(values, promised, name)
            if not counts and promised is None:
                _check_logs(matrix, name)
        if counts:
            yield here, log_expression(matrix, target_sum)
        else:
            yield here, matrix


def log_expression(matrix: Matrix, target_sum: float) -> Matrix:
    """Return log1p of counts scaled to `target_sum` per cell."""
    import scanpy
    from anndata import AnnData

    cells = AnnData(matrix.astype(np.float32))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some cells have zero counts")  # they stay zero
        scanpy.pp.normalize_total(cells, target_sum=target_sum)
    scanpy.pp.log1p(cells)
    logs: Matrix = cells.X
    return logs


def variable(sampled: Sequence[Matrix], n_top_genes: int) -> BoolArray:
    """Return which genes vary most beyond what their mean explains `(genes,)`."""
    import scanpy
    from anndata import AnnData

    stacked = sparse.vstack(sampled) if sparse.issparse(sampled[0]) else np.vstack(sampled)
    if n_top_genes >= stacked.shape[1]:
        return np.ones(stacked.shape[1], np.bool_)
    found = scanpy.pp.highly_variable_genes(
        AnnData(stacked), n_top_genes=n_top_genes, inplace=False
    )
    return np.asarray(found["highly_variable"])


def _are_counts(values: NDArray[np.floating], promised: bool | None, name: str) -> bool:
    """Return whether values are raw counts.

    Raises:
        DataError: They are not what was promised, or neither counts nor logs.
    """
    whole = bool(np.all(values == np.round(values)))
    largest = float(values.max(initial=0))
    if promised and not whole:
        raise DataError(
            f"{name} was said to hold raw counts, but its values are not whole numbers; put counts "
            "into X, or leave it to be found out."
        )
    if promised is False and whole:
        raise DataError(
            f"{name} was said to hold logs, but all its values are whole numbers (up to "
            f"{largest:,.0f}), as raw counts are; leave it to be found out."
        )
    if not whole and largest > LARGEST_LOG:
        raise DataError(
            f"{name} holds values up to {largest:,.1f} that are not whole numbers: neither raw "
            "counts nor logs; put either into X (such as by scanpy's `log1p`)."
        )
    return whole


def _check_logs(matrix: Matrix, name: str) -> None:
    """Refuse values that look like logs and are not those of counts, unless told that they are.

    In log1p of scaled counts, the values of a cell are those of its counts 1, 2, 3 ...: brought
    back, they are whole multiples of a common step. Decontaminated counts have no such step.

    Raises:
        DataError: Hardly any cell has one.
    """
    cells = matrix[:CHECKED_CELLS]
    dense = np.asarray(cells.toarray() if sparse.issparse(cells) else cells, np.float64)  # type: ignore[union-attr]  # issparse narrows nothing
    stepped = []
    for row in dense:
        values = np.unique(np.expm1(row[row > 0]))
        if len(values) < 2:
            continue
        # The step may be a fraction of the least value: no gene of the cell need have one count.
        ratios = np.outer(np.arange(1, MOST_COUNTS + 1), values / values[0])
        off = np.abs(ratios - np.round(ratios))
        # Values are stored with seven digits.
        stepped.append(bool((off < STEP_ERROR + DIGITS_ERROR * ratios).all(axis=1).any()))
    if stepped and np.mean(stepped) < LOG_CELLS:
        raise DataError(
            f"{name} holds values up to {dense.max():,.1f} that are not whole numbers and no logs "
            "of counts, as decontaminated or corrected counts are; say --logs if they are logs, or "
            "name the --layer of raw counts (`raw` for .raw)."
        )
