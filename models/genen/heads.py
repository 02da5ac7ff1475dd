"""Linear heads over a gene's own text, what its partners' texts say, and its neighbours' names.

Each property has its own head, so no head hears of another property's labels. Penalties and shares
of the blocks are chosen inside the training genes; the figures are of genes held out from all of
that; probabilities are calibrated on held-out genes (Platt 1999; one temperature for several
classes: Guo et al. 2017), and the calibration is folded into the weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.genen.labels import PropertyTask
from models.genen.splits import IntArray, Split, repeated_splits
from models.genen.texts import FloatArray

Array = NDArray[np.float64]
PENALTIES = (0.03, 0.3, 3.0)
"""Inverse strength of the L2 penalty (scikit-learn's C) per unit of squared feature length."""
SHARES = (0.5, 1.0)
"""How much what is written counts beside who the neighbours are."""
LARGE = 1000
"""Genes from which on one validation split chooses and one repeat is held out."""
ENOUGH = 3000
"""Genes that settings are chosen on; more would take minutes."""
REPEATS = 5
INTERVAL = 0.9


class Choice(NamedTuple):
    """Settings of a head: `penalty` is C, `texts` multiplies the features made of texts."""

    penalty: float
    texts: float


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """What heads see of every gene.

    Attributes:
        texts: Own text, then the partners' `(genes, dimensions)`.
        rows: Partners and terms by name `(genes, names)`.
    """

    texts: FloatArray
    rows: sparse.csr_array

    def of(self, genes: IntArray, share: float) -> sparse.csr_array:
        """Return the features of genes, texts first and times `share` `(genes, features)`."""
        parts = [sparse.csr_array(self.texts[genes] * np.float32(share)), self.rows[genes]]
        return sparse.csr_array(sparse.hstack(parts))


@dataclass(frozen=True, eq=False, slots=True)
class Head:
    """A fitted head: `features @ weights + intercept` are log-odds, or the value.

    Attributes:
        weights: `(features, outputs)`; one output for a binary task or a regression, else one per
            class.
        intercept: `(outputs,)`.
    """

    weights: Array
    intercept: Array

    def __call__(self, x: Array | sparse.csr_array) -> Array:
        """Return the outputs of rows of features `(rows, outputs)`."""
        return np.asarray(x @ self.weights + self.intercept)


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """The features of a task's genes, rotated into as few numbers as there are genes.

    A penalised linear model does not see the rotation, and is fitted many times faster. No label
    is part of it.

    Attributes:
        x: Features or, of fewer genes than `LARGE`, coordinates `(genes, dimensions)`.
        features: Of the genes `(genes, features)`.
        back: Takes weights of coordinates to shares of genes `(genes, dimensions)`, if rotated.
    """

    x: Array | sparse.csr_array
    features: sparse.csr_array
    back: Array | None

    @classmethod
    def of(cls, features: sparse.csr_array) -> "View":
        """Return the view of genes by their features `(genes, features)`."""
        if features.shape[0] >= LARGE:
            return cls(features, features, None)
        values, axes = np.linalg.eigh((features @ features.T).toarray().astype(np.float64))
        kept = values > values.max() * 1e-9
        root = np.sqrt(values[kept])
        return cls(axes[:, kept] * root, features, axes[:, kept] / root)

    def unrotated(self, head: Head) -> Head:
        """Return a head of coordinates as a head of features."""
        if self.back is None:
            return head
        return Head(np.asarray(self.features.T @ (self.back @ head.weights)), head.intercept)


class Figure(NamedTuple):
    """A held-out figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False, slots=True)
class HeldOut:
    """How heads did on genes whose labels they never saw.

    Attributes:
        metric: What `figure` is.
        figure: Mean over folds.
        brier: Mean squared error of the probabilities, over classes too; `None` for values.
        calibration_error: Mean gap of stated and observed rate in ten bins; `None` for values.
        scores: Calibrated probability of each class, or value, of each gene, the mean over repeats
            `(genes, outputs)`.
        half_width: Half the 90 % interval of a value; `None` for classes.
    """

    metric: str
    figure: Figure
    brier: float | None
    calibration_error: float | None
    scores: Array
    half_width: float | None


def fit_head(
    task: PropertyTask,
    rows: IntArray,
    features: Features,
    seed: int = 0,
    repeats: int = REPEATS,
) -> tuple[Head, HeldOut, Choice]:
    """Return the head of a task, fitted to all its genes, and how such heads do when held out.

    Args:
        task: The labels.
        rows: Row of each gene of the task in `features`.
        features: What is known of all genes besides labels.
        seed: Of the folds.
        repeats: How often the genes of a small task are dealt into folds.
    """
    splits = repeated_splits(task, seed, repeats=1 if len(task) >= LARGE else repeats)
    views = {share: View.of(features.of(rows, share)) for share in SHARES}
    raw = [_held_out(task, views, split) for split in splits]
    tested = [_checked(task, splits, raw, one) for one in range(len(splits))]
    choice = chosen(task, views, splits[0])
    view = views[choice.texts]
    head = view.unrotated(fitted(task, view.x, np.arange(len(task)), choice))
    slope, shift = _calibration(task, splits, raw)
    weights = head.weights * slope
    weights[: features.texts.shape[1]] *= choice.texts
    head = Head(weights, head.intercept * slope + shift)
    return head, _summary(task, splits, raw, tested), choice


def chosen(task: PropertyTask, views: Mapping[float, View], split: Split) -> Choice:
    """Return the settings that do best inside `split`'s training and validation genes."""
    drawn = np.random.default_rng(split.seed).permutation(split.train)[:ENOUGH]
    inner = [(drawn, split.validation)]
    if len(task) < LARGE:
        seen = np.sort(np.concatenate([split.train, split.validation]))
        dealt = repeated_splits(_part(task, seen), split.seed, repeats=1)
        inner = [(seen[np.concatenate([s.train, s.validation])], seen[s.test]) for s in dealt]
    found = {}
    for choice in (Choice(*pair) for pair in product(PENALTIES, SHARES)):
        x = views[choice.texts].x
        heads = [fitted(task, x, train, choice) for train, _ in inner]
        scores = [score(task, r, h(x[r])) for h, (_, r) in zip(heads, inner, strict=True)]
        found[choice] = float(np.mean(scores))
    return max(found, key=lambda one: found[one])


def score(task: PropertyTask, held: IntArray, logits: Array) -> float:
    """Return AUROC (macro over classes, one against the rest) or Pearson's r of held-out genes."""
    from sklearn.metrics import roc_auc_score

    labels = task.labels[held]
    if task.kind == "regression":
        return float(np.corrcoef(labels, logits[:, 0])[0, 1])
    if task.kind == "binary":
        return float(roc_auc_score(labels, logits[:, 0]))
    truth = labels if task.kind == "multilabel" else labels[:, None] == np.arange(logits.shape[1])
    p = probabilities(task.kind, logits)
    return float(np.mean([roc_auc_score(truth[:, k], p[:, k]) for k in range(p.shape[1])]))


def probabilities(kind: str, logits: Array) -> Array:
    """Return the probability of each output `(genes, outputs)`; a value is left as it is."""
    if kind == "regression":
        return logits
    if kind == "multiclass":
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-logits)))


