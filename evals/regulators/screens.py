"""Perturbation data sets with tested negatives: what changed, what was tested and did not.

Cells of other kinds than the screens', or of K562 under perturbations that PerturbQA does not test
there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, ttest_ind

from evals.harness.metrics import FloatArray
from knowledge.schema import PerturbationKind
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable
from models.expression import mirror
from models.inputs.screens import CELL_LINES, approve, tested_perturbations

ADAMSON = "perturbseq/adamson_datlinger_significant_train.parquet"
MORPHIC_FILES = tuple(
    f"{mirror.MORPHIC}/{name}"
    for name in ("contrasts.csv", "morphic_log2fc.parquet", "morphic_padj.parquet")
)
FILES = (*MORPHIC_FILES, mirror.DEVEL, mirror.PAPALEXI, ADAMSON)
FDR = 0.05
# A readout between the two is neither changed nor a negative.
UNCHANGED = 0.2
# Fewer cells or changes than these tell nothing of a perturbation.
FEWEST_CELLS = 30
FEWEST_CHANGED = 2
# Changed and unchanged readouts of a perturbation that are asked about, drawn at random.
MOST = 150
_COLUMNS = ["perturbation", "gene", "de", "up"]


class Context(NamedTuple):
    """One data set as labelled pairs.

    Attributes:
        name: What tables call it.
        kind: What was done to the perturbed genes.
        cell_lines: The lines that answer for it.
        rows: `perturbation`, `gene`, `de` (0 or 1), `up` (0, 1, NaN where unchanged).
    """

    name: str
    kind: PerturbationKind
    cell_lines: tuple[str, ...]
    rows: pd.DataFrame


def contexts(root: Path, symbols: SymbolTable, seed: int) -> Iterator[Context]:
    """Yield the data sets, thinned out to what is asked about.

    Raises:
        DataError: A file is missing.
    """
    for name in FILES:
        if not (root / name).is_file():
            raise missing(root / name)
    tested = tested_perturbations(root, "K562", symbols)
    rng = np.random.default_rng(seed)
    found: tuple[tuple[str, PerturbationKind, tuple[str, ...], pd.DataFrame], ...] = (
        ("MorPhiC", "knockout", CELL_LINES, _morphic(root, symbols)),
        ("Papalexi", "knockout", CELL_LINES, _of_cells(root, "papalexi", seed)),
        ("Norman", "activation", ("K562",), _of_cells(root, "norman", seed)),
        ("Adamson", "knockdown", ("K562",), _adamson(root, symbols)),
    )
    for name, kind, lines, rows in found:
        kept = rows[rows["perturbation"] != rows["gene"]]
        if lines == ("K562",):
            kept = kept[~kept["perturbation"].isin(tested)]
        changed = kept.groupby("perturbation")["de"].transform("sum")
        yield Context(name, kind, lines, _thinned(kept[changed >= FEWEST_CHANGED], rng))


def _thinned(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    drawn = pd.Series(rng.random(len(rows)), rows.index)
    place = drawn.groupby([rows["perturbation"], rows["de"]]).rank()
    return rows[place <= MOST].reset_index(drop=True)


def _morphic(root: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return what most of a gene's recommended contrasts say."""
    listed, changes, significance = (root / name for name in MORPHIC_FILES)
    contrasts = pd.read_csv(listed)
    contrasts = contrasts[contrasts["recommended"]]
    keys = list(contrasts["key"])
    change = pd.read_parquet(changes, columns=["hgnc_symbol", *keys])
    padj = pd.read_parquet(significance, columns=keys)
    genes = change["hgnc_symbol"].fillna("").map(lambda word: approve(word, symbols))
    parts = []
    for word, keys_of in contrasts.groupby("gene")["key"]:
        tested, moved = padj[list(keys_of)], change[list(keys_of)]
        hit = ((tested < FDR) * np.sign(moved)).sum(axis=1)
        clear = (tested > UNCHANGED).all(axis=1)
        sure = hit.abs() > len(keys_of) / 2
        parts.append(_labelled(approve(str(word), symbols), genes, hit, sure, clear))
    table = pd.concat(parts, ignore_index=True)
    known = table["gene"].isin({gene.symbol for gene in symbols})
    return table.loc[known].drop_duplicates(["perturbation", "gene"])


def _of_cells(root: Path, name: str, seed: int) -> pd.DataFrame:
    """Return Welch's test of each single perturbation's cells against the controls'."""
    cells = mirror.cells(root, name, seed=seed)
    (screen,) = mirror.read_contexts(root, [name])
    labels = np.array(["+".join(label) for label in cells.labels])
    control = cells.matrix[labels == ""]
    parts = []
    for label in sorted({one for one in labels if one and "+" not in one}):
        mine = cells.matrix[labels == label]
        if len(mine) < FEWEST_CELLS:
            continue
        varies = (mine.std(axis=0) > 0) | (control.std(axis=0) > 0)
        p: FloatArray = np.ones(mine.shape[1])
        found = ttest_ind(mine[:, varies], control[:, varies], equal_var=False)
        p[varies] = np.nan_to_num(found.pvalue, nan=1.0)
        padj = false_discovery_control(p)
        way = np.sign(mine.mean(axis=0) - control.mean(axis=0))
        genes = pd.Series(screen.readouts)
        parts.append(
            _labelled(label, genes, pd.Series(way), pd.Series(padj < FDR),
                      pd.Series(padj > UNCHANGED))
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _labelled(
    perturbation: str, genes: pd.Series, way: pd.Series, changed: pd.Series, clear: pd.Series
) -> pd.DataFrame:
    """Return the readouts that surely changed and those that clearly did not."""
    table = pd.DataFrame(
        {
            "perturbation": perturbation,
            "gene": genes.to_numpy(),
            "de": changed.to_numpy(np.int64),
            "up": np.where(changed, way.to_numpy() > 0, np.nan),
        }
    )
    told = changed.to_numpy(np.bool_) | clear.to_numpy(np.bool_)
    chosen: pd.DataFrame = table.loc[told]
    return chosen


def _adamson(root: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return the significant changes of Adamson's knockdowns; there are no tested negatives."""
    rows = pd.read_parquet(root / ADAMSON)
    rows = rows[rows["study_id"].str.startswith("adamson") & (rows["padj"] < FDR)]
    approved = {word: approve(word, symbols) for word in {*rows["perturbation"], *rows["gene"]}}
    table = pd.DataFrame(
        {
            "perturbation": rows["perturbation"].map(approved),
            "gene": rows["gene"].map(approved),
            "way": np.sign(rows["log2fc"]),
        }
    )
    known = {gene.symbol for gene in symbols}
    table = table[table["gene"].isin(known) & table["perturbation"].isin(known)]
    way = table.groupby(["perturbation", "gene"])["way"].sum()
    total = way[way != 0].reset_index()
    return total.assign(de=1, up=(total["way"] > 0).astype(float))[_COLUMNS]
