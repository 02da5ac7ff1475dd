"""What a gene's transcript usually does when a regulator is lost, whichever regulator.

Two studies of one regulator agree in sign in little more than half of their genes, and what they
share is mostly the gene's own habit. It is learnt from training regulators as a function of what is
known of the gene, so that a gene of few studies borrows from those like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LossHabit:
    """How much more often than not each gene goes up after a loss.

    Attributes:
        genes: Approved symbols.
        values: In [-1, 1]: mean sign of a change `(genes,)`.
        regulators: Genes that act on many others by name: transcription factors, kinases, switches.
    """

    genes: tuple[str, ...]
    values: Floats
    regulators: frozenset[str] = frozenset()

    @cached_property
    def _place(self) -> dict[str, int]:
        return {gene: i for i, gene in enumerate(self.genes)}

    def log_odds(self, readouts: Sequence[str]) -> Floats:
        """Return log-odds of up, given a change after a loss, `(n,)`; 0 for unknown genes."""
        at = np.array([self._place.get(gene, -1) for gene in readouts], np.int64)
        values = np.where(at >= 0, self.values[at] if len(self.values) else 0.0, 0.0)
        return np.asarray(2 * np.arctanh(np.clip(values, -0.9, 0.9)))
