"""Turns an AnnData file of single cells into the mean responses of one context."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import PerturbationKind
from knowledge.symbols import SymbolTable
from knowledge.user_tables.columns import ColumnReading
from knowledge.user_tables.labels import Label, LabelReader
from knowledge.user_tables.words import ACTIVATION, SEPARATORS
from models.expression.cell_values import logs, variable
from models.expression.h5ad_structure import DAMAGED, check_h5ad, unreadable
from models.expression.readout_names import distinct, named_column, readout_names, told_names
from models.expression.screens import ExpressionScreen, Genes, IntArray, together

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


MIN_CELLS = 10
TARGET_SUM = 10_000.0
# Cells held in memory at once, and cells that variable genes are found on: a screen of 300,000
# cells would not fit whole.
CHUNK = 10_000
SHOWN = 5
RAW = "raw"
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
    if kind != "activation":
        _tell_activations(data.obs[layout.perturbation], kind, name)
    values = values_of(data, layout, name)
    names = readout_names(
        told_names(var_of(data, layout), layout.genes, symbols, name), symbols, name
    )
    batches = (
        _codes(named_column(data.obs, layout.batch, name)) if layout.batch else np.zeros(len(genes))
    )
    perturbations, counted, controls, design = _design(genes, batches.astype(np.int64), name)

    sums = np.zeros((design.shape[0], len(names)))
    sample = np.zeros(len(genes), np.bool_)
    rng = np.random.default_rng(0)
    sample[rng.permutation(np.flatnonzero(design.sum(0)))[:CHUNK]] = True
    sampled = []
    for here, part in logs(values, layout.counts, layout.target_sum, CHUNK, name):
        total = design[:, here] @ part
        sums += total.toarray() if sparse.issparse(total) else total
        sampled.append(part[sample[here]])

    if not sums.any():
        raise DataError(f"{name} holds nothing but zeros; put counts or logs of them into X.")
    n = len(perturbations)
    control_means = sums[n:] / controls[:, None]
    own = counted.sum(1)
    response = sums[:n] / own[:, None] - (counted / own[:, None]) @ control_means
    baseline = sums[n:].sum(0) / controls.sum()
    kept = distinct(names, baseline)
    if layout.n_top_genes is not None:
        perturbed = {gene for several in perturbations for gene in several}
        varying = variable(sampled, layout.n_top_genes)
        kept = kept[[bool(varying[i]) or names[i] in perturbed for i in kept]]
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


def _tell_activations(column: "pd.Series[str]", kind: PerturbationKind, name: str) -> None:
    """Tell labels such as `TP53_OE` in a screen that is read as of another kind."""
    made = sorted({str(word) for word in column.unique() if ACTIVATION.search(str(word))})
    if made:
        _log.warning(
            "%s: %s labels such as %s say that more of a gene is made, and the screen is read as "
            "one of %s; give --kind activation if it is none.",
            name, f"{len(made):,}", made[0], kind,
        )  # fmt: skip


def cell_genes(
    obs: "pd.DataFrame", layout: Layout, symbols: SymbolTable, name: str
) -> list[Genes | None]:
    """Return the perturbed genes of each cell, `()` for controls, `None` where it has no label.

    Raises:
        DataError: A column or the controls are missing, or a perturbed gene is unknown.
    """
    column = named_column(obs, layout.perturbation, name)
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


def values_of(data: "AnnData", layout: Layout, name: str) -> Any:  # noqa: ANN401  # dense, sparse or in the file
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


def var_of(data: "AnnData", layout: Layout) -> "pd.DataFrame":
    """Return the table of genes that goes with the values."""
    found: pd.DataFrame = data.raw.var if layout.layer == RAW and data.raw is not None else data.var
    return found


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
