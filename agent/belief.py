"""Which paths are told without reservation: those of a kind that the screens bear out.

`knockwise eval mechanism` follows the signs of every path against measured directions. Paths whose
every step the starter pack asserts point the right way some nine times in ten. Of the others, which
lean on single assertions of databases, about half do, as many as with shuffled signs, unless the
search is far more confident in them than in most.
"""

from collections.abc import Sequence
from itertools import pairwise

from knowledge.cascade import carried
from knowledge.schema import CascadeStep
from knowledge.trust import STARTER_TRUST

# The least confidence of a path with a step that the starter pack does not assert; tuned on
# training perturbations, where such paths are right three times in four.
LEAST_BEYOND_STARTER = 0.2


def believable(steps: Sequence[CascadeStep]) -> bool:
    """Return whether paths like this one point the right way much more often than not.

    A knockdown takes a subunit away, which breaks its complex. A transcript that falls because its
    factor was lost does not: paths that take it for a loss are wrong two times in three.
    """
    for one, two in pairwise(steps):
        if one.target.quantity == "expression" and _joins_group(two):
            return False
    if all(map(curated, steps)):
        return True
    return search_confidence(steps) >= LEAST_BEYOND_STARTER


def curated(step: CascadeStep) -> bool:
    """Return whether the built-in pathways assert the step."""
    return step.confidence >= STARTER_TRUST


def search_confidence(steps: Sequence[CascadeStep]) -> float:
    """Return the confidence that `knowledge.cascade.reach` has in a path of these steps.

    Steps into other programmes or into hardly expressed genes cost more there.
    """
    confidence = 1.0
    for step in steps:
        confidence = arriving(step, confidence)
    return confidence


def arriving(step: CascadeStep, confidence: float) -> float:
    """Return the confidence in what a step leads to, from that in where it starts.

    Losing a member and losing its group are one step, as in `knowledge.cascade.next_steps`.
    """
    before = confidence if _joins_group(step) else carried(step.source, confidence)
    return before * step.confidence


def _joins_group(step: CascadeStep) -> bool:
    member = step.mechanism in {"complex", "membership"} and step.relation == "activates"
    return member and step.target.kind != "gene"
