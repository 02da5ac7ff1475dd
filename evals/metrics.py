"""Metrics of ranked predictions, with intervals that respect how the rows were sampled."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import Frozen

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK = 100
"""Resamples weighted at once: a hundred thousand rows of them take 40 MB."""


class Estimate(Frozen):
    """A number with its 95 % bootstrap interval; nan where nothing could be computed."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Ranking:
    """Rows of several groups ranked by a score, sorted once to be weighted many times over.

    Args:
        group: Which rows are ranked against each other (one readout gene).
        label: 0 or 1.
        score: Higher means more likely 1; equal scores count half.
    """

    def __init__(self, group: IntArray, label: IntArray, score: FloatArray) -> None:
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

    def macro(self, weight: NDArray[np.floating]) -> FloatArray:
        """Return the mean over groups of each draw `(draws,)`; nan where no group has both."""
        values = self.aurocs(weight)
        found = np.isfinite(values)
        total = np.where(found, values, 0).sum(axis=0, dtype=np.float64)
        count = found.sum(axis=0)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

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


def resamples(units: int, draws: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how often each unit is drawn in each bootstrap resample `(units, draws)`."""
    drawn = rng.multinomial(units, np.full(units, 1 / units), size=draws)
    return np.ascontiguousarray(drawn.T, dtype=np.float32)


def estimate(value: float, resampled: FloatArray, n: int) -> Estimate:
    """Return `value` with the 95 % interval that its resamples show.

    The interval is the spread of the resamples around their own mean, laid around the value:
    a resample repeats units and so loses readouts that keep one class only, which moves the macro
    AUROC of all resamples alike.
    """
    found = resampled[np.isfinite(resampled)]
    if not len(found):
        return Estimate(value=value, low=math.nan, high=math.nan, n=n)
    low, high = np.quantile(found, [0.025, 0.975]) - found.mean() + value
    return Estimate(value=value, low=float(low), high=float(high), n=n)


@dataclass(frozen=True, slots=True)
class Sample:
    """A value and its resamples, which add and subtract draw by draw."""

    value: float
    draws: FloatArray
    units: int
    readouts: int = 0

    def __sub__(self, other: Self) -> "Sample":
        return Sample(self.value - other.value, self.draws - other.draws, self.units)

    @classmethod
    def mean(cls, parts: Sequence["Sample"]) -> "Sample":
        """Return the mean of several lines."""
        return cls(
            float(np.mean([part.value for part in parts])),
            np.mean([part.draws for part in parts], axis=0),
            sum(part.units for part in parts),
            sum(part.readouts for part in parts),
        )

    def estimate(self) -> Estimate:
        """Return the value with its interval."""
        return estimate(self.value, self.draws, self.units)


def bootstrap(
    unit: IntArray,
    metric: Callable[[FloatArray], float],
    rng: np.random.Generator,
    draws: int = 200,
) -> Estimate:
    """Return any `metric` with a 95 % interval by resampling whole units (perturbations).

    Args:
        unit: Unit of each row.
        metric: Maps a weight per row to a number.
        rng: Source of the draws.
        draws: Number of resamples.
    """
    names, index = np.unique(unit, return_inverse=True)
    drawn = resamples(len(names), draws, rng).astype(np.float64)
    values = np.array([metric(weights[index]) for weights in drawn.T])
    return estimate(metric(np.ones(len(unit))), values, len(names))


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
