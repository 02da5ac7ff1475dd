"""Which of thousands of phenotypes are worth telling, and in what order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.genepheno.model import PhenotypePrediction
    from models.genepheno.phenotypes import TermVocabulary

SMALLEST_SHARE = 0.01


def share_words(share: float) -> str:
    """Return a share with two digits."""
    return f"{share:.2f}" if share >= SMALLEST_SHARE else f"<{SMALLEST_SHARE}"


def telling(
    prediction: "PhenotypePrediction", vocabulary: "TermVocabulary", most: int
) -> list[int]:
    """Return the rows of the phenotypes that a prediction says most about, the most telling first.

    How much is said is the information gained over the term's frequency. A list by probability
    alone would be led by what most genes cause. Of a term and those above and below it one is
    listed, so that each line says something new.
    """
    chosen: list[int] = []
    taken: set[int] = set()
    for row in map(int, np.argsort(-gain(prediction), kind="stable")):
        if len(chosen) == most or prediction.probabilities[row] <= prediction.priors[row]:
            break
        above = ancestors(vocabulary, row)
        if row in taken or above & set(chosen):
            continue
        chosen.append(row)
        taken |= above
    return chosen


def gain(prediction: "PhenotypePrediction") -> NDArray[np.float64]:
    """Return the information in nats gained over the terms' frequencies, 0 where one is rarer."""
    p = np.clip(prediction.probabilities.astype(np.float64), 1e-6, 1 - 1e-6)
    prior = np.clip(prediction.priors.astype(np.float64), 1e-6, 1 - 1e-6)
    found = p * np.log(p / prior) + (1 - p) * np.log((1 - p) / (1 - prior))
    return np.where(p > prior, found, 0.0)


def ancestors(vocabulary: "TermVocabulary", row: int) -> set[int]:
    """Return the rows of all terms above a term."""
    found: set[int] = set()
    waiting = [row]
    while waiting:
        above = {int(parent) for parent in vocabulary.parents[waiting.pop()]} - found
        found |= above
        waiting += above
    return found


def by_system(vocabulary: "TermVocabulary", terms: Sequence[str]) -> dict[str, list[str]]:
    """Return terms under the system they belong to, the fullest system first."""
    rows = {term: row for row, term in enumerate(vocabulary.terms)}
    found: dict[str, list[str]] = {}
    for term in terms:
        found.setdefault(vocabulary.systems[rows[term]], []).append(term)
    return dict(sorted(found.items(), key=lambda one: (not one[0], -len(one[1]), one[0])))
