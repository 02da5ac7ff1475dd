"""Metrics of ranked predictions and of probabilities."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK = 100
"""Resamples weighted at once: a hundred thousand rows of them take 40 MB."""


class Ranking:
    """Rows of several groups ranked by a score, sorted once to be weighted many times over.

    Args:
        group: Which rows are ranked against each other (one readout gene).
        label: 0 or 1.
        score: Higher means more likely 1; equal scores count half.
    """

    def __init__(self, group: ArrayLike, label: ArrayLike, score: ArrayLike) -> None:
        group, label, score = np.asarray(group), np.asarray(label), np.asarray(score)
        names, number = np.unique(group, return_inverse=True)
        both = np.bincount(number, label == 0) * np.bincount(number, label == 1) > 0
        self.groups: IntArray = names[both]
        used = np.flatnonzero(both[number])
        order = used[np.lexsort((score[used], number[used]))]
        g, s = number[order], score[order]
        tie = np.cumsum(np.r_[False, (g[1:] != g[:-1]) | (s[1:] != s[:-1])][: len(order)])
        positive = label[order] == 1
        self._positive, self._negative = order[positive], order[~positive]
        # Where among the negatives a positive's ties begin and end, and where its group does.
        below = tie[~positive]
        self._low = np.searchsorted(below, tie[positive], "left")
        self._high = np.searchsorted(below, tie[positive], "right")
        present = np.flatnonzero(both)
        self._start = np.searchsorted(g[~positive], present, "left")
        self._end = np.searchsorted(g[~positive], present, "right")
        self._first = np.searchsorted(g[positive], present, "left")
        self._of_positive = np.searchsorted(present, g[positive])
        self.rows = len(group)
        # Any row of each group, to find what else is known of the group.
        self.row: IntArray = order[np.searchsorted(g, present, "left")].astype(np.int64)
        # For average precision: where the rows that score no less than a positive begin.
        self._order = order
        self._at_least = np.searchsorted(tie, tie[positive], "left")
        self._behind = np.searchsorted(g, present, "right")
        self._sizes = self._behind - np.searchsorted(g, present, "left")
        self._positives_at_least = np.searchsorted(tie[positive], tie[positive], "left")
        self._positives_behind = np.searchsorted(g[positive], present, "right")

    @property
    def whole(self) -> float:
        """Return the mean over groups, every row counted once; nan where no group has both."""
        return float(self.macro(np.ones((self.rows, 1)))[0])

    def aurocs(self, weight: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the AUROC of each group `(groups, draws)`; nan where a class has no weight.

        Args:
            weight: How often each row counts `(rows, draws)`.
        """
        draws = weight.shape[1]
        if not len(self.groups):
            return np.zeros((0, draws))
        negatives = np.zeros((len(self._negative) + 1, draws), weight.dtype)
        np.cumsum(weight[self._negative], axis=0, out=negatives[1:])
        mine = weight[self._positive]
        before = negatives[self._start][self._of_positive]
        beaten = (negatives[self._low] + negatives[self._high]) / 2 - before
        wins = np.add.reduceat(mine * beaten, self._first, axis=0)
        pairs = np.add.reduceat(mine, self._first, axis=0)
        pairs *= negatives[self._end] - negatives[self._start]
        out: NDArray[np.floating] = np.where(pairs > 0, wins / np.maximum(pairs, 1e-12), np.nan)
        return out

    def average_precisions(self, weight: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the average precision of each group `(groups, draws)`; nan as in `aurocs`.

        The mean, over positives, of the share of positives among the rows that score no less: rows
        of equal score are taken together, as scikit-learn does.

        Args:
            weight: How often each row counts `(rows, draws)`.
        """
        draws = weight.shape[1]
        if not len(self.groups):
            return np.zeros((0, draws))
        every = np.zeros((len(self._order) + 1, draws), weight.dtype)
        np.cumsum(weight[self._order], axis=0, out=every[1:])
        mine = weight[self._positive]
        right = np.zeros((len(mine) + 1, draws), weight.dtype)
        np.cumsum(mine, axis=0, out=right[1:])
        group = self._of_positive
        told = every[self._behind][group] - every[self._at_least]
        hits = right[self._positives_behind][group] - right[self._positives_at_least]
        precision = np.divide(hits, told, out=np.zeros_like(hits), where=told > 0)
        summed = np.add.reduceat(mine * precision, self._first, axis=0)
        whole = np.add.reduceat(mine, self._first, axis=0)
        others = every[self._behind] - every[self._behind - self._sizes] - whole
        out: NDArray[np.floating] = np.where(
            (whole > 0) & (others > 0), summed / np.maximum(whole, 1e-12), np.nan
        )
        return out

    def macro(
        self,
        weight: NDArray[np.floating],
        over: NDArray[np.floating] | None = None,
        values: Callable[[NDArray[np.floating]], NDArray[np.floating]] | None = None,
    ) -> FloatArray:
        """Return the mean over groups of each draw `(draws,)`; nan where no group has both.

        Args:
            weight: How often each row counts `(rows, draws)`.
            over: How often each group counts `(groups, draws)`; once where it is left out.
            values: Of each group and draw; the AUROC by default.
        """
        found_values = (values or self.aurocs)(weight)
        found = np.isfinite(found_values)
        counted = found if over is None else np.where(found, over, 0)
        total = (np.where(found, found_values, 0) * counted).sum(axis=0, dtype=np.float64)
        count = counted.sum(axis=0, dtype=np.float64)
        return np.where(count > 0, total / np.maximum(count, 1e-12), np.nan)

    def resampled(self, unit: IntArray, drawn: NDArray[np.floating]) -> FloatArray:
        """Return the macro AUROC of each resample `(draws,)`.

        Args:
            unit: Row of `drawn` that each row belongs to.
            drawn: How often each unit is drawn `(units, draws)`; see `resamples`.
        """
        starts = range(0, drawn.shape[1], CHUNK)
        parts = [self.macro(drawn[:, start : start + CHUNK][unit]) for start in starts]
        return np.concatenate(parts)


def per_group_auroc(
    group: IntArray, label: IntArray, score: FloatArray, weight: FloatArray | None = None
) -> tuple[IntArray, FloatArray]:
    """Return the groups that have both classes and the AUROC within each; ties count half.

    Args:
        group: Which rows are ranked against each other (one readout gene).
        label: 0 or 1.
        score: Higher means more likely 1.
        weight: How often each row counts, as in a bootstrap; once where it is left out.
    """
    ranking = Ranking(group, label, score)
    weight = np.ones(len(group)) if weight is None else weight
    values = ranking.aurocs(weight[:, None])[:, 0].astype(np.float64)
    found = np.isfinite(values)
    return ranking.groups[found], values[found]


def macro_auroc(
    group: IntArray, label: IntArray, score: FloatArray, weight: FloatArray | None = None
) -> float:
    """Return the mean of the AUROCs of all groups that have both classes; nan if none has."""
    _, values = per_group_auroc(group, label, score, weight)
    return float(values.mean()) if len(values) else math.nan


def equal_bins(p: FloatArray, bins: int) -> Iterator[IntArray]:
    """Yield the rows of each of `bins` equally filled bins, lowest probabilities first."""
    for part in np.array_split(np.argsort(p, kind="stable"), bins):
        if len(part):
            yield part


def expected_calibration_error(label: IntArray, p: FloatArray, bins: int = 10) -> float:
    """Return the mean gap between stated and observed rate over `bins` equally filled bins."""
    gaps = [
        len(part) * abs(float(label[part].mean() - p[part].mean())) for part in equal_bins(p, bins)
    ]
    return sum(gaps) / len(p)


def brier(label: IntArray, p: FloatArray) -> float:
    """Return the mean squared difference between probability and outcome."""
    return float(np.mean((p - label) ** 2))
