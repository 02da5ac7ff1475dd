"""Turns an AnnData file of single cells into the mean responses of one context."""

import logging
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import PerturbationKind
from knowledge.symbols import SymbolTable
from knowledge.user_tables.columns import ColumnReading, entrez_ids
from knowledge.user_tables.labels import Label, LabelReader
from knowledge.user_tables.words import SEPARATORS
from models.expression.h5ad_structure import DAMAGED, check_h5ad, unreadable
from models.expression.screens import ExpressionScreen, FloatArray, Genes, IntArray, together

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
# A column of `var` is named instead of `var_names` if it holds so many times more genes.
FAR_MORE_GENES = 2
# From this share of cells on, values are taken to be log1p of counts.
LOG_CELLS = 0.05
RAW = "raw"
CHECKED_CELLS = 200
MOST_COUNTS = 20
STEP_ERROR = 0.01
DIGITS_ERROR = 1e-5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table of cells says what was done to them, and on which scale its values are.

    Attributes:
        perturbation: Column of `obs` with the perturbed genes.
        controls: Its labels of unperturbed cells.
        batch: Column of `obs` within which cells are compared; `None` compares all.
        counts: Whether values are raw counts rather than logs; `None` finds out.
        n_top_genes: How many of the most variable genes become readouts beside the perturbed ones;
            `None` keeps all.
        target_sum: What the counts of every cell are scaled to add up to.
        layer: Where the values are: a layer, or `raw`; `None` for X.
        genes: Column of `var` that names the genes; `None` for `var_names`.
        guide_pattern: What of a guide's label is the gene.
        skip_unknown: Leave out cells whose label is no gene, instead of refusing the file.
    """

    perturbation: str
    controls: tuple[str, ...]
    batch: str | None = None
    counts: bool | None = None
    n_top_genes: int | None = None
    target_sum: float = TARGET_SUM
    layer: str | None = None
    genes: str | None = None
    guide_pattern: str | None = None
    skip_unknown: bool = False


def read_h5ad(
    path: Path,
    perturbation: str,
    control: str | Sequence[str],
    batch: str | None = None,
    context: str | None = None,
    kind: PerturbationKind = "knockout",
    n_top_genes: int | None = 5000,
    counts: bool | None = None,
    *,
    symbols: SymbolTable,
    **more: Any,  # noqa: ANN401  # further fields of `Layout`
) -> ExpressionScreen:
    """Return the mean response to every perturbation of an `.h5ad` file.

    Counts are normalised and logged, cells averaged per perturbation, and controls subtracted,
    within batches where a batch column is named. Labels are read as in every table of a user's
    (`knowledge.user_tables.labels`): `A+B`, `A|B`, `A,B` or, where both parts are approved
    symbols, `A_B`.

    Args:
        path: The file.
        perturbation: Column of `obs` with the perturbed genes.
        control: Its label of unperturbed cells, or several.
        batch: Column of `obs` within which cells are compared.
        context: What the context is called; the file's name if `None`.
        kind: What was done to the perturbed genes.
        n_top_genes: How many of the most variable genes become readouts, beside the perturbed.
        counts: Whether values are raw counts rather than logs; `None` finds out.
        symbols: Genes that perturbations are looked up in, as from `read_symbols`.
        more: Further fields of `Layout`.

    Raises:
        DataError: The file is not what it should be; the sentence says in what.
    """
    import anndata

    if not path.is_file():
        raise DataError(f"{path} does not exist; name an .h5ad file.")
    check_h5ad(path)
    controls = (control,) if isinstance(control, str) else tuple(control)
    layout = Layout(perturbation, controls, batch, counts, n_top_genes, **more)
    try:
        data = anndata.read_h5ad(path, backed="r")
        by_gene = isinstance(data.X, anndata.abc.CSCDataset)  # must be held whole to read cells
    except DAMAGED as error:
        raise unreadable(path) from error
    try:
        cells = data.to_memory() if by_gene else data
        return expression_screen(cells, layout, symbols, context or path.stem, kind, str(path))
    except (OSError, RuntimeError, KeyError) as error:
        raise unreadable(path) from error
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
    values = _values(data, layout, name)
    names = readout_names(_gene_names(data, layout, symbols, name), symbols, name)
    batches = (
        _codes(_column(data.obs, layout.batch, name)) if layout.batch else np.zeros(len(genes))
    )
    perturbations, counted, controls, design = _design(genes, batches.astype(np.int64), name)

    sums = np.zeros((design.shape[0], len(names)))
    sample = np.zeros(len(genes), np.bool_)
    rng = np.random.default_rng(0)
    sample[rng.permutation(np.flatnonzero(design.sum(0)))[:CHUNK]] = True
    sampled = []
    for here, part in _chunks(values, layout, name):
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
    labels = [
        "" if missing else str(label).strip()
        for label, missing in zip(column, column.isna(), strict=True)
    ]
    reading = ColumnReading(
        labels,
        lambda entrez: LabelReader(
            symbols,
            controls=layout.controls,
            guide_pattern=layout.guide_pattern,
            entrez=entrez,
            suggest=False,
        ),
        layout.perturbation,
    )
    _check_controls(reading, layout, name)
    for note in reading.notes:
        _log.warning("%s: %s", name, note)
    if unlabelled := sum(reading.counts[one.word] for one in reading.of("missing")):
        words = ", ".join(repr(one.word) for one in reading.of("missing")[:SHOWN] if one.word)
        _log.warning(
            "%s: %s cells without a label in column %r are left out%s.",
            name, f"{unlabelled:,}", layout.perturbation, f" ({words})" if words else "",
        )  # fmt: skip
    if unknown := reading.of("unknown"):
        _unknown_labels(unknown, reading, layout, symbols, name)
    found: dict[str, Genes | None] = {}
    for word, label in reading.labels.items():
        genes = together(label.genes) if label.reading == "genes" else None
        found[word] = () if label.reading == "control" else genes
    return [found[label] for label in labels]


def _check_controls(reading: ColumnReading, layout: Layout, name: str) -> None:
    """Refuse a column without the named controls, or with others that were not named."""
    for control in layout.controls:
        if control not in reading.counts:
            frequent = [pair for pair in reading.counts.most_common(SHOWN + 1) if pair[0]]
            most = ", ".join(f"{label!r} ({n:,})" for label, n in frequent[:SHOWN])
            raise DataError(
                f"{name}: no cell is labelled {control!r} in column {layout.perturbation!r}; "
                f"name the label of the controls (the most frequent labels are {most})."
            )
    # `ctrl+ctrl` is the control `ctrl` twice; `safe-targeting` beside it is another.
    parts = {control.casefold() for control in layout.controls}
    others = [
        one.word
        for one in reading.of("control")
        if not {part.casefold() for part in SEPARATORS.split(one.word)} & parts
    ]
    if others:
        cells = sum(reading.counts[word] for word in others)
        raise DataError(
            f"{name}: {cells:,} cells are labelled {', '.join(map(repr, others[:SHOWN]))} in "
            f"column {layout.perturbation!r}, which are controls too; name each as --control, or "
            "remove these cells."
        )


def _unknown_labels(
    unknown: Sequence[Label],
    reading: ColumnReading,
    layout: Layout,
    symbols: SymbolTable,
    name: str,
) -> None:
    """Refuse labels that are no genes, or tell that their cells are left out."""
    if layout.skip_unknown:
        cells = sum(reading.counts[one.word] for one in unknown)
        _log.warning("%s: %s; their %s cells are left out.", name, reading.share(), f"{cells:,}")
        return
    shown = "; ".join(
        f"{one.word!r} (nearest: {', '.join(symbols.nearest(one.word, 3)) or 'none'})"
        for one in unknown[:SHOWN]
    )
    more = f" and {len(unknown) - SHOWN:,} more" if len(unknown) > SHOWN else ""
    raise DataError(
        f"{name}: column {layout.perturbation!r} perturbs what are not human genes: {shown}{more} "
        f"({reading.share()}); rename or remove these cells, say with --guide-pattern what of a "
        "label is the gene, or leave them out with --skip-unknown."
    )


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
    names, known = _approved(listed, symbols)
    if not known:
        raise DataError(
            f"{name}: none of its {len(listed):,} gene names is a human gene, such as "
            f"{', '.join(map(repr, listed[:3]))}; put symbols or Ensembl ids into `var_names`, or "
            "name the column of var that holds them as --gene-col."
        )
    if known < len(listed):
        strange = [
            word for word, symbol in zip(listed, names, strict=True) if symbol not in symbols
        ]
        _log.warning(
            "%s: %s of %s gene names are human genes; %s are not and keep their names: %s",
            name, f"{known:,}", f"{len(listed):,}", f"{len(strange):,}",
            ", ".join(strange[:SHOWN]) + (" ..." if len(strange) > SHOWN else ""),
        )  # fmt: skip
    return names


def _approved(words: Sequence[str], symbols: SymbolTable) -> tuple[list[str], int]:
    """Return the symbols of readouts, words that are none as they are, and how many are genes."""
    reader = LabelReader(symbols, suggest=False, entrez=entrez_ids(words))
    read = [reader.read_one(word) for word in words]
    names = [one.genes[0] if one.genes else one.word for one in read]
    return names, sum(bool(one.genes) for one in read)


def _gene_names(data: "AnnData", layout: Layout, symbols: SymbolTable, name: str) -> list[str]:
    """Return what the file calls its readouts.

    Raises:
        DataError: The named column is missing, or another one plainly holds the genes.
    """
    var = data.raw.var if layout.layer == RAW and data.raw is not None else data.var
    if layout.genes is not None:
        return [str(word) for word in _column(var, layout.genes, name, "genes")]
    listed = [str(word) for word in var.index]
    _, known = _approved(listed, symbols)
    for column in var.columns:
        words = [str(word) for word in var[column]]
        if len(set(words)) < len(words) / 2:
            continue
        _, there = _approved(words, symbols)
        if there > FAR_MORE_GENES * known and there > 1:
            raise DataError(
                f"{name}: {known:,} of the {len(listed):,} names in `var_names` are genes (they "
                f"begin with {', '.join(map(repr, listed[:3]))}), and {there:,} of those in its "
                f"column {column!r}; name that as --gene-col."
            )
    return listed


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


def _column(frame: "pd.DataFrame", column: str, name: str, what: str = "cells") -> "pd.Series[str]":
    if column not in frame:
        raise DataError(
            f"{name} has no column {column!r} of {what}; its columns are "
            f"{', '.join(map(str, frame.columns)) or 'none'}."
        )
    found: pd.Series[str] = frame[column]
    return found


def _values(data: "AnnData", layout: Layout, name: str) -> Any:  # noqa: ANN401  # dense, sparse or in the file
    """Return the matrix of cells and genes that the layout means.

    Raises:
        DataError: There is no such layer.
    """
    if layout.layer is None:
        return data.X
    if layout.layer == RAW and data.raw is not None:
        return data.raw.X
    if layout.layer in data.layers:
        return data.layers[layout.layer]
    raise DataError(f"{name} has no layer {layout.layer!r}; it has {_layers(data)}.")


def _layers(data: "AnnData") -> str:
    return ", ".join([*map(str, data.layers), *([RAW] if data.raw is not None else [])]) or "none"


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


def _chunks(whole: Any, layout: Layout, name: str) -> Iterator[tuple[slice, Matrix]]:  # noqa: ANN401
    """Yield the logs of some cells after another."""
    counts = layout.counts
    for start in range(0, whole.shape[0], CHUNK):
        here = slice(start, min(start + CHUNK, whole.shape[0]))
        matrix = whole[here]
        values = matrix.data if sparse.issparse(matrix) else np.asarray(matrix)
        if not np.isfinite(values).all() or values.min(initial=0) < 0:
            raise DataError(
                f"{name} holds negative or missing values, which neither counts nor logs of them "
                "can be; use values before scaling or regression."
            )
        if start == 0:
            counts = _are_counts(values, layout.counts, name)
            if not counts and layout.counts is None:
                _check_logs(matrix, name)
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
