"""Estimates with intervals that respect how rows were sampled: whole units are drawn anew."""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from evals.harness.metrics import CHUNK, FloatArray, IntArray, Ranking
from knowledge.schema import Frozen

DRAWS = 500
SHARE = (0.0, 1.0)
"""Between what an AUROC and a share lie."""
Units = Sequence[Hashable] | NDArray[np.generic] | pd.Series | pd.Index


class Estimate(Frozen):
    """A number with its 95 % interval; a number that was counted has none, and `n` says of what.

    An interval is nan where nothing could be computed.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0

    def within(self, low: float, high: float) -> "Estimate":
        """Return it with an interval that does not pass what no value can; nan stays nan."""
        ends = {name: min(max(getattr(self, name), low), high) for name in ("low", "high")}
        told = {name: end for name, end in ends.items() if not math.isnan(getattr(self, name))}
        changed = any(end != getattr(self, name) for name, end in told.items())
        return self.model_copy(update=told) if changed else self

    def __str__(self) -> str:
        if math.isnan(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Sample:
    """A value and its resamples, which add and subtract draw by draw.

    Attributes:
        value: Of all rows.
        draws: Of each resample.
        units: How many were drawn from.
        readouts: How many groups are averaged.
        bounds: What no value of the measure can pass, and so no interval.
    """

    value: float
    draws: FloatArray
    units: int
    readouts: int = 0
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def __sub__(self, other: Self) -> "Sample":
        bounds = (self.bounds[0] - other.bounds[1], self.bounds[1] - other.bounds[0])
        return Sample(self.value - other.value, self.draws - other.draws, self.units, bounds=bounds)

    def __neg__(self) -> "Sample":
        low, high = self.bounds
        return Sample(-self.value, -self.draws, self.units, bounds=(-high, -low))

    def __truediv__(self, other: Self) -> "Sample":
        return Sample(self.value / other.value, self.draws / other.draws, self.units)

    @property
    def known(self) -> bool:
        """Return whether there was anything to take it of."""
        return bool(np.isfinite(self.value) and np.isfinite(self.draws).any())

    @classmethod
    def mean(cls, parts: Sequence["Sample"]) -> "Sample":
        """Return the mean of several lines or folds."""
        return cls(
            float(np.mean([part.value for part in parts])),
            np.mean([part.draws for part in parts], axis=0),
            sum(part.units for part in parts),
            sum(part.readouts for part in parts),
            (min(part.bounds[0] for part in parts), max(part.bounds[1] for part in parts)),
        )

    def estimate(self) -> Estimate:
        """Return the value with its interval."""
        return estimate(self.value, self.draws, self.units, self.bounds)


class Resampler:
    """The same bootstrap draws of units for everything that is compared.

    Args:
        units: All of them: perturbations, genes, questions, sources.
        seed: Of the draws.
        draws: How many.
    """

    def __init__(self, units: Iterable[Hashable], seed: int = 0, draws: int = DRAWS) -> None:
        self._units = pd.Index(sorted(set(units)))  # type: ignore[type-var]  # names or numbers
        self._drawn = resamples(len(self._units), draws, np.random.default_rng(seed))

    @property
    def draws(self) -> int:
        """Return how many there are."""
        return int(self._drawn.shape[1])

    def part(self, at: IntArray, draws: slice) -> NDArray[np.float32]:
        """Return how often units of these numbers count in some of the resamples."""
        return self._drawn[:, draws][at]

    def at(self, unit: Units) -> IntArray:
        """Return the number of each row's unit `(rows,)`."""
        return self._units.get_indexer(pd.Index(unit)).astype(np.int64)

    def drawn(self, unit: Units) -> NDArray[np.float32]:
        """Return how often each row counts in each resample `(rows, draws)`."""
        return self._drawn[self.at(unit)]

    def mean(self, unit: Units, values: ArrayLike) -> Sample:
        """Return the mean of the finite ones of `values` `(rows,)`, whose rows belong to `unit`."""
        every = np.asarray(values, np.float64)
        known = np.isfinite(every)
        found, at, size = every[known], self.at(unit)[known], len(self._units)
        total, count = np.bincount(at, found, size), np.bincount(at, minlength=size)
        drawn = self._drawn.astype(np.float64)
        weight = count @ drawn
        draws: FloatArray = np.full(len(weight), np.nan)
        np.divide(total @ drawn, weight, out=draws, where=weight > 0)
        mean = float(found.mean()) if len(found) else math.nan
        return Sample(mean, draws, int((count > 0).sum()), bounds=_bounds(found))

    def auroc(self, unit: Units, ranking: Ranking) -> Sample:
        """Return the macro AUROC of a ranking whose rows belong to `unit`."""
        draws = ranking.resampled(self.at(unit), self._drawn)
        return Sample(ranking.whole, draws, len(set(unit)), len(ranking.groups), SHARE)