def _part(task: PropertyTask, seen: IntArray) -> PropertyTask:
    return replace(task, genes=tuple(task.genes[row] for row in seen), labels=task.labels[seen])


def _held_out(task: PropertyTask, views: Mapping[float, View], split: Split) -> Array:
    """Return the uncalibrated outputs of the split's test genes `(test, outputs)`."""
    choice = chosen(task, views, split)
    x = views[choice.texts].x
    head = fitted(task, x, np.concatenate([split.train, split.validation]), choice)
    return head(x[split.test])


def fitted(task: PropertyTask, x: Array | sparse.csr_array, rows: IntArray, choice: Choice) -> Head:
    """Return a head fitted to some rows of a task."""
    from sklearn.linear_model import LogisticRegression, Ridge

    labels = task.labels[rows]
    if task.kind == "regression":
        ridge = Ridge(1 / choice.penalty, solver="auto").fit(x[rows], labels)
        return Head(ridge.coef_[:, None], np.atleast_1d(ridge.intercept_))
    columns = labels.T if task.kind == "multilabel" else labels[None]
    models = [
        LogisticRegression(C=choice.penalty, max_iter=500, tol=1e-3).fit(x[rows], column)
        for column in columns
    ]
    return Head(
        np.concatenate([model.coef_ for model in models]).T,
        np.concatenate([model.intercept_ for model in models]),
    )


