"""What two genes do together beyond the sum of what each does alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.expression.kernel import FittedKernel

Array = NDArray[np.float64]
Pair = tuple[str, str]
# Width of the kernel over responses, in units of the median length of a response, and the noise of
# a pair in units of the correction's variance.
WIDTHS = (0.25, 0.5, 1.0, 2.0)
NOISES = (0.1, 0.3, 1.0, 3.0)
RIDGES = (0.3, 3.0)
FOLDS = 5
FEWEST = 15
"""Pairs needed before anything but the scaled sum is considered."""


class PairSettings(NamedTuple):
    """How sums of two responses are weighed and corrected.

    Attributes:
        ridge: Penalty on the weights of the sum; `None`: the scaled sum, without weights.
        width: Width of the kernel over single responses; `None`: no correction.
        noise: Noise of a pair in units of the correction's variance.
    """

    ridge: float | None = None
    width: float | None = None
    noise: float = 1.0


@dataclass(frozen=True)
class PairModel:
    """Weighted sums of two responses, and a Gaussian process over pairs for what they miss.

    Attributes:
        settings: How.
        pairs: The measured pairs it was fitted to.
        unit: Median length of a single response.
        sides: Responses to the pairs' first and second genes `(pairs, scored readouts)` each.
        coefficients: Weights of the longer and the shorter response `(10,)`.
        duals: Weight of each measured pair's deviation in every readout `(pairs, readouts)`.
        errors: Error of each measured pair when its fold is left out `(pairs, readouts)`.
    """

    settings: PairSettings
    pairs: tuple[Pair, ...]
    unit: float
    sides: tuple[Array, Array]
    coefficients: Array
    duals: Array
    errors: Array

    def predict(self, fitted: "FittedKernel", pair: Pair) -> Array:
        """Return the response to two genes `(readouts,)`."""
        first, second = (fitted.best_single(gene)[None] for gene in pair)
        base = self.base(first, second, fitted.scale)
        return np.asarray(base[0] + self.pull(fitted, pair) @ self.duals)

    def base(self, first: Array, second: Array, scale: float) -> Array:
        """Return the weighted sums of responses `(pairs, readouts)`."""
        if self.settings.ridge is None:
            return np.asarray(scale * (first + second))
        return np.asarray(
            np.einsum("kpr,k->pr", _parts(first, second, self.unit), self.coefficients)
        )

    def pull(self, fitted: "FittedKernel", pair: Pair) -> Array:
        """Return the covariance of a pair's deviation with the measured pairs' `(pairs,)`."""
        if self.settings.width is None:
            return np.zeros(len(self.pairs))
        asked = [fitted.best_single(gene)[fitted.columns][None] for gene in pair]
        return np.asarray(_pair_kernel(asked, self.sides, self.settings.width * self.unit)[0])


def fit_pairs(fitted: "FittedKernel", seed: int, settings: PairSettings | None) -> PairModel:
    """Return the corrections fitted to all measured pairs.

    Args:
        fitted: What is known of single genes.
        seed: Of the folds.
        settings: How; chosen by cross-validation over the pairs of `fitted.screen` if `None`,
            among the scaled sum, weighted sums, and weighted sums with a correction.
    """
    screen, columns = fitted.screen, fitted.columns
    rows = np.array([r for r in screen.rows(several=True) if len(screen.perturbations[r]) == 2])
    pairs = tuple((screen.perturbations[r][0], screen.perturbations[r][1]) for r in rows)
    response = screen.response[rows].astype(np.float64)
    sides = tuple(np.array([fitted.best_single(pair[i]) for pair in pairs]) for i in (0, 1))
    lengths = np.linalg.norm(np.concatenate([side[:, columns] for side in sides]), axis=1)
    data = _Pairs(pairs, (sides[0], sides[1]), response, columns, fitted.scale, np.median(lengths))
    if settings is not None:
        options = [settings]
    elif len(pairs) < FEWEST:
        options = [PairSettings()]
    else:
        options = [PairSettings()] + [
            PairSettings(ridge, width, noise)
            for ridge in RIDGES
            for width in (None, *WIDTHS)
            for noise in (NOISES if width else NOISES[:1])
        ]
    folds = np.random.default_rng(seed).permutation(len(pairs)) % min(FOLDS, len(pairs))
    errors = [data.left_out(option, folds) for option in options]
    best = int(np.argmin([np.linalg.norm(e[:, columns], axis=1).mean() for e in errors]))
    everything = np.ones(len(pairs), np.bool_)
    return replace(data.fit(options[best], everything), errors=errors[best])


@dataclass(frozen=True)
class _Pairs:
    """Measured pairs, what each of their genes does alone, and what they do together."""

    pairs: tuple[Pair, ...]
    sides: tuple[Array, Array]
    response: Array
    columns: NDArray[np.integer]
    scale: float
    unit: float

    def fit(self, settings: PairSettings, seen: NDArray[np.bool_]) -> PairModel:
        """Return the model fitted to the pairs that are `seen`."""
        first, second = self.sides[0][seen], self.sides[1][seen]
        known = (first[:, self.columns], second[:, self.columns])
        pairs = tuple(pair for pair, use in zip(self.pairs, seen, strict=True) if use)
        nothing = np.zeros((len(pairs), self.response.shape[1]))
        plain = PairModel(
            settings, pairs, self.unit, known, np.zeros(0), duals=nothing, errors=nothing
        )
        if settings.ridge is None:
            return plain
        parts = _parts(first, second, self.unit)
        design = parts[:, :, self.columns].reshape(len(parts), -1)
        target = self.response[seen][:, self.columns].ravel()
        penalty = settings.ridge * self.unit**2 * np.eye(len(parts))
        coefficients = np.linalg.solve(design @ design.T + penalty, design @ target)
        weighed = replace(plain, coefficients=np.asarray(coefficients, np.float64))
        if settings.width is None:
            return weighed
        deviation = self.response[seen] - weighed.base(first, second, self.scale)
        kernel = _pair_kernel(known, known, settings.width * self.unit)
        noise = settings.noise * np.eye(len(kernel))
        duals = np.linalg.solve(kernel + noise, deviation)
        return replace(weighed, duals=np.asarray(duals, np.float64))

    def left_out(self, settings: PairSettings, folds: NDArray[np.integer]) -> Array:
        """Return every pair's error when its fold is left out `(pairs, readouts)`."""
        out = np.zeros(self.response.shape)
        for fold in np.unique(folds):
            held = folds == fold
            model = self.fit(settings, ~held)
            first, second = self.sides[0][held], self.sides[1][held]
            predicted = model.base(first, second, self.scale)
            if settings.width is not None:
                asked = (first[:, self.columns], second[:, self.columns])
                kernel = _pair_kernel(asked, model.sides, settings.width * self.unit)
                predicted = predicted + kernel @ model.duals
            out[held] = self.response[held] - predicted
        return out


