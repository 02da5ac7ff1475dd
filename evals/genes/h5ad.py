"""Reads an embedding of genes from an `.h5ad` file: a row of `obs` per gene."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from knowledge.errors import DataError
from models.expression.h5ad_structure import DAMAGED, check_h5ad, unreadable

if TYPE_CHECKING:
    from anndata import AnnData

SUFFIX = ".h5ad"
GENE = "gene"


def h5ad_rows(path: Path, column: str | None = None) -> pd.DataFrame:
    """Return a column of genes and the numbers of each.

    The numbers are X; where X is empty, the only matrix of `obsm`.

    Args:
        path: The file.
        column: Column of `obs` with the genes; the names of its rows if left out.

    Raises:
        DataError: The file is missing, damaged, or has no such column or numbers.
    """
    import anndata

    if not path.is_file():
        raise DataError(f"{path} does not exist; name the file of the embedding.")
    check_h5ad(path)
    try:
        data = anndata.read_h5ad(path)
        vectors, names = _vectors(data, path)
    except DAMAGED as error:
        raise unreadable(path) from error
    if column is not None and column not in data.obs:
        known = ", ".join(map(str, data.obs.columns)) or "none"
        raise DataError(f"{path}: obs has no column {column}; its columns are {known}.")
    genes = data.obs_names if column is None else data.obs[column]
    if len({*names}) < len(names) or (column or GENE) in names:
        names = [f"dimension {number}" for number in range(vectors.shape[1])]
    rows = pd.DataFrame(vectors, columns=names)
    rows.insert(0, column or GENE, np.asarray(genes.astype(str)))
    return rows


def _vectors(data: "AnnData", path: Path) -> tuple[Any, list[str]]:
    """Return the numbers `(genes, dimensions)` and what each dimension is called."""
    if data.X is not None and data.n_vars:
        dense = data.X if isinstance(data.X, np.ndarray) else data.X.toarray()
        return np.asarray(dense, float), [str(name) for name in data.var_names]
    if len(data.obsm) != 1:
        found = ", ".join(data.obsm) or "none"
        raise DataError(
            f"{path}: X is empty, and which matrix of obsm is meant ({found})? Put the embedding "
            "in X."
        )
    (only,) = data.obsm.values()
    dense = np.asarray(only, float)
    return dense, [str(number) for number in range(dense.shape[1])]
