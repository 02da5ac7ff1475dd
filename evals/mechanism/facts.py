"""What a scoring of mechanisms tells besides its scores, frozen, so that it can be kept."""

from typing import Literal

from evals.harness.resampling import Estimate
from knowledge.schema import CascadeStep, Direction, Evidence, Frozen

Split = Literal["test", "train"]
Loop = Literal["before", "after"]
ALL = "all"


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


class Facts(Frozen):
    """What the page tells; `scope` is that of the knowledge, `reasoner` who was asked."""

    scope: str
    reasoner: str
    grounding: Grounding
    tuning: Tuning
    doubtful: tuple[Doubtful, ...]
    gallery: tuple[Shown, ...]
