"""Turns tables of measures per perturbation into scores; a pure function of them and a seed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from evals.expression.predictors import ADDITIVE, LINEAR, NO_CHANGE
from evals.expression.schema import LOWER, MEASURES, RATIOS, Interaction, Measure, Role, Score
from evals.harness.metrics import FloatArray, Ranking
from evals.harness.resampling import Estimate, Sample, estimate, resamples
from models.expression.choice import Task

DRAWS = 1000


class Comparison:
    """Predictors on the same held-out perturbations of one context and task.

    Args:
        tables: Of each predictor, in the order of the page; rows of `Yardstick.table` with
            `answered` and `fold`.
        roles: Of each predictor.
        seed: Of the resamples of perturbations, which all predictors share.
        draws: How many.
    """

    def __init__(
        self,
        tables: Mapping[str, pd.DataFrame],
        roles: Mapping[str, Role],
        seed: int,
        draws: int = DRAWS,
    ) -> None:
        answered = {name: table for name, table in tables.items() if table["answered"].any()}
        self.tables = {
            name: table.sort_values("perturbation", ignore_index=True)
            for name, table in answered.items()
        }
        self.roles = roles
        size = len(next(iter(self.tables.values())))
        self.drawn = resamples(size, draws, np.random.default_rng(seed))

    def scores(self, context: str, task: Task) -> Iterator[Score]:
        """Yield the score of every predictor and measure that can be taken."""
        for measure in MEASURES:
            values = {
                name: table[measure].to_numpy(float)
                for name, table in self.tables.items()
                if table[measure].notna().any()
            }
            if not values:
                continue
            means = {name: self._mean(one) for name, one in values.items()}
            best = self.best(means, measure)
            linear = self.best(
                {name: one for name, one in means.items() if name.startswith(LINEAR)}, measure
            )
            for name, mean in means.items():
                yield Score(
                    context=context,
                    task=task,
                    predictor=name,
                    role=self.roles[name],
                    measure=measure,
                    value=mean.estimate(),
                    to_no_change=self._ratio(values, name, NO_CHANGE, measure),
                    to_additive=self._ratio(values, name, ADDITIVE, measure),
                    to_linear=self._ratio(values, name, linear, measure),
                    best_baseline=best,
                    ahead=self._ahead(values, name, best, measure),
                    unanswered=int((~self.tables[name]["answered"]).sum()),
                )

    def best(self, means: Mapping[str, Sample], measure: Measure) -> str:
        """Return the baseline whose mean is best, an empty name where there is none."""
        sign = 1 if measure in LOWER else -1
        found = {
            name: sign * mean.value
            for name, mean in means.items()
            if self.roles[name] == "baseline" and np.isfinite(mean.value)
        }
        return min(found, key=lambda name: found[name]) if found else ""

    def interactions(self, norman: pd.DataFrame) -> Iterator[Interaction]:
        """Yield how well each predictor's doubles call interactions, and the measured ones'.

        Doubles are ranked within their fold, as another fold is another fit.

        Args:
            norman: `ts_norm2` and `corr_sum` by double; those it lacks are left out.
        """
        first = next(iter(self.tables.values()))
        truth = norman.reindex(first["perturbation"])
        known = truth["ts_norm2"].notna().to_numpy()
        if not known.any():
            return
        truth = truth[known]
        label = {
            "magnitude": (truth["ts_norm2"] > 1).to_numpy(),
            "misfit": (truth["corr_sum"] < truth["corr_sum"].median()).to_numpy(),
        }
        drawn = self.drawn[known]
        units = np.arange(int(known.sum()))

        def auroc(table: pd.DataFrame, column: str, prefix: str = "") -> Estimate:
            ranking = Ranking(
                table["fold"].to_numpy(np.int64)[known],
                label[column].astype(np.int64),
                np.nan_to_num(table[prefix + column].to_numpy(float)[known]),
            )
            value = float(ranking.macro(np.ones((len(units), 1)))[0])
            return estimate(value, ranking.resampled(units, drawn), len(units))

        for name, table in self.tables.items():
            yield Interaction(
                predictor=name,
                role=self.roles[name],
                synergy=auroc(table, "magnitude"),
                misfit=auroc(table, "misfit"),
            )
        yield Interaction(
            predictor="the measured double itself",
            role="ceiling",
            synergy=auroc(first, "magnitude", "true_"),
            misfit=auroc(first, "misfit", "true_"),
        )

    def _mean(self, values: FloatArray) -> Sample:
        """Return the mean of what is finite, and of each resample."""
        found = np.isfinite(values)
        filled = np.where(found, values, 0)
        weight = found @ self.drawn
        draws = np.divide(
            filled @ self.drawn, weight, out=np.full(len(weight), np.nan), where=weight > 0
        )
        value = float(filled.sum() / found.sum()) if found.any() else float("nan")
        return Sample(value, draws, int(found.sum()))

    def _pair(
        self, values: Mapping[str, FloatArray], name: str, other: str
    ) -> tuple[Sample, Sample] | None:
        """Return the means of both over the perturbations for which both are defined."""
        if other not in values:
            return None
        both = np.isfinite(values[name]) & np.isfinite(values[other])
        if not both.any():
            return None
        mine, theirs = (np.where(both, values[one], np.nan) for one in (name, other))
        return self._mean(mine), self._mean(theirs)

    def _ratio(
        self, values: Mapping[str, FloatArray], name: str, other: str, measure: Measure
    ) -> Estimate | None:
        if measure not in RATIOS or (pair := self._pair(values, name, other)) is None:
            return None
        mine, theirs = pair
        return estimate(mine.value / theirs.value, mine.draws / theirs.draws, mine.units)

    def _ahead(
        self, values: Mapping[str, FloatArray], name: str, best: str, measure: Measure
    ) -> Estimate | None:
        if self.roles[name] == "baseline" or (pair := self._pair(values, name, best)) is None:
            return None
        mine, theirs = pair
        if measure in RATIOS:
            return estimate(
                1 - mine.value / theirs.value, 1 - mine.draws / theirs.draws, mine.units
            )
        return (theirs - mine if measure in LOWER else mine - theirs).estimate()


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of all folds as one."""
    return pd.concat(tables, ignore_index=True)
