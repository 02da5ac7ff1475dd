"""Reads the contexts of the data mirror: what was perturbed where, and what it changed."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import PerturbationKind
from knowledge.sources.genes import HGNC, read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable
from models.expression.anndata_file import Layout, cell_genes, expression_screen
from models.expression.cell_values import log_expression
from models.expression.readout_names import distinct, readout_names
from models.expression.screens import ExpressionScreen, FloatArray, Genes, together
from models.inputs.screens import approve, tested_perturbations

if TYPE_CHECKING:
    from anndata import AnnData

MORPHIC = "perturbseq/morphic"
DEVEL = "perturbseq/norman_mcfaline_perturbench_devel/devel.h5ad"
PAPALEXI = "perturbseq/papalexi_eccite/papalexi_lowmoi_subset.npz"
LATENT = "perturbseq/norman2019_latent50.npz"
SETS = "perturbseq/replogle_signed_sets_train.parquet"
# A set of four readouts, or a readout of four sets, has nothing to learn from.
SMALLEST_SET = 5
CELLS = 400
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Described:
    """What a context is, for those who have to choose one.

    Attributes:
        description: One sentence.
        cell_line: The cell line, or the system cells were differentiated into.
        kind: What was done to the perturbed genes.
        licence: Terms of the data.
    """

    description: str
    cell_line: str
    kind: PerturbationKind
    licence: str


_MORPHIC_TERMS = "MIT repository; see MorPhiC's data policy before republication"
_BSD = "BSD-3"
_SETS_TERMS = "CC BY-NC-SA 4.0 (Enrichr's sets): research use"
CONTEXTS: Mapping[str, Described] = {
    "morphic": Described(
        "Bulk RNA of MorPhiC's stem-cell derived knockouts, the mean over all their systems.",
        "iPSC-derived cells",
        "knockout",
        _MORPHIC_TERMS,
    ),
    "morphic-prs": Described(
        "Bulk RNA of MorPhiC's knockouts in primitive syncytium, an extra-embryonic system.",
        "iPSC-derived primitive syncytium",
        "knockout",
        _MORPHIC_TERMS,
    ),
    "morphic-cbo": Described(
        "Bulk RNA of MorPhiC's knockouts in cortical brain organoids.",
        "iPSC-derived cortical brain organoids",
        "knockout",
        _MORPHIC_TERMS,
    ),
    "norman": Described(
        "CRISPR activation of single genes and pairs in K562 over 500 variable genes "
        "(Norman et al., 2019; PerturBench's subset).",
        "K562",
        "activation",
        _BSD,
    ),
    "norman-latent": Described(
        "CRISPR activation of single genes and pairs in K562, in 50 latent coordinates without "
        "gene names (Norman et al., 2019; from scPerturb's E-distances).",
        "K562",
        "activation",
        "MIT",
    ),
    "mcfaline-a172": Described(
        "CRISPR interference of nine kinases in A172 glioblastoma over 500 variable "
        "genes (McFaline-Figueroa et al., 2023; PerturBench's subset).",
        "A172",
        "knockdown",
        _BSD,
    ),
    "mcfaline-t98g": Described(
        "CRISPR interference of nine kinases in T98G glioblastoma over 500 variable "
        "genes (McFaline-Figueroa et al., 2023; PerturBench's subset).",
        "T98G",
        "knockdown",
        _BSD,
    ),
    "mcfaline-u87mg": Described(
        "CRISPR interference of nine kinases in U87MG glioblastoma over 500 variable "
        "genes (McFaline-Figueroa et al., 2023; PerturBench's subset).",
        "U87MG",
        "knockdown",
        _BSD,
    ),
    "papalexi": Described(
        "Knockouts in stimulated THP-1 monocytes over 299 genes (Papalexi et al., 2021).",
        "THP-1",
        "knockout",
        "MIT",
    ),
    "replogle-k562": Described(
        "Signs, without magnitudes, of what CRISPR interference changed in K562 "
        "(Replogle et al., 2022; Enrichr's sets).",
        "K562",
        "knockdown",
        _SETS_TERMS,
    ),
    "replogle-rpe1": Described(
        "Signs, without magnitudes, of what CRISPR interference changed in RPE1 "
        "(Replogle et al., 2022; Enrichr's sets).",
        "RPE1",
        "knockdown",
        _SETS_TERMS,
    ),
}
SYSTEMS = {"morphic": None, "morphic-prs": "PrS", "morphic-cbo": "CBO"}
DEVEL_CELLS = {
    "norman": "k562",
    "mcfaline-a172": "A172",
    "mcfaline-t98g": "T98G",
    "mcfaline-u87mg": "U87MG",
}
WITH_CELLS = (*DEVEL_CELLS, "papalexi")
"""Contexts of which `cells` returns single cells."""


def files(names: Sequence[str]) -> tuple[str, ...]:
    """Return what the named contexts are read from, relative to the root of the data."""
    found = [HGNC]
    for name in names:
        if name in SYSTEMS:
            found += [
                f"{MORPHIC}/{file}"
                for file in ("contrasts.csv", "morphic_log2fc.parquet", "morphic_basemean.parquet")
            ]
        elif name in DEVEL_CELLS:
            found.append(DEVEL)
        elif name == "papalexi":
            found.append(PAPALEXI)
        elif name == "norman-latent":
            found.append(LATENT)
        else:
            line = name.removeprefix("replogle-")
            found += [SETS, f"perturbqa/{line}-de.csv"]
    return tuple(dict.fromkeys(found))


class Cells(NamedTuple):
    """Single cells of a context, on the scale of its baseline.

    Attributes:
        matrix: Log expression `(cells, readouts)`; readouts as in the context's screen.
        labels: What was perturbed in each cell; `()` in controls.
    """

    matrix: FloatArray
    labels: tuple[Genes, ...]


def read_contexts(data: Path, names: Sequence[str] | None = None) -> list[ExpressionScreen]:
    """Return the screens of the named contexts, or of all, in the order asked for.

    Args:
        data: A mirror, or a data folder with `sources`.
        names: Keys of `CONTEXTS`.

    Raises:
        DataError: A name is not a context, or a file is missing.
    """
    names = tuple(CONTEXTS) if names is None else names
    if unknown := [name for name in names if name not in CONTEXTS]:
        raise DataError(f"{', '.join(unknown)}: no such context; name {', '.join(CONTEXTS)}.")
    root = sources_root(data)
    for name in files(names):
        if not (root / name).is_file():
            raise missing(root / name)
    symbols = read_symbols(root)
    return [_reader(name)(root, symbols, name) for name in names]


def cells(data: Path, name: str, limit: int = CELLS, seed: int = 0) -> Cells:
    """Return single cells of a context, at most `limit` of each perturbation and of the controls.

    Args:
        data: A mirror, or a data folder with `sources`.
        name: One of `WITH_CELLS`.
        limit: How many cells of a perturbation to draw.
        seed: Of the draw.

    Raises:
        DataError: There are no single cells of that context.
    """
    if name not in WITH_CELLS:
        raise DataError(f"{name} has no single cells; name {', '.join(WITH_CELLS)}.")
    root = sources_root(data)
    symbols = read_symbols(root)
    table, layout = _table(root, name)
    genes = cell_genes(table.obs, layout, symbols, name)
    rng = np.random.default_rng(seed)
    of: dict[Genes, list[int]] = {}
    for row in rng.permutation(len(genes)):
        label = genes[row]
        if label is not None and len(of.setdefault(label, [])) < limit:
            of[label].append(int(row))
    rows = sorted(row for chosen in of.values() for row in chosen)
    matrix = table.X[rows]
    if layout.counts:
        matrix = log_expression(matrix, layout.target_sum)
    readouts = _screen(root, symbols, name).readouts
    column = {symbol: i for i, symbol in enumerate(readout_names(table.var_names, symbols, name))}
    dense = matrix.toarray()[:, [column[symbol] for symbol in readouts]].astype(np.float32)
    return Cells(dense, tuple(label for row in rows if (label := genes[row]) is not None))


def _reader(name: str) -> Callable[[Path, SymbolTable, str], ExpressionScreen]:
    if name in SYSTEMS:
        return _morphic
    if name in WITH_CELLS:
        return _screen
    return _latent if name == "norman-latent" else _signs


def _approved(words: Iterable[str], symbols: SymbolTable, name: str) -> dict[str, str]:
    """Return the symbol of each perturbed gene; how many HGNC does not know is logged."""
    listed = set(words)
    known = {word: symbol for word in listed if (symbol := approve(word, symbols)) in symbols}
    if unknown := len(listed) - len(known):
        _log.info("%s: %s targets unknown to HGNC are left out.", name, unknown)
    return known


def _morphic(root: Path, symbols: SymbolTable, name: str) -> ExpressionScreen:
    """Return the mean of every gene's recommended contrasts, over readouts measured for all."""
    import pandas as pd

    folder = root / MORPHIC
    contrasts = pd.read_csv(folder / "contrasts.csv")
    chosen = contrasts[contrasts.recommended]
    if system := SYSTEMS[name]:
        chosen = chosen[chosen.contrast.str.partition("_")[0] == system]
    approved = _approved(chosen.gene, symbols, name)
    chosen = chosen[chosen.gene.isin(approved)]
    genes, keys = [approved[word] for word in chosen.gene], list(chosen.key)
    table = pd.read_parquet(folder / "morphic_log2fc.parquet", columns=["hgnc_symbol", *keys])
    change = table[keys].T.groupby(genes).mean()
    words = table.hgnc_symbol.fillna("")
    kept = np.flatnonzero(change.notna().all().to_numpy() & (words != "").to_numpy())
    base = pd.read_parquet(folder / "morphic_basemean.parquet", columns=keys)
    expression = np.log2(base.mean(axis=1).reindex(table.index).to_numpy() + 1)[kept]
    readouts = [approve(word, symbols) for word in words.iloc[kept]]
    first = distinct(readouts, expression)
    return ExpressionScreen(
        context=name,
        kind="knockout",
        unit="log2 fold change",
        readouts=tuple(readouts[i] for i in first),
        perturbations=tuple((gene,) for gene in change.index),
        response=change.to_numpy(np.float32)[:, kept[first]],
        baseline=expression[first].astype(np.float32),
        cells=pd.Series(genes).value_counts().reindex(change.index).to_numpy(np.int64),
    )


