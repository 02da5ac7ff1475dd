"""Raw counts of single cells by perturbation: what the six measures compare."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import PerturbationKind
from models.expression.screens import ExpressionScreen, Genes

if TYPE_CHECKING:
    from anndata import AnnData

Array = NDArray[np.float64]
BULK = 5e4
"""Total that summed counts of a group are brought to before their logarithm."""


@dataclass(frozen=True)
class Panel:
    """Cells of one context that are labelled with single perturbed genes, and its controls.

    Attributes:
        context: What it is called.
        kind: What was done to the genes.
        genes: The readouts.
        control: Raw counts `(cells, readouts)`.
        cells: The same of every perturbed gene.
    """

    context: str
    kind: PerturbationKind
    genes: tuple[str, ...]
    control: sparse.csr_matrix
    cells: Mapping[str, sparse.csr_matrix]

    @property
    def perturbations(self) -> tuple[str, ...]:
        """Return the perturbed genes in order."""
        return tuple(self.cells)

    @cached_property
    def screen(self) -> ExpressionScreen:
        """Return the change of log expression of each perturbation, as the measures see it."""
        base = profile(self.control)
        change = [profile(one) - base for one in self.cells.values()]
        return ExpressionScreen(
            context=self.context,
            kind=self.kind,
            unit="difference of mean log1p expression",
            readouts=self.genes,
            perturbations=tuple((gene,) for gene in self.cells),
            response=np.array(change, np.float32),
            baseline=base.astype(np.float32),
            cells=np.array([one.shape[0] for one in self.cells.values()], np.int64),
        )

    def halves(self, seed: int) -> tuple["Panel", "Panel"]:
        """Return two panels that share no cell, each with half of every group."""
        rng = np.random.default_rng(seed)
        first: dict[str, sparse.csr_matrix] = {}
        second: dict[str, sparse.csr_matrix] = {}
        for name, one in {"": self.control, **self.cells}.items():
            order = rng.permutation(one.shape[0])
            half = len(order) // 2
            first[name], second[name] = one[order[:half]], one[order[half : 2 * half]]
        made = [replace(self, control=one.pop(""), cells=one) for one in (first, second)]
        return made[0], made[1]


def profile(counts: sparse.csr_matrix) -> Array:
    """Return the log expression of a group of cells: their summed counts, to one total."""
    total = np.asarray(counts.sum(axis=0), float).ravel()
    return np.asarray(np.log1p(BULK * total / max(total.sum(), 1.0)))


def emitted(control: sparse.csr_matrix, change: Array, count: int, seed: int) -> Array:
    """Return cells of a prediction `(count, readouts)`: controls drawn again, moved by a change.

    Every readout of a drawn cell is scaled by the ratio that the change says, as the challenge's
    own baseline is made, and rounded up or down by chance, so that counts stay whole.
    """
    rng = np.random.default_rng(seed)
    base = profile(control)
    after = np.expm1(np.maximum(base + change, 0.0))
    before = np.expm1(base)
    ratio = np.where(before > 0, after / np.where(before > 0, before, 1.0), 0.0)
    drawn = control[rng.integers(0, control.shape[0], count)].toarray() * ratio
    return np.asarray(np.floor(drawn + rng.random(drawn.shape)))


def read_panel(data: Path, context: str, kind: PerturbationKind, seed: int, limit: int) -> Panel:
    """Return the panel of a context of the mirror with single cells.

    Its logarithms are of counts brought to one total, so the least value of a cell is one count.

    Raises:
        DataError: There are no single cells of that context, or no whole counts behind them.
    """
    from models.expression import mirror

    found = mirror.cells(data, context, limit, seed)
    linear = np.expm1(found.matrix.astype(float))
    least = np.where(linear > 0, linear, np.inf).min(axis=1)
    kept = np.isfinite(least)
    counts = np.zeros_like(linear)
    counts[kept] = linear[kept] / least[kept][:, None]
    whole = np.round(counts)
    # Single precision of a logarithm: a count of some hundreds is known to a hundredth.
    kept &= np.abs(counts - whole).max(axis=1) < 0.05
    if kept.mean() < 0.9:
        raise DataError(f"{context}: the logarithms of its cells are not of whole counts.")
    screen = mirror.read_contexts(data, [context])[0]
    labels = [found.labels[row] if kept[row] else None for row in range(len(kept))]
    return panel_of(context, kind, screen.readouts, sparse.csr_matrix(whole), labels)


def read_file_panels(
    path: Path,
    column: str,
    control: Sequence[str],
    kind: PerturbationKind,
    limit: int,
    seed: int,
    line: str | None = None,
) -> list[Panel]:
    """Return the panels of an .h5ad file of raw counts, such as the challenge's; one for each line.

    Args:
        path: The file; only its drawn cells are held in memory.
        column: Of `obs` with the perturbed gene, `target_gene` in the challenge's.
        control: Labels of unperturbed cells, `non-targeting` in the challenge's.
        kind: What was done to the genes.
        limit: Cells of a perturbation, and of the controls, that are drawn from each line.
        seed: Of the draw.
        line: Column of `obs` with the cell line; without one all cells are of one.

    Raises:
        DataError: A column, the control or whole counts are missing.
    """
    import anndata

    try:
        table = anndata.read_h5ad(path, backed="r")
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is no .h5ad file ({error}); name another.") from error
    try:
        return list(_file_panels(table, path, column, control, kind, limit, seed, line))
    finally:
        table.file.close()


def _file_panels(
    table: "AnnData",
    path: Path,
    column: str,
    control: Sequence[str],
    kind: PerturbationKind,
    limit: int,
    seed: int,
    line: str | None,
) -> Iterator[Panel]:
    for name, option in {column: "--pert-col", line: "--line-col"}.items():
        if name is not None and name not in table.obs:
            raise DataError(f"{path} has no column {name} in obs; name one as {option}.")
    words = table.obs[column].astype(str).to_numpy()
    if not set(control) & set(words):
        raise DataError(f"{path}: no cell is labelled {', '.join(control)}; name --control.")
    lines = np.full(len(words), path.stem) if line is None else table.obs[line].astype(str)
    rng = np.random.default_rng(seed)
    genes = tuple(str(one) for one in table.var_names)
    for name in sorted(set(lines)):
        groups: dict[str, list[int]] = {}
        for row in rng.permutation(np.flatnonzero(np.asarray(lines) == name)):
            label = "" if words[row] in control else words[row]
            if len(groups.setdefault(label, [])) < limit:
                groups[label].append(int(row))
        rows = sorted(row for one in groups.values() for row in one)
        counts = sparse.csr_matrix(table[rows].to_memory().X)
        if len(counts.data) and not np.array_equal(counts.data, np.round(counts.data)):
            raise DataError(f"{path}: X holds no whole counts; the six measures are of raw counts.")
        labels = [() if words[row] in control else (words[row],) for row in rows]
        yield panel_of(name, kind, genes, counts, labels)


def panel_of(
    context: str,
    kind: PerturbationKind,
    genes: tuple[str, ...],
    counts: sparse.csr_matrix,
    labels: Sequence[Genes | None],
) -> Panel:
    """Return the panel of cells labelled with single genes, `()` for controls; others are left.

    Raises:
        DataError: There are no controls.
    """
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is not None and len(label) < 2:
            rows.setdefault(label[0] if label else "", []).append(row)
    if "" not in rows:
        raise DataError(f"{context} has no control cells.")
    groups = {name: counts[rows[name]].tocsr() for name in sorted(rows) if len(rows[name]) > 1}
    return Panel(context, kind, genes, groups.pop(""), groups)
