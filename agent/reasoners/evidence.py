"""The reasoner without an LLM: it follows the best-supported paths, deterministically."""

from collections.abc import Callable, Sequence

from agent.metering import Settled
from agent.question.items import Vocabulary
from agent.question.reading import parse_question
from agent.reasoners.base import Frontier, Fused
from agent.state import Proposal
from agent.strategies.case import Case
from agent.strategies.judging import Judgement
from agent.wording import headline
from knowledge.cascade import Candidate, Reach
from knowledge.schema import Direction, Effect, Hypothesis, Question

# The weaker of the two directions of a readout is followed too if it has this share of the
# stronger one's confidence: a real argument against the prediction should be on the page.
RIVAL_SHARE = 0.5
# A parallel branch is told if it has this share of the best one's confidence.
BRANCH_SHARE = 0.25

DIRECTIONS: tuple[Direction, Direction] = ("up", "down")


class EvidenceReasoner:
    """Scores candidates by the evidence behind their path to the readouts.

    Args:
        notes: What the reader of the answer must know about who reasons.
    """

    name = "evidence"
    prompts_hash = ""
    _notes: tuple[str, ...] = ()

    def __init__(self, *notes: str) -> None:
        self._notes = notes

    def settle(self) -> Settled:
        """Return the notes, once; no language model is asked."""
        settled = Settled(notes=self._notes)
        self._notes = ()
        return settled

    async def read(self, text: str, knowledge: Vocabulary, cell_line: str | None) -> Question:
        """Return the question, read by rules.

        Raises:
            QuestionError: It cannot be understood.
        """
        return parse_question(text, knowledge, cell_line=cell_line)

    async def judge(
        self, readouts: Sequence[str], case_of: Callable[[str], Case]
    ) -> dict[str, Judgement]:
        """Return nothing: the models have judged already."""
        return {}

    def fuse(self, question: Question, effect: Effect, judgement: Judgement) -> Fused | None:
        """Return nothing: a judgement is that of a language model, which began the run."""
        return None

    async def choose(self, frontier: Frontier) -> Sequence[Proposal]:
        """Choose the candidates on the best paths to the open readouts."""
        wanted: dict[tuple[str, str, bool], float] = {}
        for target in frontier.targets:
            paths = _paths(frontier.outlook, target) or _paths(frontier.ideal, target)
            for path in paths:
                for step in path:
                    worth = max(path[-1].confidence, wanted.get(step.key, 0.0))
                    wanted[step.key] = worth
        chosen = [candidate for candidate in frontier.candidates if candidate.key in wanted]
        chosen.sort(key=lambda candidate: -wanted[candidate.key])
        return [proposal(candidate) for candidate in chosen[: frontier.width]]

    async def tell(
        self,
        question: Question,
        effects: Sequence[Effect],
        hypotheses: Sequence[Hypothesis],
        unknown: Sequence[str],
    ) -> str:
        """Return the answer in a few plain sentences."""
        return headline(question, effects, hypotheses, unknown)


def _paths(reach: Reach, target: str) -> list[tuple[Candidate, ...]]:
    confidences = {direction: reach.confidence(target, direction) for direction in DIRECTIONS}
    best = max(confidences.values())
    return [
        path
        for direction, confidence in confidences.items()
        if confidence > 0 and confidence >= RIVAL_SHARE * best
        for path in reach.branches(target, direction)
        if path[-1].confidence >= BRANCH_SHARE * best
    ]


def proposal(candidate: Candidate, because: str = "") -> Proposal:
    """Return a step of the graph as a proposal, with the reason for it where there is one."""
    return Proposal(
        source=candidate.source,
        relation=candidate.relation.effect,
        target=candidate.target,
        mechanism=candidate.relation.mechanism,
        confidence=candidate.relation.trust,
        rationale=because,
    )
