"""What an evaluation of predicted phenotypes found, frozen, so that it can be kept and shown."""

from typing import Literal

from evals.harness.resampling import Estimate
from knowledge.schema import Frozen
from models.genepheno.phenotypes import Collection
from models.genepheno.splits import SplitName

Role = Literal["baseline", "reference", "ours", "ablation"]
Measure = Literal["f_max", "s_min", "auroc", "auprc"]
MEASURES: dict[Measure, str] = {
    "f_max": "F_max",
    "s_min": "S_min (bits)",
    "auroc": "macro AUROC",
    "auprc": "macro AUPRC",
}
LOWER: frozenset[Measure] = frozenset({"s_min"})
"""Measures of which less is better."""
ROUNDING = 0.0005
"""A gain that a table shows as zero is none."""
Verdict = Literal["better", "level", "worse"]


class Division(Frozen):
    """One collection of labels under one split.

    Attributes:
        collection: Whose terms.
        split: How genes were held out.
        folds: How many folds were scored.
        genes: Tested genes.
        learnt: Genes learnt from and chosen on, the mean over folds.
        terms: Terms of the vocabulary.
        ranked: Terms that could be ranked, the mean over folds.
    """

    collection: Collection
    split: SplitName
    folds: int
    genes: int
    learnt: int
    terms: int
    ranked: int


class Score(Frozen):
    """One predictor under one division by one measure, the mean over the folds.

    Attributes:
        collection: Whose terms.
        split: How genes were held out.
        predictor: What tables call it.
        role: What it is in the comparison.
        measure: By what.
        value: With the interval of resampled genes.
    """

    collection: Collection
    split: SplitName
    predictor: str
    role: Role
    measure: Measure
    value: Estimate


class Gain(Frozen):
    """How far one predictor is ahead of another on the same resampled genes.

    Attributes:
        collection: Whose terms.
        split: How genes were held out.
        measure: By what.
        predictor: Who.
        over: Over whom.
        gain: Positive where `predictor` is better, whichever way the measure runs.
    """

    collection: Collection
    split: SplitName
    measure: Measure
    predictor: str
    over: str
    gain: Estimate

    @property
    def verdict(self) -> Verdict:
        """Return whether the interval of the gain leaves out zero, and on which side."""
        if self.gain.low > ROUNDING:
            return "better"
        return "worse" if self.gain.high < -ROUNDING else "level"


class SystemScore(Frozen):
    """Macro AUROC over the terms of one top-level system.

    Attributes:
        collection: Whose terms.
        split: How genes were held out.
        predictor: What tables call it.
        system: Its name.
        terms: How many were ranked, the mean over folds.
        auroc: With the interval of resampled genes.
    """

    collection: Collection
    split: SplitName
    predictor: str
    system: str
    terms: int
    auroc: Estimate


class Curve(Frozen):
    """Precision and recall at the 101 thresholds, the mean over folds.

    There is no precision where nothing is predicted.
    """

    collection: Collection
    split: SplitName
    predictor: str
    role: Role
    precision: tuple[float | None, ...]
    recall: tuple[float, ...]


class Bottleneck(Frozen):
    """Which functions carry the phenotypes of which systems.

    Attributes:
        collection: Whose terms.
        functions: Names of the functions that carry most.
        systems: Names of the top-level systems.
        weights: Mean weight of a function over the terms of a system `[functions][systems]`.
    """

    collection: Collection
    functions: tuple[str, ...]
    systems: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]


class Metrics(Frozen):
    """Everything that was found."""

    kind: Literal["genepheno"] = "genepheno"
    divisions: tuple[Division, ...]
    scores: tuple[Score, ...]
    gains: tuple[Gain, ...]
    systems: tuple[SystemScore, ...]
    curves: tuple[Curve, ...]
    bottlenecks: tuple[Bottleneck, ...] = ()
