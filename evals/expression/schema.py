"""What an evaluation of expression responses found, frozen, so that it can be kept and shown."""

from typing import Literal

from evals.harness.resampling import Estimate
from knowledge.schema import Frozen
from models.expression.choice import Task

Role = Literal["baseline", "ours", "ablation"]
Measure = Literal["l2", "pearson", "direction", "discrimination", "energy"]
MEASURES: dict[Measure, str] = {
    "l2": "L2",
    "pearson": "Pearson",
    "direction": "direction",
    "discrimination": "discrimination",
    "energy": "energy distance",
}
LOWER: frozenset[Measure] = frozenset({"l2", "energy"})
"""Measures of which less is better."""
RATIOS: frozenset[Measure] = frozenset({"l2"})
"""Measures shown as ratios too; the estimate of a small energy distance may be negative."""
ROUNDING = 0.0005
"""A gain that a table shows as zero is none."""
ANSWERS: dict[Task, str] = {"singles": "unseen single genes", "doubles": "unseen doubles"}


class Score(Frozen):
    """One predictor on one context, task and measure: the mean over held-out perturbations.

    Attributes:
        context: Which screen.
        task: What was held out.
        predictor: What tables call it.
        role: Whether it is a baseline, ours, or an ablation of ours.
        measure: What is averaged.
        value: `n` is the number of perturbations.
        to_no_change: Ratio to no change, for L2.
        to_additive: Ratio to the additive model, for L2 of doubles.
        to_linear: Ratio to the best of the linear models, for L2.
        best_baseline: The baseline that is best by this measure.
        ahead: Gain over it on the same resamples, positive where this predictor is better:
            a share of its L2, or a difference.
        unanswered: Perturbations for which the training mean stood in.
    """

    context: str
    task: Task
    predictor: str
    role: Role
    measure: Measure
    value: Estimate
    to_no_change: Estimate | None = None
    to_additive: Estimate | None = None
    to_linear: Estimate | None = None
    best_baseline: str = ""
    ahead: Estimate | None = None
    unanswered: int = 0

    @property
    def verdict(self) -> str:
        """Return whether it beats the best baseline, by the interval of the gain."""
        if self.ahead is None:
            return ""
        if self.ahead.low > ROUNDING:
            return "better"
        return "worse" if self.ahead.high < -ROUNDING else "level"


class Interaction(Frozen):
    """Calls of genetic interactions from predicted doubles, against Norman's statistics.

    Attributes:
        predictor: What tables call it.
        role: Whether it is a baseline, ours, or an ablation of ours.
        synergy: AUROC of synergy against buffering by the predicted magnitude.
        misfit: AUROC of doubles that the sum fits worse than the median double, by how badly it
            fits the prediction.
    """

    predictor: str
    role: Role | Literal["ceiling"]
    synergy: Estimate
    misfit: Estimate


class Metrics(Frozen):
    """Everything that was found."""

    kind: Literal["expression"] = "expression"
    scores: tuple[Score, ...]
    interactions: tuple[Interaction, ...] = ()