def _parts(first: Array, second: Array, unit: float) -> Array:
    """Return what the weights multiply `(10, pairs, readouts)`.

    The longer and the shorter response, each times 1, both lengths in units of `unit`, the cosine
    between them, and the ratio of their lengths.
    """
    lengths = np.stack([np.linalg.norm(one, axis=1) for one in (first, second)])
    swap = (lengths[0] < lengths[1])[:, None]
    longer, shorter = np.where(swap, second, first), np.where(swap, first, second)
    most, least = lengths.max(0), lengths.min(0)
    cosine = (first * second).sum(1) / np.maximum(most * least, 1e-12)
    ratio = least / np.maximum(most, 1e-12)
    terms = np.stack([np.ones_like(most), most / unit, least / unit, cosine, ratio])
    return np.concatenate([terms[:, :, None] * longer, terms[:, :, None] * shorter])


def _pair_kernel(pairs: Sequence[Array], others: Sequence[Array], width: float) -> Array:
    """Return how alike pairs are, whatever the order of their genes `(pairs, others)`."""

    def alike(one: Array, other: Array) -> Array:
        squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
        return np.asarray(np.exp(-np.maximum(squared, 0) / (2 * width**2)))

    straight = alike(pairs[0], others[0]) * alike(pairs[1], others[1])
    crossed = alike(pairs[0], others[1]) * alike(pairs[1], others[0])
    return straight + crossed