def _screen(root: Path, symbols: SymbolTable, name: str) -> ExpressionScreen:
    table, layout = _table(root, name)
    return expression_screen(table, layout, symbols, name, CONTEXTS[name].kind, name)


def _table(root: Path, name: str) -> tuple["AnnData", Layout]:
    """Return the single cells of a context and how to read them."""
    import anndata
    import pandas as pd

    if name in DEVEL_CELLS:
        devel = anndata.read_h5ad(root / DEVEL)
        mine = devel[devel.obs["cell_type"] == DEVEL_CELLS[name]]
        return mine, Layout("perturbation", ("control",), counts=False)
    with np.load(root / PAPALEXI, allow_pickle=False) as held:
        parts = (held["X_data"], held["X_indices"], held["X_indptr"])
        counts = sparse.csr_matrix(parts, shape=held["shape"]).T.tocsr()
        sure = held["cell_ok"]
        obs = pd.DataFrame({"target": held["cell_target"][sure]}, dtype=str)
        var = pd.DataFrame(index=pd.Index(held["genes"], dtype=str))
    # These 299 genes are too few for the usual total: their median over all cells, unsure ones too.
    total = float(np.median(np.asarray(counts.sum(axis=1))))
    obs.index = obs.index.astype(str)
    table = anndata.AnnData(counts[sure], obs, var)
    return table, Layout("target", ("non-targeting",), counts=True, target_sum=total)


