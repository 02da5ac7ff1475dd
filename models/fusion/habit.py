"""What a gene's transcript usually does when a regulator is lost, whichever regulator.

Two studies of one regulator agree in sign in little more than half of their genes, and what they
share is mostly the gene's own habit. It is learnt from training regulators as a function of what is
known of the gene, so that a gene of few studies borrows from those like it.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from knowledge.errors import DataError

FILE, GENES = "model.safetensors", "genes.txt.gz"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LossHabit:
    """How much more often than not each gene goes up after a loss.

    Attributes:
        genes: Approved symbols.
        values: In [-1, 1]: mean sign of a change `(genes,)`.
        regulators: Genes that act on many others by name: transcription factors, kinases, switches.
        version: Hash of the stored files.
    """

    genes: tuple[str, ...]
    values: Floats
    regulators: frozenset[str] = frozenset()
    version: str = ""

    @cached_property
    def _place(self) -> dict[str, int]:
        return {gene: i for i, gene in enumerate(self.genes)}

    def log_odds(self, readouts: Sequence[str]) -> Floats:
        """Return log-odds of up, given a change after a loss, `(n,)`; 0 for unknown genes."""
        at = np.array([self._place.get(gene, -1) for gene in readouts], np.int64)
        values = np.where(at >= 0, self.values[at] if len(self.values) else 0.0, 0.0)
        return np.asarray(2 * np.arctanh(np.clip(values, -0.9, 0.9)))


def load_habit(folder: Path) -> LossHabit:
    """Read the habits in a checkpoint folder.

    Raises:
        DataError: They are missing or damaged.
    """
    file = folder / FILE
    try:
        raw, words = file.read_bytes(), (folder / GENES).read_bytes()
        stored = load(raw)
        values, acts = stored["habit"].astype(np.float64), stored["regulator"].astype(bool)
        genes = tuple(gzip.decompress(words).decode().split())
        if not values.shape == acts.shape == (len(genes),) or not np.isfinite(values).all():
            raise ValueError(f"{len(genes)} genes, but {values.shape} finite values were expected")
    except (OSError, ValueError, KeyError, EOFError, SafetensorError) as error:
        raise DataError(f"{file} is missing or damaged; reinstall knockwise.") from error
    regulators = frozenset(gene for gene, does in zip(genes, acts, strict=True) if does)
    return LossHabit(genes, values, regulators, hashlib.sha256(raw + words).hexdigest()[:16])


def save_habit(habit: LossHabit, folder: Path) -> None:
    """Write the habits into a checkpoint folder."""
    folder.mkdir(parents=True, exist_ok=True)
    acts = np.array([gene in habit.regulators for gene in habit.genes], np.uint8)
    values = habit.values.astype(np.float16)
    save_file({"habit": values, "regulator": acts}, folder / FILE)
    text = "\n".join(habit.genes).encode()
    (folder / GENES).write_bytes(gzip.compress(text, mtime=0))
