"""Predicts altered channels of a knockout from knockouts of related genes: kernel ridge regression.

Two genes are alike by what is known of them (an inner product) and by their plain traits (a
Gaussian of their distance); each channel is the mean over hits plus what related hits deviate by
(Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 5.8).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
TRAITS = 0.5
"""Weight of the traits' kernel beside that of what is known."""
RIDGE = 10.0
LEAST = 1e-3


@dataclass(frozen=True)
class ChannelKernel:
    """A fitted regression.

    Attributes:
        vectors: Of the genes learnt from `(genes, dimensions)`.
        traits: Of the same `(genes, traits)`.
        mean: Share of them that alters each channel `(channels,)`.
        duals: Weight of each gene in each channel `(genes, channels)`.
    """

    vectors: FloatArray
    traits: FloatArray
    mean: FloatArray
    duals: FloatArray

    @classmethod
    def fit(
        cls,
        vectors: FloatArray,
        traits: FloatArray,
        altered: NDArray[np.bool_],
        weight: float = TRAITS,
    ) -> "ChannelKernel":
        """Return the regression of `altered` `(genes, channels)`.

        Args:
            vectors: What is known `(genes, dimensions)`.
            traits: Plain traits `(genes, traits)`.
            altered: Which channels each knockout alters.
            weight: Of the traits' kernel.
        """
        from scipy.linalg import cho_factor, cho_solve

        labels = altered.astype(np.float32)
        mean = labels.mean(axis=0)
        covariance = alike(vectors, traits, vectors, traits, weight)
        covariance[np.diag_indices_from(covariance)] += np.float32(RIDGE)
        factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
        return cls(vectors, traits, mean, cho_solve(factor, labels - mean).astype(np.float32))

    def scores(self, vectors: FloatArray, traits: FloatArray, weight: float = TRAITS) -> FloatArray:
        """Return about the chance that each channel is altered `(genes, channels)`."""
        near = alike(vectors, traits, self.vectors, self.traits, weight)
        return np.asarray(self.mean + near @ self.duals, np.float32)


def alike(
    vectors: FloatArray,
    traits: FloatArray,
    others: FloatArray,
    their_traits: FloatArray,
    weight: float = TRAITS,
) -> FloatArray:
    """Return how alike genes are `(genes, others)`."""
    apart = (
        (traits**2).sum(axis=1)[:, None]
        + (their_traits**2).sum(axis=1)[None]
        - 2 * traits @ their_traits.T
    ) / max(traits.shape[1], 1)
    close = np.exp(-np.maximum(apart, 0)).astype(np.float32)
    return np.asarray(vectors @ others.T + np.float32(weight) * close, np.float32)


def logistic(scores: NDArray[np.floating], slope: FloatArray, start: FloatArray) -> FloatArray:
    """Return calibrated probabilities of scores `(genes, channels)`."""
    return np.asarray(1 / (1 + np.exp(-(scores * slope + start))), np.float32)


def calibration(
    scores: NDArray[np.floating], altered: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return slope and intercept of each channel that make held-out scores probabilities."""
    from sklearn.linear_model import LogisticRegression

    slopes, starts = [], []
    for channel in range(scores.shape[1]):
        fit = LogisticRegression(C=1e3).fit(scores[:, [channel]], altered[:, channel])
        slopes.append(float(fit.coef_[0, 0]))
        starts.append(float(fit.intercept_[0]))
    return np.array(slopes, np.float32), np.array(starts, np.float32)
