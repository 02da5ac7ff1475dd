"""What a protein is made of: frequencies of residues, of pairs, and of triads of alike residues."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.genepheno.sequences import RESIDUES

FloatArray: TypeAlias = NDArray[np.float32]
# Seven classes by dipole and side chain volume (Shen et al. 2007, "conjoint triad").
_CLASSES = ("AGV", "ILFP", "YMTS", "HNQW", "RK", "DE", "C")


def composition(sequences: Sequence[str]) -> FloatArray:
    """Return frequencies of residues, adjacent pairs and class triads, and log10 length.

    `(sequences, 20 + 400 + 343 + 1)`, square roots of the frequencies; X counts for nothing.
    """
    code = np.full(256, len(RESIDUES), np.int64)
    code[np.frombuffer(RESIDUES.encode(), np.uint8)] = np.arange(len(RESIDUES))
    kind = np.full(len(RESIDUES) + 1, len(_CLASSES), np.int64)
    for number, members in enumerate(_CLASSES):
        kind[code[np.frombuffer(members.encode(), np.uint8)]] = number
    rows = []
    for sequence in sequences:
        residue = code[np.frombuffer(sequence.encode(), np.uint8)]
        parts = [
            np.sqrt(_words(residue, len(RESIDUES), 1)),
            np.sqrt(_words(residue, len(RESIDUES), 2)),
            np.sqrt(_words(kind[residue], len(_CLASSES), 3)),
            np.log10([max(len(sequence), 1)]),
        ]
        rows.append(np.concatenate(parts).astype(np.float32))
    width = sum(len(RESIDUES) ** k for k in (1, 2)) + len(_CLASSES) ** 3 + 1
    return np.array(rows, np.float32).reshape(len(rows), width)


def _words(letters: NDArray[np.int64], alphabet: int, length: int) -> NDArray[np.float64]:
    """Return the share of each word of `length` letters; those with a letter beyond are skipped."""
    count = max(len(letters) - length + 1, 0)
    windows = np.stack([letters[start : start + count] for start in range(length)])
    number = np.zeros(count, np.int64)
    for place in windows:
        number = number * alphabet + place
    good = (windows < alphabet).all(axis=0)
    found = np.bincount(number[good], minlength=alphabet**length).astype(np.float64)
    return np.asarray(found / max(found.sum(), 1))
