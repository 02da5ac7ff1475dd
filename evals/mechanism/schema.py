"""What a scoring of mechanisms found, frozen, so that it can be kept and shown."""

from typing import Literal

from evals.harness.resampling import Estimate
from knowledge.schema import CascadeStep, Direction, Evidence, Frozen

Split = Literal["test", "train"]
Loop = Literal["before", "after"]
ALL = "all"


class Agreement(Frozen):
    """How often cascades point the way that was measured, beside controls on the same pairs.

    Attributes:
        cell_line: The line, or `all`.
        split: Official test rows, or training rows, which the search does not see.
        loop: Every path of the search, or only those that the tuned rule believes.
        slice: Which paths: all, or those of some length or evidence.
        changed: Measured pairs that changed.
        covered: Those with a cascade.
        cascade: Share that agree.
        shuffled: The same with signs dealt anew among relations of a type, on the same paths.
        rewired: The same search where relations of a type exchanged targets; a pair without a
            path there counts half. Of drawn perturbations; so is the gain over it.
        majority: The readout's commoner direction among other perturbations in the line.
        over_shuffled: Gain over `shuffled` on the same resamples; so are the next two.
        over_rewired: Gain over `rewired`.
        over_majority: Gain over `majority`.
    """

    cell_line: str
    split: Split
    loop: Loop
    slice: str = ALL
    changed: int
    covered: int
    cascade: Estimate
    shuffled: Estimate
    rewired: Estimate | None = None
    majority: Estimate
    over_shuffled: Estimate
    over_rewired: Estimate | None = None
    over_majority: Estimate

    @property
    def verdict(self) -> str:
        """Return whether the mechanisms beat shuffled signs, by the interval of the gain."""
        if self.over_shuffled.low > 0:
            return "informs"
        return "misleads" if self.over_shuffled.high < 0 else "decoration"


class Reliability(Frozen):
    """Agreement among training pairs whose cascade has a confidence between two bounds."""

    low: float
    high: float
    pairs: int
    agreement: Estimate
    shuffled: Estimate


class Rule(Frozen):
    """Which paths are believed: the least confidence of each kind; None where none is.

    Attributes:
        curated: Of paths whose every step stands in the starter pack.
        database: Of paths with a step that databases alone assert.
        fallen: Of paths, whoever asserts them, on which a transcript that only fell breaks the
            complex or process that its gene is a member of.
    """

    curated: float | None
    database: float | None
    fallen: float | None

    def __str__(self) -> str:
        told = ("never" if one is None else f"{one:g}"
                for one in (self.curated, self.database, self.fallen))  # fmt: skip
        return "{} within the starter pack, {} beyond it, {} through a fallen member".format(*told)


class Tuning(Frozen):
    """How the rule was chosen on training perturbations.

    Attributes:
        before: The rule as shipped: everything that the search finds.
        chosen: On all training perturbations.
        per_fold: In each fold of the cross-validation.
        goal: The agreement asked for.
    """

    before: Rule
    chosen: Rule
    per_fold: tuple[Rule, ...]
    goal: float


class Doubtful(Frozen):
    """A relation on whose paths the measured directions are mostly the other way.

    Attributes:
        source: Where it starts.
        sign: +1 or -1.
        target: Where it ends.
        databases: Who asserts it.
        pairs: Training pairs whose believed path uses it.
        perturbations: From so many perturbations.
        agreement: Share of the pairs that agree.
    """

    source: str
    sign: int
    target: str
    databases: tuple[str, ...]
    pairs: int
    perturbations: int
    agreement: float


class StepCount(Frozen):
    """How many steps of one status and proposer there are, and what their evidence is worth.

    Attributes:
        proposer: `graph`, `llm`, or a control of ours that proposes nonsense.
        status: What the agent's verification said.
        steps: How many.
        resolves: Whose every evidence id stands in the answer.
        about: Of which a piece of evidence is about exactly the two nodes.
        sign: Of which such a piece supports the sign.
    """

    proposer: str
    status: str
    steps: int
    resolves: int
    about: int
    sign: int


