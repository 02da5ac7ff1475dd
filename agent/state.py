"""Graph state: what survives between nodes and is written to every checkpoint."""

import operator
from typing import Annotated

from pydantic import BaseModel
from typing_extensions import TypedDict

from agent.llm.chat import Usage
from agent.strategies.judging import Judgement
from knowledge.schema import (
    Answer,
    CascadeStep,
    Change,
    EdgeEffect,
    Evidence,
    Frozen,
    Proposer,
    Question,
)
from tools.phenotypes import Outlook


class Proposal(Frozen):
    """A step that a reasoner wants to take; nothing is believed before it is verified."""

    source: Change
    relation: EdgeEffect
    target: Change
    mechanism: str = ""
    confidence: float
    proposed_by: Proposer = "graph"
    rationale: str = ""


def extend(old: list[Evidence], new: list[Evidence]) -> list[Evidence]:
    """Append the evidence that is not there yet; the first of two with one id stays."""
    known = {item.id for item in old}
    fresh = {item.id: item for item in reversed(new) if item.id not in known}
    return [*old, *reversed(fresh.values())]


def add_times(old: dict[str, float], new: dict[str, float]) -> dict[str, float]:
    """Add the seconds of the same node together."""
    return {**old, **{node: old.get(node, 0.0) + seconds for node, seconds in new.items()}}


class AgentState(BaseModel):
    """One question on its way to an answer."""

    text: str
    cell_line: str | None = None
    question: Question | None = None
    evidence: Annotated[list[Evidence], extend] = []
    unknown: list[str] = []
    notes: Annotated[list[str], operator.add] = []
    targets: list[str] = []
    outlooks: list[Outlook] = []
    judgements: dict[str, Judgement] = {}
    proposals: list[Proposal] = []
    judged: list[CascadeStep] = []
    committed: list[CascadeStep] = []
    rejected: list[CascadeStep] = []
    round: int = 0
    finished: bool = False
    usage: Annotated[Usage, operator.add] = Usage()
    timings_s: Annotated[dict[str, float], add_times] = {}
    answer: Answer | None = None

    @property
    def asked(self) -> Question:
        """Return the question as it was read, which every node after `ground` works on.

        Raises:
            ValueError: It has not been grounded yet, which would be a bug.
        """
        if self.question is None:
            raise ValueError("the question has not been grounded yet")
        return self.question


class AgentUpdate(TypedDict, total=False):
    """What a node may return. LangGraph drops unknown keys silently; this makes mypy object."""

    question: Question | None
    evidence: list[Evidence]
    unknown: list[str]
    notes: list[str]
    targets: list[str]
    outlooks: list[Outlook]
    judgements: dict[str, Judgement]
    proposals: list[Proposal]
    judged: list[CascadeStep]
    committed: list[CascadeStep]
    rejected: list[CascadeStep]
    round: int
    finished: bool
    usage: Usage
    timings_s: dict[str, float]
    answer: Answer | None
