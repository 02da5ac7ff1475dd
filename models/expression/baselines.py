"""The simple predictors that beat published deep models: what any other must be compared with.

Ahlmann-Eltze, Huber and Anders (Nature Methods 2025) describe no change, the mean, the additive
model and the two linear ones; the others are what knowledge alone gives without a network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.expression.genes import GeneFeatures
from models.expression.screens import ExpressionScreen, Fitted, FloatArray, Genes

BoolArray = NDArray[np.bool_]
PENALTIES = np.logspace(-2, 4, 19)
"""Penalties that a ridge chooses from by leave-one-out, for embeddings of unit length."""
NEIGHBOURS = (1, 2, 3, 5, 10, 20, 40)
COMPONENTS = 10
"""Of the principal component analyses of Ahlmann-Eltze et al."""
FEWEST = 5
"""Perturbations with an embedding below which nothing is fitted."""


class _Regressor(Protocol):
    def fit(self, x: FloatArray, y: NDArray[np.floating]) -> object: ...

    def predict(self, x: FloatArray) -> FloatArray: ...


@dataclass(frozen=True, slots=True)
class NoChange:
    """Perturbations change nothing."""

    name: str = "no change"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Return zeros for whatever is asked."""
        return _Means({}, np.zeros(len(screen.readouts), np.float32))


@dataclass(frozen=True, slots=True)
class TrainingMean:
    """Every perturbation does what those of as many genes did on average."""

    name: str = "training mean"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Average the training rows by how many genes were perturbed, and all of them."""
        sizes = np.array([len(genes) for genes in screen.perturbations])
        means = {int(n): screen.response[sizes == n].mean(axis=0) for n in np.unique(sizes)}
        return _Means(means, screen.response.mean(axis=0))


@dataclass(frozen=True, slots=True)
class Additive:
    """Several genes do the sum of what each did alone, times a factor of 1."""

    name: str = "additive"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Remember the single perturbations."""
        return _Sums(_singles(screen), len(screen.readouts), 1.0)


@dataclass(frozen=True, slots=True)
class ScaledAdditive:
    """Several genes do the sum of what each did alone, times a factor fitted to the training."""

    name: str = "scaled additive"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Fit the factor by least squares; it is 1 where no double has both its singles."""
        several = screen.take(screen.rows(several=True))
        sums = _Sums(_singles(screen), len(screen.readouts), 1.0)
        predicted = sums.predict(several.perturbations)
        known = _finite(predicted)
        power = float((predicted[known] ** 2).sum())
        common = float((predicted[known] * several.response[known]).sum())
        return _Sums(sums.singles, sums.readouts, common / power if power > 0 else 1.0)


@dataclass(frozen=True, slots=True)
class LinearSelf:
    """`Y - b = G W P`, where a perturbation is described by its own gene's row of G.

    G are principal component scores of the readouts in the training expression, so the perturbed
    gene must be a readout. The penalty is chosen by leave-one-out rather than fixed.
    """

    components: int = COMPONENTS
    name: str = "linear, embeddings from training"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Fit W to the training rows whose genes are readouts."""
        basis, scores = _components(screen, self.components, seed)
        index = {symbol: row for row, symbol in enumerate(screen.readouts)}
        return _regression(screen, _Embedding(index, scores), _ridge(), seed, basis)


