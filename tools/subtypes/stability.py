"""How well each cluster comes back when seeds change or samples are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tools.subtypes.matrix import FloatArray
from tools.subtypes.methods import FEW, MANY, Data, IntArray, Method
from tools.subtypes.settings import Rule

COLUMNS = ("level", "cluster", "size", "stability", "silhouette", "davies_bouldin", "members")


@dataclass(frozen=True)
class Group:
    """A rare, stable cluster.

    Attributes:
        members: Numbers of its samples.
        level: At which it is most stable.
        stability: Mean Jaccard over runs.
        levels: At how many levels it is found, more or less.
    """

    members: frozenset[int]
    level: float
    stability: float
    levels: int


def clusters(method: Method, data: Data, seed: int) -> pd.DataFrame:
    """Return every cluster at every level, with its members and how stable it is.

    The first run is on all samples and gives the clusters. In each further run they are matched
    one to one with that run's clusters (Hungarian algorithm, greatest sum of Jaccards), over the
    samples that the run has; the stability of a cluster is the mean of its Jaccards.
    """
    size = len(data)
    reference: dict[float, IntArray] = {}
    jaccards: dict[float, list[FloatArray]] = {level: [] for level in method.levels}
    points = np.empty((0, 0))
    for number in range(method.runs):
        draw = np.random.default_rng([seed, number])
        kept = np.arange(size)
        if number and method.share < 1:
            kept = np.sort(draw.choice(size, round(method.share * size), replace=False))
        mine = method.embed(data if len(kept) == size else data.take(kept), seed + number)
        points = points if number else mine
        for level in method.levels:
            if level >= len(kept):
                continue
            labels = method.cluster(mine, level, seed + number, FEW if number else MANY)
            if number:
                jaccards[level].append(matched(reference[level][kept], labels))
            else:
                reference[level] = labels = _numbered(labels)
                jaccards[level].append(np.full(labels.max() + 1, np.nan))
    rows = []
    for level, labels in reference.items():
        count = int(labels.max()) + 1
        padded = np.array(
            [np.r_[one, np.full(count - len(one), np.nan)][:count] for one in jaccards[level]]
        )
        known = np.isfinite(padded)
        mean = np.where(known, padded, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        silhouettes, index = apartness(points, labels)
        for cluster in range(count):
            among = np.flatnonzero(labels == cluster)
            rows.append((level, cluster, len(among), mean[cluster],
                         silhouettes[among].mean(), index, among))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def parted(method: Method, data: Data, level: float, seed: int) -> IntArray:
    """Return the cluster of each sample at one level."""
    return _numbered(method.cluster(method.embed(data, seed), level, seed, MANY))


def matched(mine: IntArray, theirs: IntArray) -> FloatArray:
    """Return the Jaccard of each cluster of `mine` with the one it is matched with.

    Clusters without a match have 0, and those without a sample NaN.
    """
    from scipy.optimize import linear_sum_assignment

    table = jaccard_table(mine, theirs)
    here, there = linear_sum_assignment(-table)
    found = np.zeros(len(table))
    found[here] = table[here, there]
    return np.where(np.bincount(mine, minlength=len(table)) > 0, found, np.nan)


def jaccard_table(mine: IntArray, theirs: IntArray) -> FloatArray:
    """Return the Jaccard of each cluster of one partition with each of another."""
    both = np.zeros((mine.max() + 1, theirs.max() + 1))
    np.add.at(both, (mine, theirs), 1)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0)[None] - both
    found: FloatArray = both / np.maximum(union, 1)
    return found


def apartness(points: FloatArray, labels: IntArray) -> tuple[FloatArray, float]:
    """Return the silhouette of each sample, and the Davies-Bouldin index of the whole."""
    from sklearn.metrics import davies_bouldin_score, silhouette_samples

    if not 1 < len(np.unique(labels)) < len(labels):
        return np.zeros(len(labels)), float("nan")
    return silhouette_samples(points, labels), float(davies_bouldin_score(points, labels))


def rare_groups(found: pd.DataFrame, samples: int, rule: Rule) -> list[Group]:
    """Return the clusters that the rule calls rare and stable, the same at several levels as one.

    Args:
        found: As from `clusters`.
        samples: How many there are.
        rule: What is rare, stable, and the same.
    """
    small = (found["size"] >= rule.least) & (found["size"] < rule.most * samples)
    stable = found[small & (found["stability"] >= rule.stable)]
    stable = stable.sort_values(["stability", "size"], ascending=False, kind="stable")
    heads: list[tuple[float, float, frozenset[int], set[float]]] = []
    for level, stability, members in zip(
        stable["level"], stable["stability"], stable["members"], strict=True
    ):
        mine = frozenset(int(one) for one in members)
        for _, _, head, levels in heads:
            if jaccard(mine, head) >= rule.same:
                levels.add(level)
                break
        else:
            heads.append((float(stability), float(level), mine, {level}))
    return [Group(mine, level, stability, len(levels)) for stability, level, mine, levels in heads]


def jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    """Return the share of members of either that both have."""
    return len(one & other) / max(1, len(one | other))


def labels_at(found: pd.DataFrame, level: float, samples: int) -> IntArray:
    """Return the cluster of each sample at one level of a table of clusters."""
    labels = np.zeros(samples, np.int64)
    at = found[found["level"] == level]
    for cluster, members in zip(at["cluster"], at["members"], strict=True):
        labels[np.asarray(members, int)] = int(cluster)
    return labels


def best_level(real: pd.DataFrame, nulls: Sequence[pd.DataFrame]) -> float:
    """Return the level whose clusters are most stable beside those of data without groups."""
    mine = mean_stability(real)
    theirs = pd.concat([mean_stability(one) for one in nulls], axis=1).mean(axis=1)
    return float((mine - theirs).idxmax())


def mean_stability(found: pd.DataFrame) -> "pd.Series[float]":
    """Return the mean stability of samples' clusters by level."""
    weight = found["stability"] * found["size"]
    return weight.groupby(found["level"]).sum() / found.groupby("level")["size"].sum()


def _numbered(labels: IntArray) -> IntArray:
    """Return labels as numbers from 0 without a gap."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
