"""What the graph asks of a reasoner."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.metering import Settled
from agent.question.items import Vocabulary
from agent.state import Proposal
from agent.strategies.case import Case
from agent.strategies.judging import Judgement
from knowledge.cascade import Candidate, Reach
from knowledge.schema import Change, Effect, Evidence, Hypothesis, Question


@dataclass(frozen=True)
class Frontier:
    """The world so far, and the steps that the graph offers from it.

    Attributes:
        question: What was asked.
        targets: The readouts that the cascade should explain and has not explained yet.
        changes: Every committed change and the confidence that it happened.
        candidates: The steps not yet judged, in order of confidence.
        outlook: The best paths that are still open, given what has been refuted.
        ideal: The best paths in a cell without lesions; where it has one and `outlook` has none,
            the cell line is what stands in the way.
        width: How many steps may be proposed.
    """

    question: Question
    targets: tuple[str, ...]
    changes: Mapping[Change, float]
    candidates: tuple[Candidate, ...]
    outlook: Reach
    ideal: Reach
    width: int


@dataclass(frozen=True)
class Fused:
    """An effect's probabilities after a reasoner's own judgement, and that judgement as evidence.

    Where the judgement weighs nothing, the probabilities are those of the effect.
    """

    p_de: float
    p_up: float
    evidence: Evidence


class Reasoner(Protocol):
    """Chooses steps and tells the result; it never decides what is true."""

    @property
    def name(self) -> str:
        """The name that the answer reports."""
        ...

    @property
    def prompts_hash(self) -> str:
        """A hash of everything that it may ask a language model; empty if it asks none."""
        ...

    def settle(self) -> Settled:
        """Return what it has asked a language model since the last time, and what came of it."""
        ...

    async def read(self, text: str, knowledge: Vocabulary, cell_line: str | None) -> Question:
        """Return the question in the field's terms.

        Raises:
            QuestionError: It cannot be understood.
        """
        ...

    async def judge(
        self, readouts: Sequence[str], case_of: Callable[[str], Case]
    ) -> dict[str, Judgement]:
        """Return its own judgement of readouts; none where it has no other than the models'."""
        ...

    def fuse(self, question: Question, effect: Effect, judgement: Judgement) -> Fused | None:
        """Return the effect's probabilities with the judgement in them, as far as it has weight.

        `None` where the judgement is another reasoner's, who began the run.
        """
        ...

    async def choose(self, frontier: Frontier) -> Sequence[Proposal]:
        """Choose at most `frontier.width` steps among the candidates, or add own, marked ones."""
        ...

    async def tell(
        self,
        question: Question,
        effects: Sequence[Effect],
        hypotheses: Sequence[Hypothesis],
        unknown: Sequence[str],
    ) -> str:
        """Return the answer in a few plain sentences."""
        ...
