"""Differential expression of each perturbation of an `.h5ad` file, from moments read in one pass.

Mean and variance of log-normalised expression over the cells of each perturbation are summed chunk
by chunk from the file, so that memory grows with perturbations times genes and not with cells. The
test is that of scanpy's `rank_genes_groups(method="t-test")`, Welch's, computed by SciPy from the
moments; cells of one experiment are no replicates, so a least fold change is asked for beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.symbols import SymbolTable
from models.expression.anndata_file import CHUNK, MIN_CELLS, Layout, cell_genes, values_of, var_of
from models.expression.cell_values import logs
from models.expression.h5ad_structure import DAMAGED, check_h5ad, unreadable
from models.expression.readout_names import distinct, readout_names, told_names

if TYPE_CHECKING:
    from anndata import AnnData

Floats = NDArray[np.float64]
# Genes whose mean in both groups lies below this are not tested: hardly a cell read them.
LEAST_MEAN = 0.02
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Moments:
    """What the cells of each perturbation, and the controls, have in sum.

    Attributes:
        perturbations: Approved symbols, single ones, with enough cells.
        readouts: Approved symbols `(genes,)`.
        cells: Cells of each perturbation, the controls last `(perturbations + 1,)`.
        mean: Of log1p of counts per ten thousand `(perturbations + 1, genes)`.
        variance: Likewise, with one degree of freedom taken.
        left_out: Cells of several genes at once, without a label or too few.
    """

    perturbations: tuple[str, ...]
    readouts: tuple[str, ...]
    cells: NDArray[np.int64]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    left_out: int


class Tested(NamedTuple):
    """A perturbation against the controls, gene by gene.

    Attributes:
        perturbation: What was perturbed.
        cells: How many cells.
        readouts: Places of the genes tested, among those of the moments.
        effect: Log2 fold changes, as scanpy computes them.
        padj: P-values adjusted by Benjamini and Hochberg.
    """

    perturbation: str
    cells: int
    readouts: NDArray[np.int64]
    effect: Floats
    padj: Floats


def read_moments(path: Path, layout: Layout, symbols: SymbolTable, progress: Progress) -> Moments:
    """Return the moments of an `.h5ad` file, read chunk by chunk.

    Args:
        path: The file.
        layout: Where it says what was done to the cells.
        symbols: The genes of today.
        progress: Told how far it is.

    Raises:
        DataError: It is not what it should be; the sentence says in what.
    """
    import anndata

    if not path.is_file():
        raise DataError(f"{path} does not exist; name an .h5ad file.")
    check_h5ad(path)
    try:
        data = anndata.read_h5ad(path, backed="r")
    except DAMAGED as error:
        raise unreadable(path) from error
    try:
        if isinstance(data.X, anndata.abc.CSCDataset):
            raise DataError(
                f"{path} is stored by genes, so that its cells cannot be read one after another; "
                "write X anew as a CSR matrix (`adata.X = adata.X.tocsr()`)."
            )
        return _moments(data, layout, symbols, str(path), progress)
    except (OSError, RuntimeError, KeyError) as error:
        raise unreadable(path) from error
    finally:
        data.file.close()


def _moments(
    data: "AnnData", layout: Layout, symbols: SymbolTable, name: str, progress: Progress
) -> Moments:
    genes = cell_genes(data.obs, layout, symbols, name)
    single = [one[0] if one and len(one) == 1 else "" for one in genes]
    counted = dict(zip(*np.unique(np.array(single), return_counts=True), strict=True))
    perts = sorted(str(one) for one, n in counted.items() if one and n >= MIN_CELLS)
    row = {gene: at for at, gene in enumerate(perts)}
    rows = np.array(
        [len(perts) if one == () else row.get(mine, -1)
         for one, mine in zip(genes, single, strict=True)]
    )  # fmt: skip
    cells = np.bincount(rows[rows >= 0], minlength=len(perts) + 1)
    if not perts or cells[-1] < MIN_CELLS:
        raise DataError(
            f"{name}: {len(perts)} single perturbations have {MIN_CELLS} cells or more, beside "
            f"{int(cells[-1])} controls; a test needs {MIN_CELLS} cells of both."
        )
    names = readout_names(
        told_names(var_of(data, layout), layout.genes, symbols, name), symbols, name
    )
    shape = (len(perts) + 1, len(names))
    sums, squares = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    values = values_of(data, layout, name)
    for here, part in logs(values, layout.counts, layout.target_sum, CHUNK, name):
        mine = rows[here]
        kept = np.flatnonzero(mine >= 0)
        design = sparse.csr_matrix(
            (np.ones(len(kept), np.float32), (mine[kept], kept)), shape=(shape[0], len(mine))
        )
        for total, chunk in ((sums, part), (squares, _squared(part))):
            _add(total, design @ chunk)
        progress(f"{min(here.stop, len(rows)):,} of {len(rows):,} cells", here.stop / len(rows))
    mean = sums / cells[:, None]
    variance = np.maximum(squares / cells[:, None] - mean**2, 0)
    variance *= (cells / np.maximum(cells - 1, 1))[:, None]
    columns = distinct(names, mean[-1])
    return Moments(
        perturbations=tuple(perts),
        readouts=tuple(names[i] for i in columns),
        cells=cells,
        mean=mean[:, columns].astype(np.float32),
        variance=variance[:, columns].astype(np.float32),
        left_out=int(np.sum(rows < 0)),
    )


def _squared(part: Any) -> Any:  # noqa: ANN401  # sparse or dense
    return part.multiply(part) if sparse.issparse(part) else np.square(part)


def _add(total: NDArray[np.float32], more: Any) -> None:  # noqa: ANN401  # sparse or dense
    if not sparse.issparse(more):
        total += more
        return
    # A product holds each place once, so that no addition is lost.
    found = more.tocoo()
    total[found.row, found.col] += found.data


def tested(moments: Moments) -> Iterator[Tested]:
    """Yield every perturbation tested against the controls."""
    from scipy.stats import false_discovery_control, ttest_ind_from_stats

    mean, spread = moments.mean.astype(np.float64), np.sqrt(moments.variance.astype(np.float64))
    n_controls = int(moments.cells[-1])
    for at, gene in enumerate(moments.perturbations):
        n = int(moments.cells[at])
        read = np.flatnonzero((mean[at] >= LEAST_MEAN) | (mean[-1] >= LEAST_MEAN))
        read = read[(spread[at, read] > 0) | (spread[-1, read] > 0)]
        if not len(read):
            continue
        found = ttest_ind_from_stats(
            mean[at, read], spread[at, read], n, mean[-1, read], spread[-1, read], n_controls,
            equal_var=False,
        )  # fmt: skip
        p = np.nan_to_num(found.pvalue, nan=1.0)
        effect = np.log2((np.expm1(mean[at, read]) + TINY) / (np.expm1(mean[-1, read]) + TINY))
        yield Tested(gene, n, read, effect, false_discovery_control(p))