def _calibration(
    task: PropertyTask, splits: Sequence[Split], raw: Sequence[Array]
) -> tuple[Array, Array]:
    """Return the slope and the shift of each output that fit held-out labels best."""
    rows = np.concatenate([split.test for split in splits])
    logits, labels = np.concatenate(raw), task.labels[rows]
    if task.kind == "regression":
        slope, shift = np.polyfit(logits[:, 0], labels, 1)
        return np.array([slope]), np.array([shift])
    if task.kind == "multiclass":
        from scipy.optimize import minimize_scalar

        found = minimize_scalar(
            lambda log: _log_loss(logits * np.exp(log), labels), bounds=(-3, 3), method="bounded"
        )
        return np.full(logits.shape[1], np.exp(found.x)), np.zeros(logits.shape[1])
    from sklearn.linear_model import LogisticRegression

    columns = labels.T if task.kind == "multilabel" else labels[None]
    slopes, shifts = [], []
    for column, logit in zip(columns, logits.T, strict=True):
        platt = LogisticRegression(C=1e4).fit(logit[:, None], column)
        # A head that ranks worse than chance is not turned round: it says the base rate.
        slopes.append(max(float(platt.coef_[0, 0]), 0.0))
        rate = float(np.mean(column))
        shifts.append(float(platt.intercept_[0]) if slopes[-1] else np.log(rate / (1 - rate)))
    return np.array(slopes), np.array(shifts)


def _checked(task: PropertyTask, splits: Sequence[Split], raw: Sequence[Array], one: int) -> Array:
    """Return calibrated scores of a split's test genes; its own labels calibrate nothing."""
    mine = splits[one]
    apart, outputs = [], []
    for split, logits in zip(splits, raw, strict=True):
        if split.repeat == mine.repeat and split.fold != mine.fold:
            apart.append(split)
            outputs.append(logits)
    slope, shift = _calibration(task, apart, outputs)
    return probabilities(task.kind, raw[one] * slope + shift)


def _summary(
    task: PropertyTask, splits: Sequence[Split], raw: Sequence[Array], found: Sequence[Array]
) -> HeldOut:
    """Return how the outputs of splits rank their test genes, and how true the calibrated are."""
    from scipy import stats

    outputs = found[0].shape[1]
    total, count = np.zeros((len(task), outputs)), np.zeros((len(task), 1))
    for split, scores in zip(splits, found, strict=True):
        total[split.test] += scores
        count[split.test] += 1
    mean = total / count
    values = [score(task, split.test, one) for split, one in zip(splits, raw, strict=True)]
    # Of several repeats, the variance of dependent folds (Nadeau and Bengio 2003).
    tested = len(splits[0].test) / (len(task) - len(splits[0].test))
    spread = np.sqrt((1 / len(values) + tested) * np.var(values, ddof=1))
    half = float(stats.t.ppf(0.975, len(values) - 1) * spread)
    centre = float(np.mean(values))
    figure = Figure(centre, centre - half, min(centre + half, 1.0))
    if task.kind == "regression":
        wrong = np.abs(mean[:, 0] - task.labels)
        width = float(np.quantile(wrong, INTERVAL))
        return HeldOut("Pearson r", figure, None, None, mean, width)
    truth = _truth(task)
    brier = float(((mean - truth) ** 2).mean())
    return HeldOut("AUROC", figure, brier, _gap(truth.ravel(), mean.ravel()), mean, None)


def _truth(task: PropertyTask) -> Array:
    if task.kind == "multiclass":
        return np.asarray(task.labels[:, None] == np.arange(len(task.classes)), np.float64)
    return np.asarray(task.labels, np.float64).reshape(len(task), -1)


def _gap(truth: Array, p: Array, bins: int = 10) -> float:
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(len(i) * abs(truth[i].mean() - p[i].mean()) for i in parts if len(i)) / len(p))


def _log_loss(logits: Array, labels: NDArray[np.int64]) -> float:
    p = probabilities("multiclass", logits)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(p, 1e-12)).mean())
