"""Checks an `.h5ad` file before anything computes with it: a bad index would end the process."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.errors import DataError

if TYPE_CHECKING:
    import h5py

# What h5py and anndata raise on files that are cut off, overwritten or of another program.
DAMAGED = (
    OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, IndexError,
    NotImplementedError, AssertionError,
)  # fmt: skip
_CHUNK = 1 << 22
_SPARSE = {"csr_matrix": 0, "csc_matrix": 1}


def unreadable(path: Path) -> DataError:
    """Return the error for a file that is no intact `.h5ad` file."""
    return DataError(
        f"{path} cannot be read as an .h5ad file with expression in X; write it with anndata's "
        "`write_h5ad`."
    )


def check_h5ad(path: Path) -> None:
    """Check the form of every sparse matrix that cells are read from.

    SciPy trusts the indices of a stored matrix: one out of range is a segmentation fault.

    Raises:
        DataError: The file is damaged, or a matrix contradicts itself.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            for name in _matrices(file):
                if problem := _problem(file[name]):
                    raise DataError(
                        f"{path} is damaged: in {name}, {problem}; write it again with anndata's "
                        "`write_h5ad`."
                    )
    except DAMAGED as error:
        raise unreadable(path) from error


def _matrices(file: "h5py.File") -> Iterator[str]:
    """Iterate over the names of the stored sparse matrices that may hold expression."""
    import h5py

    names = ["X", "raw/X", *(f"layers/{name}" for name in file.get("layers", ()))]
    for name in names:
        found = file.get(name)
        if isinstance(found, h5py.Group) and found.attrs.get("encoding-type") in _SPARSE:
            yield name


def _problem(group: "h5py.Group") -> str:
    """Return what contradicts itself in a sparse matrix, or nothing."""
    shape = [int(size) for size in group.attrs["shape"]]
    major = _SPARSE[group.attrs["encoding-type"]]
    starts: Any = group["indptr"][...]
    indices, data = group["indices"], group["data"]
    if len(shape) != 2 or len(starts) != shape[major] + 1:
        return f"{len(starts) - 1:,} rows are stored where its shape says {shape}"
    if starts[0] != 0 or np.any(np.diff(starts) < 0) or starts[-1] != len(data):
        return "the row pointers (indptr) do not rise from 0 to the number of values"
    if len(indices) != len(data):
        return f"{len(indices):,} indices stand for {len(data):,} values"
    for start in range(0, len(indices), _CHUNK):
        part = indices[start : start + _CHUNK]
        if part.min(initial=0) < 0 or part.max(initial=0) >= shape[1 - major]:
            return f"an index is outside of its {shape[1 - major]:,} columns"
    return ""
