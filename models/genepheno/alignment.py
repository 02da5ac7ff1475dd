"""Finds the proteins that resemble a sequence, in milliseconds: shared words, then alignment."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.genepheno.descriptors import CLASSES, CODE, REDUCED
from models.genepheno.homology import Hits
from models.genepheno.sequences import RESIDUES

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float32]
# Words of four residues, and seeds over classes of residues that replace one another, one spaced
# (Altschul et al. 1990; Ma, Tromp and Li 2002 on why spacing finds more).
SEEDS: tuple[tuple[bool, tuple[int, ...]], ...] = (
    (False, (0, 1, 2, 3)),
    (True, (0, 1, 3, 4, 6)),
    (True, (0, 1, 2, 3, 4, 5)),
)
COMMONEST = 400
"""A word that more of the proteins have tells little and costs much."""
CANDIDATES = 60
"""Proteins with most words in common that are aligned."""
LEAST_BITS = 40.0
"""Less is what chance finds in long proteins; MMseqs2 calls it insignificant too."""
GAP_OPEN, GAP_EXTEND = 11, 1
# Of gapped local alignments with BLOSUM62 and these penalties (Altschul and Gish 1996).
_LAMBDA, _K = 0.267, 0.041
_CHUNK = 256


class SequenceIndex:
    """Proteins that can be searched, by words in common and Smith-Waterman alignment.

    Args:
        targets: Sequences of the twenty residues and X.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        import pyopal

        self._targets = tuple(targets)
        self._database = pyopal.Database(self._targets)
        self._aligner = pyopal.Aligner(
            scoring_matrix="BLOSUM62", gap_open=GAP_OPEN, gap_extend=GAP_EXTEND
        )
        self._words = [_Words(self._targets, *seed) for seed in SEEDS]

    def __len__(self) -> int:
        return len(self._targets)

    def search(self, queries: Sequence[str], most: int = CANDIDATES) -> Hits:
        """Return the alignments of each query to the targets it has most words in common with.

        `identity` and `coverage` are left at 0: they cost as much again; see `identities`.

        Args:
            queries: Sequences of the twenty residues and X.
            most: How many targets are aligned for each.
        """
        query: list[int] = []
        target: list[int] = []
        scores: list[float] = []
        for row, candidates in enumerate(self._candidates(queries, most)):
            for found, bits in self._aligned(queries[row], candidates):
                if bits >= LEAST_BITS:
                    query.append(row)
                    target.append(found)
                    scores.append(bits)
        nothing = np.zeros(len(query), np.float32)
        return Hits(
            len(queries),
            len(self),
            np.array(query, np.int64),
            np.array(target, np.int64),
            nothing,
            nothing,
            np.array(scores, np.float32),
        )

    def identities(self, query: str, targets: Sequence[int]) -> list[float]:
        """Return the share of aligned residues that are the same, for each of these targets."""
        if not targets or not query:
            return [0.0] * len(targets)
        chosen = self._database.extract(list(targets))
        found = {
            one.target_index: one.identity()
            for one in self._aligner.align(query, chosen, mode="full")
        }
        return [float(found[place]) for place in range(len(targets))]

    def _aligned(self, query: str, candidates: IntArray) -> Iterator[tuple[int, float]]:
        if not query or not len(candidates):
            return
        rows = [int(row) for row in candidates]
        for one in self._aligner.align(query, self._database.extract(rows)):
            yield rows[one.target_index], bits(one.score)

    def _candidates(self, queries: Sequence[str], most: int) -> Iterator[IntArray]:
        """Yield the rows of the targets that each query has most words in common with."""
        for start in range(0, len(queries), _CHUNK):
            chunk = queries[start : start + _CHUNK]
            total = self._words[0].likeness(chunk)
            for words in self._words[1:]:
                total = total + words.likeness(chunk)
            for row in range(len(chunk)):
                first, last = total.indptr[row], total.indptr[row + 1]
                columns, values = total.indices[first:last], total.data[first:last]
                if len(columns) > most:
                    kept = np.argpartition(-values, most)[:most]
                    columns = columns[kept]
                yield np.sort(columns).astype(np.int64)


def bits(score: float) -> float:
    """Return the bit score of a raw alignment score (Karlin and Altschul 1990)."""
    return float((_LAMBDA * score - np.log(_K)) / np.log(2))


def self_bits(sequence: str) -> float:
    """Return the bit score of a sequence aligned to itself, the most that any can reach."""
    count = np.bincount(CODE[np.frombuffer(sequence.encode(), np.uint8)], minlength=21)
    return bits(float(count @ _own_scores()))


@cache
def _own_scores() -> NDArray[np.float64]:
    """Return the score of each residue with itself, 0 for X `(21,)`."""
    import scoring_matrices

    matrix = scoring_matrices.ScoringMatrix.from_name("BLOSUM62")  # type: ignore[attr-defined]
    own = [float(matrix[letter][matrix.alphabet.index(letter)]) for letter in RESIDUES]
    return np.array([*own, 0.0])


class _Words:
    """Which words occur in which targets, weighted by their rarity."""

    def __init__(self, targets: Sequence[str], reduced: bool, seed: tuple[int, ...]) -> None:
        self._reduced, self._seed = reduced, seed
        found = self._matrix(targets)
        carriers = np.bincount(found.indices, minlength=found.shape[1])
        self._kept = np.flatnonzero((carriers > 0) & (carriers <= COMMONEST))
        self._rarity = np.log((1 + len(targets)) / carriers[self._kept]).astype(np.float32)
        self._place = np.full(found.shape[1], -1, np.int32)
        self._place[self._kept] = np.arange(len(self._kept))
        self._targets = self._unit(self._known(found)).T.tocsr()

    def likeness(self, queries: Sequence[str]) -> sparse.csr_array:
        """Return the cosine of the weighted words `(queries, targets)`."""
        found: sparse.csr_array = self._unit(self._known(self._matrix(queries))) @ self._targets
        return found

    def _known(self, found: sparse.csr_array) -> sparse.csr_array:
        """Return the columns of words that targets have, weighted."""
        place = self._place[found.indices]
        good = place >= 0
        start = np.concatenate([[0], np.cumsum(good)])[found.indptr]
        columns = place[good]
        return sparse.csr_array(
            (self._rarity[columns], columns, start), shape=(found.shape[0], len(self._kept))
        )

    @staticmethod
    def _unit(weighted: sparse.csr_array) -> sparse.csr_array:
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        unit: sparse.csr_array = sparse.diags_array(1 / np.maximum(length, 1e-6)) @ weighted
        return unit.astype(np.float32).tocsr()

    def _matrix(self, sequences: Sequence[str]) -> sparse.csr_array:
        """Return which sequence has which word, once `(sequences, words)`."""
        size = len(CLASSES) if self._reduced else len(RESIDUES)
        width = size ** len(self._seed)
        rows = [self._codes(one, size) for one in sequences]
        start = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
        columns = np.concatenate([np.zeros(0, np.int64), *rows])
        ones = np.ones(len(columns), np.float32)
        return sparse.csr_array((ones, columns, start), shape=(len(sequences), width))

    def _codes(self, sequence: str, size: int) -> IntArray:
        letters = CODE[np.frombuffer(sequence.encode(), np.uint8)]
        if self._reduced:
            letters = REDUCED[letters]
        count = len(letters) - self._seed[-1]
        if count <= 0:
            return np.zeros(0, np.int64)
        number = np.zeros(count, np.int64)
        good = np.ones(count, bool)
        for offset in self._seed:
            letter = letters[offset : offset + count]
            number = number * size + letter
            good &= letter < size
        return np.unique(number[good])
