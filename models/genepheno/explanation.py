"""Which functions carried a predicted phenotype, and what happens when one is switched off."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.genepheno.ontology import IntArray

FloatArray: TypeAlias = NDArray[np.float32]


class Function(NamedTuple):
    """A function that carried a phenotype.

    Attributes:
        go: Its GO id.
        name: What it is called.
        activation: Probability that the protein has it.
        weight: What it adds to the phenotype's probability if the protein has it for certain.
        share: Share of the proteins learnt from that have it; what counts is the activation
            beyond it.
    """

    go: str
    name: str
    activation: float
    weight: float
    share: float

    @property
    def carried(self) -> float:
        """How far it raised the phenotype's probability above the average protein's."""
        return self.weight * (self.activation - self.share)


def carrier(scores: FloatArray, term: int, under: IntArray) -> int:
    """Return the term that a term's probability comes from: itself, or a higher one under it.

    Args:
        scores: Of the terms `under` it, each on its own.
        term: Whose probability.
        under: Rows of the terms under it, itself included.
    """
    best = int(np.argmax(scores))
    return int(under[best]) if scores[best] > scores[under == term].max() else term


def carrying(
    contributions: FloatArray, above: Sequence[frozenset[int]], most: int
) -> tuple[int, ...]:
    """Return the functions that raised a phenotype most, none above or under another.

    Args:
        contributions: What each function added `(functions,)`.
        above: Rows of the functions above each function.
        most: How many to return.
    """
    chosen: list[int] = []
    for row in map(int, np.argsort(-contributions, kind="stable")):
        if len(chosen) == most or contributions[row] <= 0:
            break
        if not any(row in above[other] or other in above[row] for other in chosen):
            chosen.append(row)
    return tuple(chosen)


def switched_off(
    activations: FloatArray, share: FloatArray, functions: Sequence[int]
) -> FloatArray:
    """Return activations with some functions as in the average protein, which tells nothing.

    Args:
        activations: `(proteins, functions)`.
        share: Share of the proteins learnt from that have each function `(functions,)`.
        functions: Rows of those to switch off.
    """
    changed = activations.copy()
    changed[:, list(functions)] = share[list(functions)]
    return changed