class Axis(NamedTuple):
    """One of the two things that were sampled: which rows belong to which unit, and the draws.

    Attributes:
        draw: Of the units.
        unit: Of each row.
    """

    draw: Resampler
    unit: Units


def crossed(
    ranking: Ranking,
    inside: Axis | None,
    over: Axis | None,
    by: Literal["auroc", "average precision"] = "auroc",
) -> Sample:
    """Return the macro AUROC or average precision, both sources of chance drawn anew.

    A row is a perturbation and a readout, and both were sampled: where readouts are the groups,
    perturbations are drawn `inside` them and readouts drawn `over` them, each whole and apart from
    the other (the pigeonhole bootstrap: Owen, Annals of Applied Statistics 2007, somewhat wide).

    Args:
        ranking: Of the rows.
        inside: What is drawn among the rows of a group; not drawn where it is left out.
        over: What is drawn among the groups; not drawn where it is left out.
        by: The measure.
    """
    values = ranking.aurocs if by == "auroc" else ranking.average_precisions
    whole = ranking.macro(np.ones((ranking.rows, 1)), values=values)
    first = inside or over
    if first is None:
        raise ValueError("nothing is drawn")
    width = first.draw.draws
    at = None if inside is None else inside.draw.at(inside.unit)
    of_group = None if over is None else over.draw.at(np.asarray(over.unit)[ranking.row])
    parts = []
    for start in range(0, width, CHUNK):
        here = slice(start, min(start + CHUNK, width))
        if inside is None or at is None:
            weight = np.ones((ranking.rows, here.stop - start), np.float32)
        else:
            weight = inside.draw.part(at, here)
        groups = None
        if over is not None and of_group is not None:
            groups = over.draw.part(of_group, here)
        parts.append(ranking.macro(weight, groups, values))
    units = len(set(first.unit))
    return Sample(float(whole[0]), np.concatenate(parts), units, len(ranking.groups), SHARE)


def _bounds(values: FloatArray) -> tuple[float, float]:
    """Return what a mean of such values cannot pass: shares and signed shares have ends."""
    for low in (0.0, -1.0):
        if len(values) and values.min() >= low and values.max() <= 1:
            return low, 1.0
    return -math.inf, math.inf


def resamples(units: int, draws: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how often each unit is drawn in each bootstrap resample `(units, draws)`."""
    drawn = rng.multinomial(units, np.full(units, 1 / units), size=draws)
    return np.ascontiguousarray(drawn.T, dtype=np.float32)


def estimate(
    value: float,
    resampled: FloatArray,
    n: int,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate:
    """Return `value` with the 95 % interval that its resamples show, within `bounds`.

    The interval is the spread of the resamples around their own mean, laid around the value:
    a resample repeats units and so loses readouts that keep one class only, which moves the macro
    AUROC of all resamples alike.
    """
    found = resampled[np.isfinite(resampled)]
    if not len(found):
        return Estimate(value=value, n=n)
    low, high = np.clip(np.quantile(found, [0.025, 0.975]) - found.mean() + value, *bounds)
    return Estimate(value=value, low=float(low), high=float(high), n=n)
