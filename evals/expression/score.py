"""Turns tables of measures per perturbation into scores; a pure function of them and a seed."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from evals.expression.predictors import ADDITIVE, LINEAR, NO_CHANGE, Role
from evals.harness.metrics import FloatArray, Ranking
from evals.harness.resampling import Resampler, Sample
from evals.harness.scores import Gain, Measure, Score
from models.expression.choice import Task

DRAWS = 1000
MEASURES = {
    "l2": Measure(name="L2", better="less", relative=True),
    "pearson": Measure(name="Pearson"),
    "direction": Measure(name="direction"),
    "discrimination": Measure(name="discrimination"),
    "energy": Measure(name="energy distance", better="less"),
}
"""Distances that are relative are shown as ratios too; that of energy may be negative."""
CEILING = "the measured double itself"


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
        self.perturbations = next(iter(self.tables.values()))["perturbation"]
        self.draw = Resampler(self.perturbations, seed, draws)

    def scores(self, context: str, task: Task) -> Iterator[Score]:
        """Yield scores by every measure that can be taken, ratios, and gains over the best one.

        The best baseline is the one that turned out so by the measure itself; baselines have no
        gain over it.
        """
        keys = {"context": context, "task": task}
        for name, table in self.tables.items():
            unanswered = int((~table["answered"]).sum())
            yield Score(name, "unanswered", unanswered, self.roles[name], **keys)
        for measure, what in MEASURES.items():
            values = {
                name: table[measure].to_numpy(float)
                for name, table in self.tables.items()
                if table[measure].notna().any()
            }
            means = {name: self.mean(one) for name, one in values.items()}
            best = self.best(means, what)
            linear = self.best({n: m for n, m in means.items() if n.startswith(LINEAR)}, what)
            beside = {"no change": NO_CHANGE, "additive": ADDITIVE, "linear": linear}
            for name, mean in means.items():
                role = self.roles[name]
                yield Score(name, measure, mean, role, **keys)
                for other, chosen in beside.items() if what.relative else ():
                    if pair := self._pair(values, name, chosen):
                        ratio = pair[0] / pair[1]
                        yield Score(name, f"{measure} to {other}", ratio, role, **keys)
                if role != "baseline" and (pair := self._pair(values, name, best)):
                    yield Gain(name, best, measure, what.ahead(*pair), role, **keys)

    def best(self, means: Mapping[str, Sample], measure: Measure) -> str:
        """Return the baseline whose mean is best, an empty name where there is none."""
        sign = 1 if measure.better == "less" else -1
        found = {
            name: sign * mean.value
            for name, mean in means.items()
            if self.roles[name] == "baseline" and np.isfinite(mean.value)
        }
        return min(found, key=lambda name: found[name]) if found else ""

    def interactions(self, norman: pd.DataFrame) -> Iterator[Score]:
        """Yield how well each predictor's doubles call interactions, and the measured ones'.

        `synergy` is the AUROC of synergy against buffering by the predicted magnitude, `misfit`
        that of doubles that the sum fits worse than the median double, by how badly it fits the
        prediction. Doubles are ranked within their fold, as another fold is another fit.

        Args:
            norman: `ts_norm2` and `corr_sum` by double; those it lacks are left out.
        """
        truth = norman.reindex(self.perturbations)
        known = truth["ts_norm2"].notna().to_numpy()
        if not known.any():
            return
        truth = truth[known]
        label = {
            "synergy": ("magnitude", truth["ts_norm2"] > 1),
            "misfit": ("misfit", truth["corr_sum"] < truth["corr_sum"].median()),
        }
        first = next(iter(self.tables.values()))
        roles: dict[str, Role | Literal["ceiling"]] = {**self.roles, CEILING: "ceiling"}
        for name, table in {**self.tables, CEILING: first}.items():
            prefix = "true_" if name == CEILING else ""
            for measure, (column, right) in label.items():
                ranking = Ranking(
                    table["fold"].to_numpy(np.int64)[known],
                    right.to_numpy(np.int64),
                    np.nan_to_num(table[prefix + column].to_numpy(float)[known]),
                )
                found = self.draw.auroc(self.perturbations[known], ranking)
                yield Score(name, measure, found, roles[name], about="interactions")

    def mean(self, values: FloatArray) -> Sample:
        """Return the mean over the perturbations that have a value."""
        return self.draw.mean(self.perturbations, values)

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
        return self.mean(mine), self.mean(theirs)