@dataclass(frozen=True)
class LinearTransfer:
    """`Y - b = G W P`, where a perturbation is described by what it did in another screen.

    Args:
        other: Screen whose single perturbations are compressed to P.
        components: Directions of G and of P.
    """

    other: ExpressionScreen
    components: int = COMPONENTS

    @property
    def name(self) -> str:
        """Return what tables call it."""
        return f"linear, embeddings from {self.other.context}"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Fit W to the training rows whose genes the other screen perturbed."""
        basis, _ = _components(screen, self.components, seed)
        return _regression(screen, self.embedding, _ridge(), seed, basis)

    @cached_property
    def embedding(self) -> "_Embedding":
        """Return principal component scores of the single perturbations of the other screen."""
        from sklearn.utils.extmath import randomized_svd

        singles = self.other.take(self.other.rows(several=False))
        centred = singles.response - singles.response.mean(axis=0)
        rank = min(self.components, *centred.shape)
        left, singular, _ = randomized_svd(centred, rank, random_state=0)
        index = {genes[0]: row for row, genes in enumerate(singles.perturbations)}
        return _Embedding(index, left * singular)


@dataclass(frozen=True, slots=True)
class RidgeFeatures:
    """Ridge regression on what is known of the perturbed genes."""

    features: GeneFeatures
    name: str = "ridge on knowledge"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Fit on the sum of the genes' vectors."""
        embedding = _Embedding(self.features.index, self.features.vectors)
        return _regression(screen, embedding, _ridge(), seed)


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """The mean of the perturbations of the most related genes, as many as training likes best."""

    features: GeneFeatures
    name: str = "kNN on knowledge"

    def fit(self, screen: ExpressionScreen, seed: int) -> Fitted:
        """Choose how many neighbours by five-fold cross-validation, and remember all rows."""
        from sklearn.model_selection import GridSearchCV, KFold
        from sklearn.neighbors import KNeighborsRegressor

        embedding = _Embedding(self.features.index, self.features.vectors)
        known = int(_finite(embedding.of(screen.perturbations)).sum())
        counts = [n for n in NEIGHBOURS if n <= known * 4 // 5] or [1]
        search = GridSearchCV(
            KNeighborsRegressor(),
            {"n_neighbors": counts},
            scoring="neg_mean_squared_error",
            cv=KFold(5, shuffle=True, random_state=seed),
        )
        return _regression(screen, embedding, search, seed)


def filled(predicted: FloatArray, fallback: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return `predicted` with its nan rows from `fallback`, and which rows were answered."""
    answered = _finite(predicted)
    return np.where(answered[:, None], predicted, fallback).astype(np.float32), answered


@dataclass(frozen=True, slots=True)
class _Means:
    """Means by number of genes, and what is said of any other number."""

    by_size: Mapping[int, FloatArray]
    otherwise: FloatArray

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        out = [self.by_size.get(len(genes), self.otherwise) for genes in perturbations]
        return np.array(out, np.float32).reshape(len(perturbations), len(self.otherwise))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Scaled sums of what single perturbations did; a gene alone does what it did."""

    singles: Mapping[str, FloatArray]
    readouts: int
    factor: float

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        out = np.full((len(perturbations), self.readouts), np.nan, np.float32)
        for row, genes in enumerate(perturbations):
            if all(gene in self.singles for gene in genes):
                factor = self.factor if len(genes) > 1 else 1.0
                out[row] = factor * np.sum([self.singles[gene] for gene in genes], axis=0)
        return out


@dataclass(frozen=True, slots=True)
class _Embedding:
    """Vectors of genes; a perturbation of several genes is their sum."""

    index: Mapping[str, int]
    vectors: FloatArray

    def of(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return a row per perturbation, nan where a gene has no vector."""
        out = np.full((len(perturbations), self.vectors.shape[1]), np.nan, np.float32)
        for row, genes in enumerate(perturbations):
            if all(gene in self.index for gene in genes):
                out[row] = self.vectors[[self.index[gene] for gene in genes]].sum(axis=0)
        return out


@dataclass(frozen=True, slots=True)
class _Regression:
    """The training mean plus what a regression on embeddings adds; nan without an embedding."""

    mean: Fitted
    embedding: _Embedding
    regressor: _Regressor | None
    basis: FloatArray | None

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        out = self.mean.predict(perturbations)
        x = self.embedding.of(perturbations)
        known = _finite(x)
        if self.regressor is None:
            known[:] = False
        if self.regressor is not None and known.any():
            added = self.regressor.predict(x[known])
            out[known] += added if self.basis is None else added @ self.basis.T
        out[~known] = np.nan
        return out


def _regression(
    screen: ExpressionScreen,
    embedding: _Embedding,
    regressor: _Regressor,
    seed: int,
    basis: FloatArray | None = None,
) -> Fitted:
    """Fit `regressor` to the deviations from the training mean, in the directions of `basis`."""
    mean = TrainingMean().fit(screen, seed)
    x = embedding.of(screen.perturbations)
    known = _finite(x)
    if known.sum() < FEWEST:
        return _Regression(mean, embedding, None, basis)
    length = float(np.sqrt((x[known] ** 2).sum(axis=1).mean())) or 1.0
    scaled = _Embedding(embedding.index, embedding.vectors / length)
    y = (screen.response - mean.predict(screen.perturbations))[known]
    regressor.fit(x[known] / length, y if basis is None else y @ basis)
    return _Regression(mean, scaled, regressor, basis)


def _finite(rows: FloatArray) -> BoolArray:
    """Return which rows hold no nan."""
    return np.asarray(np.isfinite(rows).all(axis=1), bool)


def _ridge() -> _Regressor:
    """Return a ridge whose penalty is chosen by leave-one-out."""
    from sklearn.linear_model import RidgeCV

    ridge: _Regressor = RidgeCV(PENALTIES)
    return ridge


def _components(
    screen: ExpressionScreen, components: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return orthonormal directions of the readouts in the training expression, and the scores."""
    from sklearn.utils.extmath import randomized_svd

    expression = screen.response if screen.baseline is None else screen.response + screen.baseline
    centred = (expression - expression.mean(axis=1, keepdims=True)).T
    rank = min(components, *centred.shape)
    left, singular, _ = randomized_svd(centred, rank, random_state=seed)
    return left, left * singular


def _singles(screen: ExpressionScreen) -> Mapping[str, FloatArray]:
    rows = screen.rows(several=False)
    return {screen.perturbations[row][0]: screen.response[row] for row in rows}
