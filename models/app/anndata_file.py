"""Turns an AnnData file of single cells into the mean responses of one context."""

import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import PerturbationKind
from knowledge.symbols import SymbolTable
from models.app.screens import ExpressionScreen, FloatArray, Genes, IntArray, together
from models.response.screens import approve

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

Matrix: TypeAlias = "sparse.csr_matrix | FloatArray"
BoolArray = NDArray[np.bool_]

MIN_CELLS = 10
TARGET_SUM = 10_000.0
# Cells held in memory at once, and cells that variable genes are found on: a screen of 300,000
# cells would not fit whole.
CHUNK = 10_000
# log1p of a million, the largest total in use, is 13.8; counts per cell go far beyond.
LARGEST_LOG = 15.0
SHOWN = 5
_SEPARATORS = re.compile(r"\s*[+|,;]\s*")
_ENSEMBL = re.compile(r"ENSG\d{11}(\.\d+)?")
_UNPERTURBED = frozenset({"ctrl", "control"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table of cells says what was done to them, and on which scale its values are.

    Attributes:
        perturbation: Column of `obs` with the perturbed genes.
        control: Its label of unperturbed cells.
        batch: Column of `obs` within which cells are compared; `None` compares all.
        counts: Whether values are raw counts rather than logs; `None` finds out.
        n_top_genes: How many of the most variable genes become readouts beside the perturbed ones;
            `None` keeps all.
        target_sum: What the counts of every cell are scaled to add up to.
    """

    perturbation: str
    control: str
    batch: str | None = None
    counts: bool | None = None
    n_top_genes: int | None = None
    target_sum: float = TARGET_SUM


def read_h5ad(
    path: Path,
    perturbation: str,
    control: str,
    batch: str | None = None,
    context: str | None = None,
    kind: PerturbationKind = "knockout",
    n_top_genes: int | None = 5000,
    counts: bool | None = None,
    *,
    symbols: SymbolTable,
) -> ExpressionScreen:
    """Return the mean response to every perturbation of an `.h5ad` file.

    Counts are normalised and logged, cells averaged per perturbation, and controls subtracted,
    within batches where a batch column is named. Combinations are written `A+B`, `A|B`, `A,B` or,
    where both parts are symbols, `A_B`; a part `ctrl` or `control` stands for no second gene.

    Args:
        path: The file.
        perturbation: Column of `obs` with the perturbed genes.
        control: Its label of unperturbed cells.
        batch: Column of `obs` within which cells are compared.
        context: What the context is called; the file's name if `None`.
        kind: What was done to the perturbed genes.
        n_top_genes: How many of the most variable genes become readouts, beside the perturbed.
        counts: Whether values are raw counts rather than logs; `None` finds out.
        symbols: Genes that perturbations are looked up in, as from `read_symbols`.

    Raises:
        DataError: The file is not what it should be; the sentence says in what.
    """
    import anndata

    if not path.is_file():
        raise DataError(f"{path} does not exist; name an .h5ad file.")
    try:
        data = anndata.read_h5ad(path, backed="r")
        by_gene = isinstance(data.X, anndata.abc.CSCDataset)  # must be held whole to read cells
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} cannot be read as an .h5ad file with expression in X; write it with anndata's "
            "`write_h5ad`."
        ) from error
    layout = Layout(perturbation, control, batch, counts, n_top_genes)
    try:
        cells = data.to_memory() if by_gene else data
        return expression_screen(cells, layout, symbols, context or path.stem, kind, str(path))
    finally:
        data.file.close()


def expression_screen(
    data: "AnnData",
    layout: Layout,
    symbols: SymbolTable,
    context: str,
    kind: PerturbationKind,
    name: str,
) -> ExpressionScreen:
    """Return the mean response to every perturbation among the cells of `data`.

    Raises:
        DataError: The data are not what they should be; the sentence starts with `name`.
    """
    genes = cell_genes(data.obs, layout, symbols, name)
    names = readout_names(data.var_names, symbols, name)
    batches = (
        _codes(_column(data.obs, layout.batch, name)) if layout.batch else np.zeros(len(genes))
    )
    perturbations, counted, controls, design = _design(genes, batches.astype(np.int64), name)

    sums = np.zeros((design.shape[0], len(names)))
    sample = np.zeros(len(genes), np.bool_)
    rng = np.random.default_rng(0)
    sample[rng.permutation(np.flatnonzero(design.sum(0)))[:CHUNK]] = True
    sampled = []
    for here, part in _chunks(data, layout, name):
        total = design[:, here] @ part
        sums += total.toarray() if sparse.issparse(total) else total
        sampled.append(part[sample[here]])

    n = len(perturbations)
    control_means = sums[n:] / controls[:, None]
    own = counted.sum(1)
    response = sums[:n] / own[:, None] - (counted / own[:, None]) @ control_means
    baseline = sums[n:].sum(0) / controls.sum()
    kept = distinct(names, baseline)
    if layout.n_top_genes is not None:
        perturbed = {gene for several in perturbations for gene in several}
        variable = _variable(sampled, layout.n_top_genes)
        kept = kept[[bool(variable[i]) or names[i] in perturbed for i in kept]]
    return ExpressionScreen(
        context=context,
        kind=kind,
        unit="difference of mean log1p expression",
        readouts=tuple(names[i] for i in kept),
        perturbations=perturbations,
        response=response[:, kept].astype(np.float32),
        baseline=baseline[kept].astype(np.float32),
        cells=own,
    )


def cell_genes(
    obs: "pd.DataFrame", layout: Layout, symbols: SymbolTable, name: str
) -> list[Genes | None]:
    """Return the perturbed genes of each cell, `()` for controls, `None` where it has no label.

    Raises:
        DataError: A column or the controls are missing, or a perturbed gene is unknown.
    """
    column = _column(obs, layout.perturbation, name)
    labels: list[str | None] = [
        None if missing else str(label).strip()
        for label, missing in zip(column, column.isna(), strict=True)
    ]
    frequent = Counter(label for label in labels if label)
    if layout.control not in frequent:
        most = ", ".join(f"{label!r} ({n:,})" for label, n in frequent.most_common(SHOWN))
        raise DataError(
            f"{name}: no cell is labelled {layout.control!r} in column {layout.perturbation!r}; "
            f"name the label of the controls (the most frequent labels are {most})."
        )
    if unlabelled := sum(not label for label in labels):
        _log.warning(
            "%s: %s cells without a label in column %r are left out.",
            name, f"{unlabelled:,}", layout.perturbation,
        )  # fmt: skip
    words = {label: _words(label, layout.control, symbols) for label in frequent}
    unknown = sorted({w for ws in words.values() for w in ws if approve(w, symbols) not in symbols})
    if unknown:
        shown = "; ".join(
            f"{word!r} (nearest: {', '.join(symbols.nearest(word, 3)) or 'none'})"
            for word in unknown[:SHOWN]
        )
        more = f" and {len(unknown) - SHOWN:,} more" if len(unknown) > SHOWN else ""
        raise DataError(
            f"{name}: column {layout.perturbation!r} perturbs what are not human genes: "
            f"{shown}{more}; rename or remove these cells."
        )
    found = {label: together(approve(w, symbols) for w in ws) for label, ws in words.items()}
    return [found[label] if label else None for label in labels]


def readout_names(words: Iterable[str], symbols: SymbolTable, name: str) -> list[str]:
    """Return approved symbols of readouts; words that HGNC does not know stay as they are.

    Raises:
        DataError: A word occurs twice, or none is a human gene.
    """
    listed = [str(word) for word in words]
    if twice := [word for word, n in Counter(listed).items() if n > 1]:
        more = " ..." if len(twice) > SHOWN else ""
        raise DataError(
            f"{name}: {len(twice):,} gene names occur more than once, such as "
            f"{', '.join(twice[:SHOWN])}{more}; keep one column of each, or name genes by Ensembl."
        )
    names = []
    for word in listed:
        gene = symbols.ground(word).gene if _ENSEMBL.fullmatch(word) else None
        names.append(gene.symbol if gene else approve(word, symbols))
    if not any(symbol in symbols for symbol in names):
        raise DataError(
            f"{name}: none of its {len(listed):,} gene names is a human gene, such as "
            f"{', '.join(map(repr, listed[:3]))}; put symbols or Ensembl ids into `var_names`."
        )
    return names


def distinct(names: Sequence[str], expression: FloatArray) -> IntArray:
    """Return one position per name, in order: that of the most expressed."""
    best: dict[str, int] = {}
    for i in np.argsort(-expression, kind="stable"):
        best.setdefault(names[i], int(i))
    return np.array(sorted(best.values()), np.int64)


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


def _words(label: str, control: str, symbols: SymbolTable) -> list[str]:
    """Return what a label calls the perturbed genes; nothing for controls."""
    if label == control:
        return []

    def perturbed(parts: Iterable[str]) -> list[str]:
        return [p for p in parts if p and p != control and p.casefold() not in _UNPERTURBED]

    words = perturbed(_SEPARATORS.split(label))
    if len(words) == 1 and approve(words[0], symbols) not in symbols:
        parts = perturbed(words[0].split("_"))
        if all(approve(part, symbols) in symbols for part in parts):
            return parts
    return words


def _column(obs: "pd.DataFrame", column: str, name: str) -> "pd.Series[str]":
    if column not in obs:
        raise DataError(
            f"{name} has no column {column!r} of cells; its columns are "
            f"{', '.join(map(str, obs.columns)) or 'none'}."
        )
    found: pd.Series[str] = obs[column]
    return found


def _codes(column: "pd.Series[str]") -> IntArray:
    import pandas as pd

    return np.asarray(pd.factorize(column)[0])


def _design(
    genes: Sequence[Genes | None], batches: IntArray, name: str
) -> tuple[tuple[Genes, ...], IntArray, IntArray, sparse.csr_matrix]:
    """Return which cells are averaged for what.

    Returns:
        The perturbations; their cells `(perturbations, batches)`; the control cells `(batches,)`;
        and 1 where a cell counts `(perturbations + batches, cells)`.

    Raises:
        DataError: Too few cells are left.
    """
    control = np.array([several == () for several in genes])
    used = np.unique(batches[control & (batches >= 0)])
    at = {int(code): i for i, code in enumerate(used)}
    here = np.array([at.get(int(code), -1) for code in batches])
    comparable = np.array([several is not None for several in genes]) & (here >= 0)
    if lost := int(np.sum(~comparable & np.array([bool(several) for several in genes]))):
        _log.warning("%s: %s cells of batches without controls are left out.", name, f"{lost:,}")
    cells = Counter(
        several for several, ok in zip(genes, comparable, strict=True) if ok and several
    )
    few = sorted(several for several in {g for g in genes if g} if cells[several] < MIN_CELLS)
    if few:
        shown = ", ".join("+".join(several) for several in few[:SHOWN])
        more = " ..." if len(few) > SHOWN else ""
        _log.warning(
            "%s: %s perturbations of fewer than %s cells are left out: %s%s",
            name, f"{len(few):,}", MIN_CELLS, shown, more,
        )  # fmt: skip
    perturbations = tuple(sorted(several for several in cells if cells[several] >= MIN_CELLS))
    n_controls = int(np.sum(control & comparable))
    if not perturbations or n_controls < MIN_CELLS:
        raise DataError(
            f"{name}: {len(perturbations)} perturbations have {MIN_CELLS} cells or more, beside "
            f"{n_controls} controls; a mean response needs {MIN_CELLS} cells of both."
        )
    row = {several: i for i, several in enumerate(perturbations)}
    n = len(perturbations)
    rows = np.array(
        [
            (n + b if several == () else row.get(several, -1)) if ok and several is not None else -1
            for several, b, ok in zip(genes, here, comparable, strict=True)
        ]
    )
    kept = np.flatnonzero(rows >= 0)
    shape = (n + len(at), len(genes))
    design = sparse.csr_matrix((np.ones(len(kept)), (rows[kept], kept)), shape=shape)
    own = kept[rows[kept] < n]
    counted = np.zeros((n, len(at)), np.int64)
    np.add.at(counted, (rows[own], here[own]), 1)
    controls = np.bincount(here[control & comparable], minlength=len(at))
    return perturbations, counted, controls, design


def _chunks(data: "AnnData", layout: Layout, name: str) -> Iterator[tuple[slice, Matrix]]:
    """Yield the logs of some cells after another."""
    counts = layout.counts
    for start in range(0, data.n_obs, CHUNK):
        here = slice(start, min(start + CHUNK, data.n_obs))
        matrix = data.X[here]
        values = matrix.data if sparse.issparse(matrix) else np.asarray(matrix)
        if not np.isfinite(values).all() or values.min(initial=0) < 0:
            raise DataError(
                f"{name} holds negative or missing values, which neither counts nor logs of them "
                "can be; use values before scaling or regression."
            )
        if start == 0:
            counts = _are_counts(values, layout.counts, name)
        if counts:
            yield here, log_expression(matrix, layout.target_sum)
        else:
            yield here, matrix


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


def _variable(sampled: Sequence[Matrix], n_top_genes: int) -> BoolArray:
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
