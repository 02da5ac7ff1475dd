"""What is known of a question half-way: its pieces, its lines and what was assumed so far."""

from dataclasses import dataclass

from agent.question.items import Unreadable, Vocabulary
from agent.question.pieces import Item

EXAMPLE = "'Knock down HSPA5 in K562: what happens to DDIT3?'"
MOST_PERTURBED = 5

__all__ = ["EXAMPLE", "MOST_PERTURBED", "Draft", "Unreadable"]


@dataclass(frozen=True)
class Draft:
    """A question that has been cut into pieces.

    Attributes:
        text: The user's words.
        plain: The same, cleaned and spelt right.
        bones: Its skeleton.
        found: Its pieces.
        knowledge: What its words are grounded in.
        lines: The cell lines that it is about.
        notes: What had to be assumed so far.
    """

    text: str
    plain: str
    bones: str
    found: list[Item]
    knowledge: Vocabulary
    lines: list[str]
    notes: list[str]

    @property
    def line(self) -> str:
        """The cell line, where only one is meant."""
        return self.lines[0]
