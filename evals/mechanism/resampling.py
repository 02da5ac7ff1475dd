"""Means over rows, resampled by whole perturbations, the same draws for all that is compared."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from evals.harness.metrics import FloatArray, Ranking
from evals.harness.resampling import Estimate, Sample, resamples

DRAWS = 500


class Resampler:
    """Bootstrap draws of units: perturbations, questions or sources.

    Args:
        units: All of them.
        seed: Of the draws.
        draws: How many.
    """

    def __init__(self, units: Iterable[str], seed: int = 0, draws: int = DRAWS) -> None:
        self._units = pd.Index(sorted(set(units)))
        self._drawn = resamples(len(self._units), draws, np.random.default_rng(seed))

    def mean(self, unit: Sequence[str] | NDArray[np.str_], values: ArrayLike) -> Sample:
        """Return the mean of `values` `(rows,)`, whose rows belong to `unit` `(rows,)`."""
        found = np.asarray(values, np.float64)
        at = self._units.get_indexer(pd.Index(unit))
        size = len(self._units)
        total, count = np.bincount(at, found, size), np.bincount(at, minlength=size)
        drawn = self._drawn.astype(np.float64)
        weight = count @ drawn
        with np.errstate(invalid="ignore"):
            draws: FloatArray = np.where(weight > 0, (total @ drawn) / weight, np.nan)
        mean = float(found.mean()) if len(found) else float("nan")
        return Sample(mean, draws, int((count > 0).sum()))

    def auroc(self, unit: Sequence[str] | NDArray[np.str_], ranking: Ranking, rows: int) -> Sample:
        """Return the macro AUROC of a ranking of `rows` rows, which belong to `unit`."""
        at = self._units.get_indexer(pd.Index(unit)).astype(np.int64)
        whole = float(ranking.macro(np.ones((rows, 1)))[0])
        return Sample(whole, ranking.resampled(at, self._drawn), len(set(unit)))


def told(sample: Sample) -> Estimate | None:
    """Return the estimate of a mean, or None where there was nothing to take it of."""
    return sample.estimate() if np.isfinite(sample.draws).any() else None