class Grounding(Frozen):
    """Whether committed steps point at evidence that bears them out.

    Attributes:
        questions: Answers read.
        hypotheses: In them.
        counts: By proposer and status.
        grounded: Share of committed steps with all three, over answers.
        unverified: Steps of a hypothesis that are not verified; must be none.
        misled: Hypotheses supported by evidence of contradicted steps alone; must be none.
        flipped: Share of committed steps that verification refuses with the sign turned.
        invented: Share of made-up steps between unlinked nodes that it refuses.
    """

    questions: int
    hypotheses: int
    counts: tuple[StepCount, ...]
    grounded: Estimate | None
    unverified: int
    misled: int
    flipped: Estimate | None
    invented: Estimate | None


class Information(Frozen):
    """What path features add to the response model's held-out logits.

    Attributes:
        cell_line: The line, or `all`.
        task: `de` or `dir`.
        rows: `reached`: readouts that some cascade reaches; `path`: rows with a path.
        response: Macro AUROC per readout of the response model.
        joint: The same with path features.
        gain: Their difference on the same resamples.
        log_loss: Change in log loss, negative where paths help.
    """

    cell_line: str
    task: Literal["de", "dir"]
    rows: Literal["reached", "path"]
    response: Estimate
    joint: Estimate
    gain: Estimate
    log_loss: Estimate


class Recovery(Frozen):
    """How well hidden relations are proposed from what is left, over sources.

    Attributes:
        proposer: Who ranks the targets.
        relations: Hidden ones.
        candidates: Targets ranked per source, on average.
        precision: Share of hidden relations among the first ten; None where it ranks none.
        average_precision: Mean over sources.
        sign: Share of right signs among hidden relations; None where it gives none.
        ahead: Gain of the average precision of ours over this one.
    """

    proposer: str
    relations: int
    candidates: float
    precision: Estimate | None = None
    average_precision: Estimate | None = None
    sign: Estimate | None = None
    ahead: Estimate | None = None


class Order(Frozen):
    """Whether regulators come before their targets in the cascade.

    Attributes:
        cell_line: The line, or `all`.
        pairs: `known`: regulon edges that the search may walk; `hidden`: edges that were taken out
            of the graph before it.
        count: Pairs of regulator and responding target.
        by_construction: Share whose regulator is on the target's own path.
        accuracy: Share in order; the same place counts half.
        shuffled: The same for regulon edges that exchanged targets.
        ahead: The difference.
    """

    cell_line: str
    pairs: Literal["known", "hidden"]
    count: int
    by_construction: float
    accuracy: Estimate
    shuffled: Estimate
    ahead: Estimate


class Faithfulness(Frozen):
    """What taking a step away does to the answer, central steps against random ones.

    Attributes:
        questions: Hypotheses asked again.
        measure: What is looked at.
        central: Mean for the hypothesis's central step.
        random: Mean for another step of about the same degree.
        ahead: Their difference on the same questions.
    """

    questions: int
    measure: str
    central: Estimate
    random: Estimate
    ahead: Estimate


class Shown(Frozen):
    """One cascade of the gallery.

    Attributes:
        why: By which rule it was chosen.
        pert: The perturbed gene.
        cell_line: Where.
        split: Whether the row is an official test row.
        readout: What was read.
        measured: Which way it went.
        direction: Which way the cascade points.
        confidence: Of the search.
        believed: Whether the tuned rule believes the path.
        p_de: Predicted, not knowing the measurement.
        p_up: The same.
        steps: Of the hypothesis.
        evidence: What they cite.
    """

    why: str
    pert: str
    cell_line: str
    split: Split
    readout: str
    measured: Direction
    direction: Direction
    confidence: float
    believed: bool
    p_de: float
    p_up: float
    steps: tuple[CascadeStep, ...]
    evidence: tuple[Evidence, ...]


class Metrics(Frozen):
    """Everything that was found.

    `scope` is that of the knowledge, `reasoner` who answered the questions of `grounding`.
    """

    kind: Literal["mechanism"] = "mechanism"
    scope: str
    reasoner: str
    grounding: Grounding
    agreement: tuple[Agreement, ...]
    reliability: tuple[Reliability, ...]
    tuning: Tuning
    doubtful: tuple[Doubtful, ...]
    information: tuple[Information, ...]
    recovery: tuple[Recovery, ...]
    order: tuple[Order, ...]
    faithfulness: tuple[Faithfulness, ...]
    gallery: tuple[Shown, ...]
