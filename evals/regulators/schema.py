"""What an evaluation of answers about regulators found, frozen, to be kept and shown."""

from typing import Literal

from evals.harness.resampling import Estimate
from evals.regulators.truth import Kind
from knowledge.schema import Frozen

Measure = Literal["within", "gene", "sign"]
MEASURES: dict[Measure, str] = {
    "within": "AUROC within regulator",
    "gene": "AUROC within gene",
    "sign": "right sign",
}
Task = Literal["de", "dir"]
ALL = "all"


class Score(Frozen):
    """The direction of moved genes, by one predictor on one part of the pairs.

    Attributes:
        predictor: What tables call it.
        kind: Studies of loss and gain together, asked as a knockout; or of one, asked as it is.
        votes: The least net number of studies.
        by: How the pairs were parted, `all` where they were not.
        part: Which part.
        measure: What is averaged.
        value: `n` is the number of regulators.
        ahead: Minus the gene prior, on the same resamples.
        rows: Pairs.
        known: Share of them on which the predictor says anything.
    """

    predictor: str
    kind: Kind
    votes: int
    by: str = ALL
    part: str = ALL
    measure: Measure
    value: Estimate
    ahead: Estimate | None = None
    rows: int
    known: float


class Tested(Frozen):
    """Changed against unchanged, or up against down, within the perturbations of one data set."""

    context: str
    task: Task
    predictor: str
    value: Estimate
    ahead: Estimate | None = None
    rows: int


class Textbook(Frozen):
    """Calls on textbook pairs: right, wrong, or open (no change, or no number)."""

    predictor: str
    right: int
    wrong: int
    open: int
    called: Estimate
    right_of_called: Estimate


class Listed(Frozen):
    """Specific responders among the first of a list of a line's readouts.

    Attributes:
        cell_line: Where.
        rule: What readouts are ranked by.
        precision: Share of specific responders among the first; `n` is perturbations.
        changed: Share of readouts that changed at all.
        most: What a list that knew the answers would reach.
    """

    cell_line: str
    rule: str
    precision: Estimate
    changed: float
    most: float


class Metrics(Frozen):
    """Everything that was found.

    Attributes:
        regulators: How many were scored.
        agreeing: Of them, whose studies agree.
        held_out: Whether predictions with the regulator held out were scored too.
    """

    kind: Literal["regulators"] = "regulators"
    regulators: int
    agreeing: int
    held_out: bool
    scores: tuple[Score, ...]
    tested: tuple[Tested, ...] = ()
    textbook: tuple[Textbook, ...] = ()
    listed: tuple[Listed, ...] = ()
