"""A gene's embedding: what is written about it and about its partners, and where it stands."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from models.genen.neighbourhood import Neighbourhood
from models.genen.texts import BoolArray, FloatArray

TEXT_DIMENSIONS = 64
PLACE_DIMENSIONS = 64


@dataclass(frozen=True, eq=False, slots=True)
class TextSpace:
    """The directions in which descriptions of genes differ most, found without any label.

    Attributes:
        mean: Of the descriptions' embeddings `(encoder's dimensions,)`.
        directions: Principal ones, scaled so that a projected description has a mean squared
            length of one `(encoder's dimensions, dimensions)`.
    """

    mean: FloatArray
    directions: FloatArray

    @classmethod
    def of(
        cls, vectors: FloatArray, described: BoolArray, dimensions: int = TEXT_DIMENSIONS
    ) -> Self:
        """Return the principal directions of the described genes' embeddings.

        Args:
            vectors: Of all genes `(genes, encoder's dimensions)`.
            described: Which of them have a text `(genes,)`.
            dimensions: How many at most.
        """
        known = vectors[described].astype(np.float64)
        mean = known.mean(axis=0)
        values, found = np.linalg.eigh((known - mean).T @ (known - mean) / len(known))
        order = np.argsort(-values)[:dimensions]
        # An eigenvector's sign is arbitrary: its largest part is positive on every machine.
        axes = found[:, order]
        axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(order))])
        scale = np.sqrt(max(float(values[order].sum()), 1e-12))
        # As they are stored, so that a text projected later falls where it fell in training.
        return cls(mean.astype(np.float32), (axes / scale).astype(np.float16).astype(np.float32))

    def project(self, vectors: FloatArray, described: BoolArray) -> FloatArray:
        """Return coordinates of texts, zeros (the average) where there is none `(texts, k)`."""
        found = np.where(described[:, None], (vectors - self.mean) @ self.directions, 0)
        return found.astype(np.float16).astype(np.float32)


def places(
    neighbourhood: Neighbourhood, seed: int, dimensions: int = PLACE_DIMENSIONS
) -> FloatArray:
    """Return where each gene stands among its partners and terms `(genes, dimensions)`.

    The truncated singular value decomposition of `neighbourhood.rows`, its directions by the
    square root of their singular values and all by one number, to a mean squared length of one.
    """
    from sklearn.utils.extmath import randomized_svd

    rows = neighbourhood.rows
    rank = min(dimensions, min(rows.shape) - 1)
    left, singular, _ = randomized_svd(rows, rank, random_state=seed, n_iter=7)
    found = left * np.sqrt(singular)
    return np.asarray(found / root_mean_square(found)).astype(np.float16).astype(np.float32)


def heard(hearing: sparse.csr_array, own: FloatArray) -> FloatArray:
    """Return what is written about each gene's partners, by confidence `(genes, dimensions)`."""
    return np.asarray(hearing @ own, np.float32)


def root_mean_square(vectors: FloatArray) -> float:
    """Return the root of the mean squared length of those rows that are not zero."""
    squared = (vectors.astype(np.float64) ** 2).sum(axis=1)
    return float(np.sqrt(squared[squared > 0].mean())) if squared.any() else 1.0
