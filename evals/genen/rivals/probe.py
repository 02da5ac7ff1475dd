"""Our predictor of gene properties: ridge regressions on many descriptions of a gene, stacked.

Tasks have 116 to 17,787 genes, and on the small ones a network learns its validation set. Here
everything that takes many parameters is a ridge regression. Predictions of left-out training genes
choose each member's penalty and how members are combined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from evals.genen.inputs import GeneInputs
from evals.genen.rivals.features import Block, blocks, reduced
from evals.genen.rivals.predictor import as_scores, known_rows, targets
from evals.genen.rivals.propagation import Spreading, adjacency, corrected, smoothed, symmetric
from models.genen.labels import Kind, PropertyTask
from models.genen.splits import IntArray, Split
from models.genen.texts import FloatArray

Array = NDArray[np.float64]
WIDTH = 256
"""Dimensions of each description that a member reads."""
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Of the ridge, where a row has a mean square length of one."""
PULLS = (1.0, 10.0, 100.0, 1e4)
"""How strongly the members' weights are pulled to one another; the last makes them equal."""
_SHRINK = 0.1
FOLDS = 5
"""Parts of the known rows that are left out in turn."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a member predicts.

    Attributes:
        held_out: Of the known rows, each by a model that did not see it `(known, outputs)`.
        all_rows: Of all rows, by the model that saw all known ones `(rows, outputs)`.
    """

    held_out: Array
    all_rows: Array


def dealt(values: Array, folds: int = FOLDS) -> IntArray:
    """Return the fold of each row, alike in classes or values `(rows,)`.

    Left out one by one, rows of a class would each be predicted by a model that saw one fewer of
    it: where little can be known, such predictions are worse than chance, and misguide.
    """
    order = np.lexsort(values.T[::-1])
    fold = np.empty(len(values), np.int64)
    fold[order] = np.arange(len(values)) % folds
    return fold


def ridge(
    features: FloatArray, values: Array, known: IntArray, penalties: Sequence[float] = PENALTIES
) -> Fitted:
    """Return the predictions of a ridge regression, its penalty the best on left-out rows.

    The Gram matrix of a fold's training rows is that of all less that of the rows left out, and its
    eigenvectors serve every penalty.

    Args:
        features: Of all rows `(rows, features)`.
        values: To fit, of which only the known are read `(rows, outputs)`.
        known: Rows to learn from.
        penalties: To choose from, for each output apart.
    """
    whole = np.concatenate([features, np.ones((len(features), 1), np.float32)], axis=1)
    seen, wanted = whole[known], values[known]
    gram, aligned = _gram(seen), seen.T @ wanted
    held_out = np.empty((len(penalties), *wanted.shape))
    fold = dealt(wanted)
    for number in range(FOLDS):
        out = fold == number
        part, mean = seen[out], wanted[~out].mean(axis=0)
        moment = aligned - part.T @ wanted[out] - seen[~out].sum(axis=0)[:, None] * mean
        weights = _solutions(gram - _gram(part), moment, penalties)
        held_out[:, out] = part @ weights + mean
    errors = ((held_out - wanted) ** 2).mean(axis=1)
    best, output = errors.argmin(axis=0), np.arange(wanted.shape[1])
    mean = wanted.mean(axis=0)
    weights = _solutions(gram, aligned - seen.sum(axis=0)[:, None] * mean, penalties)
    return Fitted(
        held_out[best, :, output].T, whole @ weights[best, :, output].T.astype(np.float32) + mean
    )


def _gram(rows: FloatArray) -> Array:
    return (rows.T @ rows).astype(np.float64)


def _solutions(gram: Array, moment: Array, penalties: Sequence[float]) -> Array:
    """Return the weights at each penalty `(penalties, features, outputs)`."""
    strength, directions = np.linalg.eigh(gram)
    turned = directions.T @ moment
    shrunk = 1 / (np.maximum(strength, 0) + np.array(penalties)[:, None])
    return np.asarray(directions @ (shrunk[:, :, None] * turned), np.float64)


