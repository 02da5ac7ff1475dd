"""The forms that a language model fills in, with the greatest lengths of everything in them.

A model without sense never ends a string, a list or a number that has none.
"""

from typing import Annotated, Literal

from pydantic import Field

from knowledge.schema import Frozen, PerturbationKind

SHOWN_CANDIDATES = 40
SHOWN_CHANGES = 60
SHOWN_SENTENCES = 30
OWN_STEPS = 3
TOLD = 6


class Reading(Frozen):
    """The words of a question by what they are for; nothing is perturbed in many a question."""

    perturbed: tuple[str, ...] = Field(max_length=5)
    kind: PerturbationKind
    cell_line: str | None = Field(max_length=40)
    readouts: tuple[str, ...] = Field(max_length=20)


class Pick(Frozen):
    """One of the steps on offer."""

    number: int = Field(ge=1, le=SHOWN_CANDIDATES)
    because: str = Field(max_length=200)


class OwnStep(Frozen):
    """A step that was not on offer."""

    cause: int = Field(ge=1, le=SHOWN_CHANGES)
    target: str = Field(max_length=60)
    effect: Literal["activates", "inhibits"]
    acts_on: Literal["mRNA", "activity"]
    because: str = Field(max_length=200)


class NextSteps(Frozen):
    """How the cascade goes on."""

    steps: tuple[Pick, ...] = Field(max_length=10)
    own: tuple[OwnStep, ...] = Field(max_length=OWN_STEPS)


class Telling(Frozen):
    """Which sentences are told, in order."""

    sentences: tuple[Annotated[int, Field(ge=1, le=SHOWN_SENTENCES)], ...] = Field(max_length=TOLD)


SCHEMAS = (Reading, NextSteps, Telling)
