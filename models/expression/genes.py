"""What is known of every gene before any screen, as one vector per gene."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.inputs.genes import rows_of

FloatArray = NDArray[np.float32]
# Each with an equal share. Where a gene product is found says little about what it does.
FAMILIES = ("process", "function", "pathway", "domain", "text", "string")
DIMENSIONS = 128
STEPS = 255


class Similarity(Protocol):
    """How alike genes are, by what was known of them before any screen."""

    def between(self, genes: Sequence[str], others: Sequence[str]) -> FloatArray:
        """Return the similarity `(genes, others)`, 1 of a gene to itself.

        Raises:
            UnknownGeneError: Nothing is known of one of them; the sentence names it.
        """
        ...


@dataclass(frozen=True)
class GeneFeatures:
    """A vector of unit length per gene, so that related genes point the same way.

    Attributes:
        symbols: Approved symbols, sorted.
        vectors: `(genes, dimensions)`.
        families: Kinds of annotation `(genes, terms)`, rows of unit length; without any,
            similarity is that of the vectors.
    """

    symbols: tuple[str, ...]
    vectors: FloatArray
    families: tuple[sparse.csr_array, ...] = ()

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each symbol."""
        return {symbol: row for row, symbol in enumerate(self.symbols)}

    def of(self, genes: Sequence[str]) -> FloatArray:
        """Return the vectors of `genes` `(genes, dimensions)`.

        Raises:
            UnknownGeneError: One of them is not among the symbols; the sentence names it.
        """
        return np.asarray(self.vectors[rows_of(genes, self.index)])

    def between(self, genes: Sequence[str], others: Sequence[str]) -> FloatArray:
        """Return the mean cosine over the families `(genes, others)`, 1 of a gene to itself.

        Raises:
            UnknownGeneError: One of them is not among the symbols; the sentence names it.
        """
        rows, columns = rows_of(genes, self.index), rows_of(others, self.index)
        parts = [(one[rows] @ one[columns].T).toarray() for one in self.families]
        joined = sum(parts) / len(parts) if parts else self.vectors[rows] @ self.vectors[columns].T
        alike: FloatArray = np.clip(joined, 0, 1).astype(np.float32)
        alike[rows[:, None] == columns[None, :]] = 1
        return alike


@dataclass(frozen=True)
class StoredSimilarity:
    """Similarities to the few genes that were perturbed, small enough to ship.

    Attributes:
        index: Row of each gene.
        columns: Column of each perturbed gene.
        levels: In steps of 1/255 `(genes, perturbed genes)`.
    """

    index: Mapping[str, int]
    columns: Mapping[str, int]
    levels: NDArray[np.uint8]

    @classmethod
    def of(cls, similarity: Similarity, genes: Sequence[str], columns: Sequence[str]) -> Self:
        """Keep what `similarity` says of `genes` and `columns`."""
        levels = np.rint(similarity.between(genes, columns) * STEPS).astype(np.uint8)
        return cls(_numbered(genes), _numbered(columns), levels)

    def between(self, genes: Sequence[str], others: Sequence[str]) -> FloatArray:
        """Return the similarity `(genes, others)`; `others` are perturbed genes, or the same.

        Raises:
            UnknownGeneError: Nothing is known of one of them; the sentence names it.
        """
        rows = rows_of(genes, self.index)
        out = np.zeros((len(genes), len(others)), np.float32)
        for column, other in enumerate(others):
            if other in self.columns:
                out[:, column] = self.levels[rows, self.columns[other]] / np.float32(STEPS)
            else:
                out[:, column] = [gene == other for gene in genes]
        return out


def gene_features(data: Path, also: Iterable[str] = (), seed: int = 0) -> GeneFeatures:
    """Return features of every protein-coding gene from annotations, STRING and descriptions.

    Each family of annotations is weighed alike, and all of them are compressed by a truncated
    singular value decomposition (`DIMENSIONS` directions).

    Args:
        data: A mirror, or a data folder with `sources`.
        also: Further genes, such as non-coding ones that a screen perturbed.
        seed: Of the decomposition.

    Raises:
        DataError: A source is missing.
    """
    from sklearn.utils.extmath import randomized_svd

    from knowledge.sources.genes import protein_coding, read_symbols, sources_root
    from models.inputs.annotations import annotations

    root = sources_root(data)
    symbols = tuple(sorted({*protein_coding(root), *also}))
    families = annotations(root, symbols, read_symbols(root))
    used = tuple(one.matrix for one in families if one.family in FAMILIES)
    joined = sparse.hstack(used).tocsr()
    left, singular, _ = randomized_svd(joined, DIMENSIONS, random_state=seed)
    vectors = (left * singular).astype(np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, length, out=vectors, where=length > 0)
    return GeneFeatures(symbols, vectors, used)


def _numbered(genes: Sequence[str]) -> dict[str, int]:
    return {gene: row for row, gene in enumerate(genes)}
