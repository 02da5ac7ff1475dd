"""Turns scores into probabilities that mean what they say, judged on held-out rows only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, expit

from models.inputs.screens import IntArray

FloatArray = NDArray[np.float64]
TAIL = 0.05
LEVELS = (0.0, 0.1, 0.3)
"""Similarity of the nearest relative at which the width of intervals is estimated anew."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve per line and the spread of true rates around its probabilities.

    The spread is that of a beta distribution with mean p. Its concentration is estimated from the
    correlation of held-out residuals within a perturbation: where a perturbation changes more (or
    fewer) readouts than predicted, it does so for many at once, and this is the part of the error
    that a probability alone hides.

    Attributes:
        slope: Per line.
        offset: Per line.
        concentration: Per level of `LEVELS`.
    """

    slope: tuple[float, ...]
    offset: tuple[float, ...]
    concentration: tuple[float, ...]

    def probability(self, score: FloatArray, line: int | IntArray) -> FloatArray:
        """Return calibrated probabilities of raw scores."""
        p: FloatArray = expit(np.array(self.slope)[line] * score + np.array(self.offset)[line])
        return np.clip(p, 1e-4, 1 - 1e-4)

    def interval(
        self, p: FloatArray, nearest: FloatArray, widen: float = 1.0
    ) -> tuple[FloatArray, FloatArray]:
        """Return the 5 % and 95 % quantiles of the rate around `p`; always holding `p`."""
        level = np.searchsorted(np.array(LEVELS), nearest, side="right") - 1
        nu = np.array(self.concentration)[np.maximum(level, 0)] / widen
        low = betaincinv(np.maximum(p * nu, 1e-3), np.maximum((1 - p) * nu, 1e-3), TAIL)
        high = betaincinv(np.maximum(p * nu, 1e-3), np.maximum((1 - p) * nu, 1e-3), 1 - TAIL)
        return np.minimum(low, p), np.maximum(high, p)


def fit_calibration(
    score: FloatArray, label: IntArray, line: IntArray, block: IntArray, nearest: FloatArray
) -> Calibration:
    """Fit curves and spread to held-out rows.

    Args:
        score: Raw held-out scores.
        label: 0 or 1.
        line: Index of the line.
        block: Which rows share a perturbation and a line.
        nearest: Similarity of the perturbation's nearest relative.
    """
    curves = [_platt(score[line == i], label[line == i]) for i in range(int(line.max()) + 1)]
    slope, offset = zip(*curves, strict=True)
    curve = Calibration(slope, offset, tuple(10.0 for _ in LEVELS))
    p = curve.probability(score, line)
    level = np.searchsorted(np.array(LEVELS), nearest, side="right") - 1
    spread = [
        _concentration(p[m], label[m], block[m]) for m in (level == i for i in range(len(LEVELS)))
    ]
    return Calibration(slope, offset, tuple(spread))


def _platt(score: FloatArray, label: IntArray) -> tuple[float, float]:
    """Return slope and offset of the logistic curve that fits best."""
    from scipy.optimize import minimize

    if not len(score):
        return 1.0, 0.0

    def loss(x: Sequence[float]) -> tuple[float, FloatArray]:
        z = x[0] * score + x[1]
        error = expit(z) - label
        value = np.mean(np.logaddexp(0, z) - label * z) + 1e-4 * ((x[0] - 1) ** 2 + x[1] ** 2)
        gradient = np.array([np.mean(error * score), np.mean(error)])
        return float(value), gradient + 2e-4 * np.array([x[0] - 1, x[1]])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B")
    return float(found.x[0]), float(found.x[1])


def _concentration(p: FloatArray, label: IntArray, block: IntArray) -> float:
    """Return the beta concentration whose within-block correlation the residuals show."""
    if not len(p):
        return 10.0
    residual = np.clip((label - p) / np.sqrt(p * (1 - p)), -5, 5)
    _, block = np.unique(block, return_inverse=True)
    size = np.bincount(block)
    summed, squares = np.bincount(block, residual), np.bincount(block, residual**2)
    pairs = float((size * (size - 1.0)).sum())
    correlation = float((summed**2 - squares).sum()) / max(pairs, 1.0)
    return 1 / float(np.clip(correlation, 0.005, 0.5)) - 1