def descriptions(found: Mapping[str, Block], rows: IntArray) -> Mapping[str, FloatArray]:
    """Return what each member reads of some genes `(rows, WIDTH)`, and all of it together."""
    read = {name: _scaled(reduced(block[rows], WIDTH)) for name, block in found.items()}
    joined = np.concatenate(list(read.values()), axis=1)
    if len(read) == 1:
        return read
    return {**read, "everything": _scaled(reduced(joined, WIDTH))}


def stacked(kind: Kind, members: Sequence[Fitted], values: Array, known: IntArray) -> Fitted:
    """Return the members' predictions combined: values, or probabilities of each class apart.

    Weights are not negative and fitted to held-out predictions; how strongly they are pulled to one
    another is chosen by cross-validation over the known rows.

    Args:
        kind: Of the property.
        members: To combine.
        values: Of all rows, of which only the known are read `(rows, outputs)`.
        known: Rows to learn from.
    """
    outputs: list[Fitted] = []
    for output in range(values.shape[1]):
        held_out = np.stack([member.held_out[:, output] for member in members], axis=1)
        every = np.stack([member.all_rows[:, output] for member in members], axis=1)
        mean, scale = held_out.mean(axis=0), np.maximum(held_out.std(axis=0), 1e-9)
        held_out, every = (held_out - mean) / scale, (every - mean) / scale
        wanted = values[known, output]
        pull = _pull(kind, held_out, wanted)
        weights, constant = _weights(kind, held_out, wanted, pull)
        combined = held_out @ weights + constant, every @ weights + constant
        outputs.append(Fitted(*(combined if kind == "regression" else map(expit, combined))))
    return Fitted(
        np.stack([output.held_out for output in outputs], axis=1),
        np.stack([output.all_rows for output in outputs], axis=1),
    )


def _pull(kind: Kind, held_out: Array, wanted: Array) -> float:
    """Return the strongest pull that is not clearly worse on rows that weights were not fitted to.

    Clearly is by more than one standard error of the paired difference to the best.
    """
    fold = dealt(wanted[:, None])
    losses = np.empty((len(PULLS), len(wanted)))
    for number, pull in enumerate(PULLS):
        for left in range(FOLDS):
            out = fold == left
            weights, constant = _weights(kind, held_out[~out], wanted[~out], pull)
            losses[number, out] = _losses(kind, held_out[out] @ weights + constant, wanted[out])
    worse = losses - losses[losses.sum(axis=1).argmin()]
    error = worse.std(axis=1) / np.sqrt(len(wanted))
    return max(p for p, w, e in zip(PULLS, worse.mean(axis=1), error, strict=True) if w <= e)


def _weights(kind: Kind, held_out: Array, wanted: Array, pull: float) -> tuple[Array, float]:
    size = held_out.shape[1]

    def cost(point: Array) -> tuple[float, Array]:
        weights = point[:size]
        predicted = held_out @ weights + point[size]
        apart = weights - weights.mean()
        slope = (predicted if kind == "regression" else expit(predicted)) - wanted
        total = _losses(kind, predicted, wanted).sum() + pull / 2 * apart @ apart
        gradient = held_out.T @ slope + pull * apart + _SHRINK * weights
        return total + _SHRINK / 2 * weights @ weights, np.append(gradient, slope.sum())

    start = np.append(np.full(size, 1 / size), 0.0)
    bounds = [(0, None)] * size + [(None, None)]
    point = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return point[:size], float(point[size])


def _losses(kind: Kind, predicted: Array, wanted: Array) -> Array:
    """Return half the squared error or the logistic loss of each row `(rows,)`."""
    if kind == "regression":
        return (predicted - wanted) ** 2 / 2
    return np.logaddexp(0, (1 - 2 * wanted) * predicted)


def _scaled(features: FloatArray) -> FloatArray:
    """Return features whose rows have a mean square length of one."""
    size = np.sqrt(np.mean((features.astype(np.float64) ** 2).sum(axis=1)))
    return np.asarray(features / max(size, 1e-9), np.float32)


@dataclass(frozen=True, slots=True)
class Correction:
    """A setting of correct and smooth.

    Attributes:
        scale: What errors of neighbours are multiplied by before they are added.
        smoothing: Share of a prediction that then comes from the neighbours' at each step.
    """

    scale: float = 0.0
    smoothing: float = 0.0


