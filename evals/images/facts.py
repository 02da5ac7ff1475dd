"""What the benchmark of pictures tells besides its scores."""

from evals.harness.scores import Measure
from knowledge.schema import Frozen

AUROC = Measure(name="AUROC")
ERROR = Measure(name="unexplained variance", better="less")
DISTANCE = Measure(name="Fréchet distance", better="less")
MEASURES = {"auroc": AUROC, "error": ERROR, "frechet": DISTANCE}
LEARNT, CLASSICAL, LINEAR, PERMUTED = "learnt", "classical", "PCA of pictures", "permuted labels"
OURS = "morphology"
NEAREST, TEN, TERMS, SHUFFLED, TRAITS = (
    "nearest neighbour", "ten nearest", "term frequency", "shuffled genes", "traits alone",
)  # fmt: skip
REQUIRED = (TERMS, NEAREST, TEN, SHUFFLED)
"""Baselines, of which the best has to be beaten."""


class WellScore(Frozen):
    """The mean score of the cells of a well of the plate that was not learnt from."""

    against: str
    plate: str
    well: str
    perturbation: str
    predictor: str
    cells: int
    score: float


class Truth(Frozen):
    """A set of genes whose look is known.

    Attributes:
        name: What it is.
        channel: Where it is known to show.
        genes: How many were measured.
        percentile: Median share of measured knockouts with fewer changed features there.
        altered: Share of its hits that alter the channel.
        predicted: Mean held-out chance of its hits.
        usual: Share of all hits that alter it.
        hits: How many of the genes are hits.
    """

    name: str
    channel: str
    genes: int
    percentile: float
    hits: int
    altered: float
    predicted: float
    usual: float


class Facts(Frozen):
    """What the page tells.

    Attributes:
        cells: Plate -> cells.
        wells: Mean scores of wells.
        hits: Knockouts that were scored.
        measured: Knockouts of the table.
        thresholds: Channel -> features that make it altered.
        unread: Names of the table that stand for no gene of today.
        groups: Groups of genes that share complexes.
        purged: Genes left out of training at once because they share a complex with a tested one.
        truths: Sets whose look is known.
        errors: Brier score and expected calibration error of the shipped calibration, held out.
    """

    cells: dict[str, int]
    wells: tuple[WellScore, ...]
    hits: int
    measured: int
    thresholds: dict[str, int]
    unread: int
    groups: int
    purged: float
    truths: tuple[Truth, ...]
    errors: dict[str, tuple[float, float]]
