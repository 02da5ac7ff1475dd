"""What an evaluation found, frozen, so that it can be stored, rendered and compared."""

from typing import Literal

from evals.harness.resampling import Estimate
from evals.perturbqa.rows import TaskName
from knowledge.schema import Frozen
from models.response.screens import Setting

Split = Literal["test", "cv", "joined"]
"""Official test rows, held-out training rows, or for each line the first of them with labels."""
MODEL = "response model"
MEAN = "mean"
FEWEST_READOUTS = 30
CONTROLS: dict[str, str] = {
    "gene prior": "how often the readout changes (or rises) in the line; .5 by construction",
    "perturbation prior": "how much the perturbation changes in the other lines",
    "cross-line transfer": "what the same perturbation did to the same readout in other lines",
    "knowledge-kNN vote": "outcomes of the readout under perturbations of related genes, weighted "
    "by how related they are",
    "retrieval only": "share of changes among the ten nearest rows of the readout, unweighted",
    "label-shuffled retrieval": "the same rows with outcomes permuted within the readout; what it "
    "keeps above .5 is how many rows there were to retrieve",
}
"""Predictors of their own, scored on the model's rows; each is a column of a unit's tables."""


class Score(Frozen):
    """One predictor on one line and task.

    Attributes:
        predictor: The response model or one of the controls.
        task: `de` or `dir`.
        cell_line: A line, or `mean` over those scored.
        split: Which rows.
        auroc: Macro per-gene AUROC; `n` is the number of perturbations.
        ahead: The model's AUROC minus this predictor's, on the same resamples.
        rows: Labelled rows.
        readouts: Readouts with both outcomes, whose AUROCs are averaged (per fold in `cv`).
        abstained: Rows on which the model had no support; it ranks them by the readout's prior.
        calibration_error: Expected calibration error, ten equally filled bins.
        brier: Mean squared error of the probability.
        prior_brier: The same of the gene prior.
    """

    predictor: str
    task: TaskName
    cell_line: str
    split: Split = "cv"
    auroc: Estimate
    ahead: Estimate | None = None
    rows: int = 0
    readouts: int = 0
    abstained: int = 0
    calibration_error: float | None = None
    brier: float | None = None
    prior_brier: float | None = None


class Slice(Frozen):
    """The model's AUROC on a part of the held-out rows of all lines."""

    task: TaskName
    name: str
    rows: int
    readouts: int
    auroc: Estimate

    @property
    def telling(self) -> bool:
        """Return whether enough readouts are averaged for the figure to be shown."""
        return self.readouts >= FEWEST_READOUTS


class Bin(Frozen):
    """One point of a reliability diagram."""

    task: TaskName
    cell_line: str
    split: Split
    stated: float
    observed: float
    rows: int


class Ablation(Frozen):
    """What a family of features is worth: all features minus all but the family."""

    task: TaskName
    family: str
    without: Estimate
    lost: Estimate


class Faithfulness(Frozen):
    """Whether the cited rows carry the prediction: cited against as many random rows removed."""

    task: TaskName
    ratio: float
    cited: float
    random: float
    pairs: int


class Metrics(Frozen):
    """Everything an evaluation of one setting found."""

    setting: Setting
    scores: tuple[Score, ...]
    by_training_rows: tuple[Slice, ...]
    by_class: tuple[Slice, ...]
    class_source: str
    reliability: tuple[Bin, ...]
    ablation: tuple[Ablation, ...] = ()
    ablation_note: str = ""
    faithfulness: tuple[Faithfulness, ...] = ()
    withheld: dict[str, int]
    test_rows: dict[str, int]

    def of(self, split: Split) -> tuple[Score, ...]:
        """Return the scores on one split."""
        return tuple(score for score in self.scores if score.split == split)