def _latent(root: Path, symbols: SymbolTable, name: str) -> ExpressionScreen:
    """Return Norman's responses in the space of their E-distances, with the control at zero."""
    with np.load(root / LATENT, allow_pickle=False) as held:
        labels = [str(label) for label in held["names"]]
        latent = held["latent"]
    words = {i: label.split("_") for i, label in enumerate(labels) if label != "control"}
    approved = _approved((word for several in words.values() for word in several), symbols, name)
    genes = {
        i: together(approved[word] for word in several)
        for i, several in words.items()
        if approved.keys() >= set(several)
    }
    order = sorted(genes, key=genes.__getitem__)
    return ExpressionScreen(
        context=name,
        kind="activation",
        unit="latent",
        readouts=tuple(f"z{i + 1}" for i in range(latent.shape[1])),
        perturbations=tuple(genes[row] for row in order),
        response=latent[order].astype(np.float32),
        baseline=None,
        cells=np.ones(len(order), np.int64),
    )


def _signs(root: Path, symbols: SymbolTable, name: str) -> ExpressionScreen:
    """Return +1 up, -1 down, 0 for what a set does not name; none of PerturbQA's test sets."""
    import pandas as pd

    line = CONTEXTS[name].cell_line
    rows = pd.read_parquet(root / SETS)
    rows = rows[rows.cell_line == line]
    readouts = {word: approve(word, symbols) for word in set(rows.gene)}
    targets = rows.target.map(_approved(rows.target, symbols, name))
    rows = rows.assign(target=targets, gene=rows.gene.map(readouts)).dropna(subset="target")
    rows = rows[~rows.target.isin(tested_perturbations(root, line, symbols))]
    # Guides of one target that disagree leave a zero.
    wide = rows.pivot_table("sign", "target", "gene", "sum", fill_value=0).clip(-1, 1)
    wide = wide.loc[:, (wide != 0).sum() >= SMALLEST_SET]
    wide = wide[(wide != 0).sum(axis=1) >= SMALLEST_SET]
    return ExpressionScreen(
        context=name,
        kind="knockdown",
        unit="sign",
        readouts=tuple(wide.columns),
        perturbations=tuple((word,) for word in wide.index),
        response=wide.to_numpy(np.float32),
        baseline=None,
        cells=np.ones(len(wide), np.int64),
    )
