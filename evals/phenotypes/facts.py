"""What an evaluation of predicted phenotypes tells besides its scores, and what it measures."""

from typing import Literal

from evals.harness.scores import Measure
from evals.phenotypes.splits import SplitName
from knowledge.schema import Frozen
from models.genepheno.phenotypes import Collection

Role = Literal["baseline", "reference", "ours", "ablation"]
MEASURES = {
    "f_max": Measure(name="F_max"),
    "s_min": Measure(name="S_min", unit="bits", better="less"),
    "auroc": Measure(name="macro AUROC"),
    "auprc": Measure(name="macro AUPRC"),
}


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

    @property
    def title(self) -> str:
        """Return it as a heading."""
        return f"{self.collection}, {self.split} split"

    @property
    def keys(self) -> dict[str, str]:
        """Return what tells its scores from others."""
        return {"collection": self.collection, "split": self.split}


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


class Facts(Frozen):
    """What the page tells."""

    divisions: tuple[Division, ...]
    curves: tuple[Curve, ...]
    bottlenecks: tuple[Bottleneck, ...] = ()
