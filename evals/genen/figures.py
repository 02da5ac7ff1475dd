"""The figures of a run as its tables and plots ask for them."""

from collections.abc import Mapping
from functools import cached_property

from evals.genen.facts import Condition, Facts, TaskFacts
from evals.genen.predictors import OURS
from evals.harness.scores import Gain, Results, Score
from models.genen.labels import TaskName

NAMES: Mapping[TaskName, str] = {
    "dosage-sensitivity": "dosage sensitivity",
    "bivalent-lys4": "bivalent / Lys4 only",
    "bivalent-non-methylated": "bivalent / non-methylated",
    "tf-range": "TF range",
    "tf-target-type": "TF target type",
    "solubility": "solubility",
    "localisation": "localisation",
    "conservation": "conservation (Pearson)",
}


class Figures:
    """Scores by task, condition and predictor.

    Args:
        results: Of a finished run.
    """

    def __init__(self, results: Results) -> None:
        self.scores, self.facts = results.scores, results.about(Facts)
        self.found: Mapping[tuple[str, ...], Score] = self.scores.plain.by(
            "task", "condition", "predictor", "measure"
        )

    @cached_property
    def _conditions(self) -> Mapping[str, Condition]:
        return {one.name: one for one in self.facts.conditions}

    def condition(self, name: str) -> Condition:
        """Return the condition of a name."""
        return self._conditions[name]

    @property
    def edges(self) -> list[Condition]:
        """Return the conditions that differ in edges alone, in the order of the page."""
        return [one for one in self.facts.conditions if not one.hidden and not one.together]

    def value(self, task: TaskFacts, condition: Condition, predictor: str) -> Score | None:
        """Return one value, if it was taken."""
        return self.found.get((task.task, condition.name, predictor, "value"))

    def both(self, gain: Gain) -> tuple[Score, Score]:
        """Return the values of which a gain is the difference."""
        mine = (gain["task"], gain["condition"], gain.predictor, "value")
        return self.found[mine], self.found[
            gain["task"], gain["than_condition"], gain.than, "value"
        ]

    def over_baseline(self, condition: Condition) -> tuple[Gain, ...]:
        """Return the gains of ours over the best plain baseline of each task."""
        baselines = self.scores.where(role="baseline").values("predictor")
        return self.scores.where(condition=condition.name, predictor=OURS, than=baselines).gains

    def masked(self, task: TaskName) -> dict[tuple[Condition, str], None]:
        """Return which predictors, with which graph, were tried with texts of a task hidden."""
        tried = self.scores.plain.where(task=task, measure="value")
        return {
            (condition.model_copy(update={"hidden": 0.0}), one.predictor): None
            for one in tried
            if (condition := self.condition(one["condition"])).hidden
        }
