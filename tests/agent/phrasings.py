"""Reads the sets of phrasings: each question with the readings that would be right."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from agent.question.reading import parse_question
from agent.question.telling import short
from knowledge.base import Knowledge
from knowledge.errors import QuestionError

Verdict = Literal["right", "refused", "misread"]


@dataclass(frozen=True)
class Phrasing:
    """A question and the readings that are right, as patterns of `short`."""

    text: str
    meanings: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """What became of a phrasing: `refused` is a refusal of what can be answered."""

    phrasing: Phrasing
    verdict: Verdict
    outcome: str

    def __str__(self) -> str:
        return f"{self.phrasing.text} -> {self.outcome}, not {' || '.join(self.phrasing.meanings)}"


def phrasings(name: str) -> list[Phrasing]:
    """Return the phrasings of a file beside this one."""
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    pairs = [line.split(" ==> ") for line in lines if line and line[0] != "#"]
    return [Phrasing(text, tuple(meaning.split(" || "))) for text, meaning in pairs]


def scored(phrasing: Phrasing, knowledge: Knowledge) -> Scored:
    """Return how a phrasing was read, and whether that is right."""
    try:
        read = short(parse_question(phrasing.text, knowledge))
    except QuestionError as error:
        verdict: Verdict = "right" if "refused" in phrasing.meanings else "refused"
        return Scored(phrasing, verdict, f"refused: {error}")
    right = any(fnmatchcase(read, meaning) for meaning in phrasing.meanings)
    # A question about planning is recognised as one, and refused when it is asked.
    right = right or (read == "planning" and "refused" in phrasing.meanings)
    return Scored(phrasing, "right" if right else "misread", read)
