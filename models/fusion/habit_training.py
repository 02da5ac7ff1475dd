"""Learns what genes usually do after losses of regulators, from what is known of the genes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

from knowledge.base import Knowledge
from knowledge.graph import is_membership
from knowledge.schema import Edge
from knowledge.sources.registry import missing
from models.fusion.habit import Floats, LossHabit

SETS = "perturbseq/replogle_signed_sets_train.parquet"
# Gene sets that say something of a gene: neither pairs nor half the genome.
SMALLEST, LARGEST = 15, 400
SET_AXES, SCREEN_AXES = 100, 60
ROUNDS = 120
# Trees of one seed see half of the genes; the mean of several is steadier.
SEEDS = 5
# A gene that acts on so many others, as the networks name them one by one, is a regulator.
LEAST_TARGETS = 10
# A rate in the screens' sets is drawn to zero as if by this many sets.
PRIOR_SETS = 10
TREES: Mapping[str, object] = {
    "objective": "regression",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.3,
    "lambda_l2": 50.0,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def gene_features(genes: Sequence[str], knowledge: Knowledge, root: Path) -> NDArray[np.float32]:
    """Return what is known of each gene `(genes, features)`.

    The axes of pathways and complexes, baseline expression in the lines, and the axes and signs of
    the signed sets of genome-wide screens.

    Raises:
        DataError: The signed sets are missing.
    """
    place = {gene: i for i, gene in enumerate(genes)}
    sets = [one for one in knowledge.gene_sets if SMALLEST <= len(one.members) <= LARGEST]
    at = [(row, place[g]) for row, one in enumerate(sets) for g in one.members if g in place]
    rows, columns = np.array(at).T
    member = sparse.csr_array((np.ones(len(at)), (rows, columns)), shape=(len(sets), len(genes)))
    weight = sparse.diags_array(1 / np.sqrt(1 + np.asarray(member.sum(1)).ravel()))
    parts = [_axes(weight @ member, SET_AXES)]
    if knowledge.expression is not None:
        lines = knowledge.expression.cell_lines
        levels = [[knowledge.expression.value(g, line) or 0.0 for line in lines] for g in genes]
        parts.append(_scaled(np.array(levels)))
    moved, lines_of = _screen_sets(root, knowledge, place)
    parts.append(_axes(moved, SCREEN_AXES))
    for line in sorted(set(lines_of)):
        own = moved[[i for i, name in enumerate(lines_of) if name == line]]
        parts.append((own.sum(0) / (abs(own).sum(0) + PRIOR_SETS))[:, None])
    return np.hstack(parts).astype(np.float32)


def regulators(edges: Iterable[Edge]) -> frozenset[str]:
    """Return the genes that act on many others, memberships in complexes left aside."""
    targets: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if edge.sign and not is_membership(edge):
            targets[edge.source].add(edge.target)
    return frozenset(gene for gene, on in targets.items() if len(on) >= LEAST_TARGETS)


def fit_habit(
    consensus: pd.DataFrame,
    genes: Sequence[str],
    known: NDArray[np.float32],
    acting: frozenset[str],
    seed: int = 0,
) -> LossHabit:
    """Return each gene's mean sign after losses, fitted to votes of training regulators.

    Args:
        consensus: As `models.fusion.regulator_sets.consensus` returns it.
        genes: Approved symbols.
        known: Features of the genes `(genes, features)`.
        acting: The regulators among all genes.
        seed: Of the trees.
    """
    place = {gene: i for i, gene in enumerate(genes)}
    rows = consensus[consensus["gene"].isin(place)]
    at = rows["gene"].map(place).to_numpy(int)
    votes = rows["votes"].to_numpy(float)
    total, weight = np.zeros(len(genes)), np.zeros(len(genes))
    np.add.at(total, at, votes)
    np.add.at(weight, at, np.abs(votes))
    seen = weight > 0
    mean = np.zeros(len(genes))
    for number in range(SEEDS):
        data = lgb.Dataset(known[seen], total[seen] / weight[seen], weight=weight[seen])
        trees = lgb.train({**TREES, "seed": SEEDS * seed + number}, data, ROUNDS)
        mean += np.asarray(trees.predict(known), np.float64) / SEEDS
    return LossHabit(tuple(genes), np.clip(mean, -1, 1), acting)


def _screen_sets(
    root: Path, knowledge: Knowledge, place: Mapping[str, int]
) -> tuple[sparse.csr_array, list[str]]:
    """Return the signed sets `(sets, genes)` and the line of each."""
    try:
        table = pd.read_parquet(root / SETS)
    except FileNotFoundError:
        raise missing(root / SETS) from None
    approved = {name: knowledge.symbols.approved(name) for name in table["gene"].unique()}
    table = table.assign(gene=table["gene"].map(approved))
    table = table[table["gene"].isin(place)]
    keys = list(zip(table["target"], table["cell_line"], strict=True))
    names = {key: i for i, key in enumerate(sorted(set(keys)))}
    where = ([names[key] for key in keys], table["gene"].map(place).to_numpy(int))
    moved = sparse.csr_array((table["sign"].to_numpy(float), where), shape=(len(names), len(place)))
    moved.sum_duplicates()
    moved.data = np.sign(moved.data)
    return moved, [line for _, line in names]


def _axes(matrix: sparse.csr_array, rank: int) -> Floats:
    """Return the first `rank` right singular vectors, scaled to unit spread `(columns, rank)`."""
    start = np.random.default_rng(0).normal(size=min(matrix.shape))
    _, values, right = svds(matrix.astype(float), k=rank, v0=start)
    return _scaled(right.T * values)


def _scaled(values: Floats) -> Floats:
    spread = values.std(0)
    return np.asarray((values - values.mean(0)) / np.where(spread > 0, spread, 1.0))
