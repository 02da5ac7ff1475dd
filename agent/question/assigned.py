"""Genes by role: what is perturbed by which word, and what is asked about."""

from dataclasses import dataclass

from agent.question.pieces import Item
from agent.question.words import Cue


@dataclass(frozen=True)
class Perturbed:
    """A perturbation word with the genes that it perturbs, and where they all stand."""

    at: int
    cue: Cue
    span: tuple[int, ...]
    genes: tuple[Item, ...]


@dataclass(frozen=True)
class Assigned:
    """Genes by role, with the words that made the perturbed ones perturbed.

    Attributes:
        perturbed: What is perturbed, as written.
        readouts: What is asked about, as written.
        cues: The perturbation words, each with its genes.
        notes: What had to be assumed.
    """

    perturbed: tuple[Item, ...]
    readouts: tuple[Item, ...]
    cues: tuple["Perturbed", ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> frozenset[int]:
        """The places of the perturbation words."""
        return frozenset(one.at for one in self.cues)
