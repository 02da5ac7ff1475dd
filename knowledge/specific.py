"""How specific a predicted change is to its perturbation, so that lists are not led by habit.

Some readouts change whatever is perturbed in a line: ribosomal proteins, mitochondrial transcripts,
ferritin. Ranked by P(changes) they lead every list.
"""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Chance = TypeVar("Chance", float, "NDArray[np.float64]")


def specificity(p_de: Chance, habit: Chance) -> Chance:
    """Return `p_de * (1 - habit)`, by which readouts are ranked, the most specific first.

    It is the chance that the readout changes here and would not under another perturbation of the
    line, drawn at random.

    Args:
        p_de: P(changes) under this perturbation, one or `(readouts,)`.
        habit: P(changes) under any perturbation of the line, of the same shape.
    """
    return p_de * (1 - habit)