CORRECTIONS = (
    Correction(),
    Correction(0.5),
    Correction(1.0),
    Correction(0.5, 0.3),
    Correction(1.0, 0.6),
)
"""To choose from, the first being none."""
_STEPS = 5


def correct_and_smooth(
    operator: sparse.csr_array, rows: IntArray, split: Split, values: Array, fitted: Fitted
) -> Array:
    """Return predictions corrected by the errors of neighbours, if that is clearly better.

    Correct and smooth (Huang et al., 2021), with errors of held-out predictions. The setting is
    chosen on the validation genes, which errors and labels of the training genes alone spread to;
    it must be better than none by more than a standard error. Then all known genes' spread.

    Args:
        operator: Normalised adjacency `(nodes, nodes)`.
        rows: Node of each row of the task.
        split: Which rows to learn from and to choose on.
        values: Of all rows, of which those of the split's test rows are not read `(rows, outputs)`.
        fitted: The predictions, held out in the order of `known_rows(split)`.
    """
    known, wanted = known_rows(split), values[split.validation]
    start = np.array(fitted.all_rows)
    start[known] = fitted.held_out
    learnt = np.isin(known, split.train)

    def applied(how: Correction, among: IntArray, held_out: Array) -> Array:
        result = start
        if how.scale:
            told = corrected(operator, rows, among, values, start, held_out, how.scale, _STEPS)
            result = told.astype(np.float64)
        if how.smoothing:
            spreading = Spreading(how.smoothing, _STEPS)
            told = smoothed(operator, rows, among, values, result, spreading)
            result = told.astype(np.float64)
        return result

    errors = np.stack(
        [
            ((applied(how, known[learnt], fitted.held_out[learnt])[split.validation] - wanted) ** 2)
            for how in CORRECTIONS
        ]
    ).mean(axis=2)
    gain = errors[0] - errors
    sure = gain.mean(axis=1) - gain.std(axis=1) / np.sqrt(len(wanted))
    best = int(sure.argmax())
    if sure[best] <= 0:
        return fitted.all_rows
    result = applied(CORRECTIONS[best], known, fitted.held_out)
    result[known] = fitted.all_rows[known]
    return result


@lru_cache(maxsize=2)
def _operator(inputs: GeneInputs) -> sparse.csr_array:
    return symmetric(adjacency(inputs.graph), loops=0)


@dataclass(frozen=True, slots=True)
class StackedProbe:
    """Ridge regressions on descriptions of a gene, stacked, then corrected over the graph.

    Attributes:
        name: What tables call it.
        reading: Which descriptions; all that the inputs allow without.
    """

    name: str = "ours"
    reading: tuple[str, ...] = ()

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return the scores of every gene of the task for each split."""
        rows, found = inputs.graph.rows(task.genes), blocks(inputs)
        if self.reading:
            found = {name: found[name] for name in self.reading}
        read, operator = descriptions(found, rows), _operator(inputs)
        results = []
        for split in splits:
            values, (mean, scale) = _standardised(task, split)
            known = known_rows(split)
            members = [ridge(features, values, known) for features in read.values()]
            combined = stacked(task.kind, members, values, known)
            result = correct_and_smooth(operator, rows, split, values, combined)
            if task.kind != "regression":
                result = np.clip(result, 1e-6, 1 - 1e-6)
            if task.kind == "multiclass":
                result = result / result.sum(axis=1, keepdims=True)
            results.append(as_scores(task, result * scale + mean))
        return results


def _standardised(task: PropertyTask, split: Split) -> tuple[Array, tuple[float, float]]:
    """Return the values to fit, and mean and scale of a regression's known ones."""
    values = targets(task).astype(np.float64)
    if task.kind != "regression":
        return values, (0.0, 1.0)
    known = values[known_rows(split)]
    mean, scale = float(known.mean()), max(float(known.std()), 1e-9)
    return (values - mean) / scale, (mean, scale)


OURS = StackedProbe()
CORRECTED = StackedProbe("text ridge, correct and smooth", ("text",))
"""Label-aware propagation on top of the text alone."""
