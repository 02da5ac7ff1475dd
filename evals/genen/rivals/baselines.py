"""What a graph network has to beat: predictors of gene properties that anyone would try first."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evals.genen.inputs import GeneInputs
from evals.genen.rivals.features import Block, neighbourhoods, reduced, words
from evals.genen.rivals.predictor import PropertyPredictor, as_scores, known_rows, targets
from evals.genen.rivals.propagation import (
    Spreading,
    adjacency,
    propagated_labels,
    symmetric,
)
from models.genen.labels import PropertyTask
from models.genen.splits import IntArray, Split
from models.genen.texts import FloatArray

Array = NDArray[np.float64]
STRENGTHS = (0.1, 1.0, 10.0)
"""Inverse penalties of linear models, of which the validation genes choose."""
TREES = 200
DIRECTIONS = 128
"""Of the spectral embedding of the graph."""
_DISTANCES = tuple(Spreading(alpha, steps) for alpha in (0.5, 0.9) for steps in (1, 2, 10))


@dataclass(frozen=True, slots=True)
class Majority:
    """Every gene gets the share of each class, or the mean, of the genes learnt from.

    Attributes:
        name: What tables call it.
    """

    name: str = "majority"

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return the scores of every gene of the task for each split."""
        del inputs
        values = targets(task)
        means = (values[known_rows(split)].mean(axis=0) for split in splits)
        return [as_scores(task, np.tile(mean, (len(task), 1))) for mean in means]


Reading = Literal["words", "text", "graph"]


@dataclass(frozen=True, slots=True)
class LinearBaseline:
    """Logistic regression, or ridge regression of a value, on one description of the genes.

    How strongly it is penalised is chosen on the validation genes; it then learns from these too.

    Attributes:
        name: What tables call it.
        reading: TF-IDF of the words, the embedded text, or the spectral embedding of the graph.
    """

    name: str
    reading: Reading

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return the scores of every gene of the task for each split."""
        features = _read(self.reading, inputs)[inputs.graph.rows(task.genes)]
        return [as_scores(task, _linear(task, features, split)) for split in splits]


@dataclass(frozen=True, slots=True)
class ForestBaseline:
    """A random forest on the embedded text.

    Attributes:
        name: What tables call it.
    """

    name: str = "text + random forest"

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return the scores of every gene of the task for each split."""
        features = inputs.gene_x[inputs.graph.rows(task.genes)]
        return [as_scores(task, _forest(task, features, split)) for split in splits]


@dataclass(frozen=True, slots=True)
class LabelPropagation:
    """Labels spread over the graph's edges: no text, and nothing trained.

    How far they spread is chosen on the validation genes, whose labels then spread too.

    Attributes:
        name: What tables call it.
    """

    name: str = "label propagation"

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return the scores of every gene of the task for each split."""
        operator, rows = _spreading(inputs), inputs.graph.rows(task.genes)
        values = targets(task)
        found = []
        for split in splits:
            errors = [
                _error(task, values, spread, split)
                for spread in (
                    propagated_labels(operator, rows, split.train, values, how)
                    for how in _DISTANCES
                )
            ]
            how = _DISTANCES[int(np.argmin(errors))]
            spread = propagated_labels(operator, rows, known_rows(split), values, how)
            found.append(as_scores(task, _probabilities(task, spread)))
        return found


BASELINES: tuple[PropertyPredictor, ...] = (
    Majority(),
    LinearBaseline("TF-IDF + logistic regression", "words"),
    LinearBaseline("text + logistic regression", "text"),
    ForestBaseline(),
    LinearBaseline("graph spectrum + logistic regression", "graph"),
    LabelPropagation(),
)
"""Every baseline, the plainest first."""


@lru_cache(maxsize=2)
def spectrum(inputs: GeneInputs) -> FloatArray:
    """Return the genes' rows of the graph in its principal directions `(genes, DIRECTIONS)`.

    Singular vectors of the rows of interactions and terms, of unit length each, beside each other.
    """
    rows: Block = sparse.csr_array(sparse.hstack(list(neighbourhoods(inputs.graph).values())))
    return reduced(rows, DIRECTIONS)


@lru_cache(maxsize=2)
def _spreading(inputs: GeneInputs) -> sparse.csr_array:
    return symmetric(adjacency(inputs.graph), loops=0)


def _read(reading: Reading, inputs: GeneInputs) -> Block:
    if reading == "words":
        return words(inputs.texts)
    return inputs.gene_x if reading == "text" else spectrum(inputs)


def _linear(task: PropertyTask, features: Block, split: Split) -> Array:
    values = targets(task)
    errors = [
        _error(task, values, _fitted(task, features, values, split.train, strength), split)
        for strength in STRENGTHS
    ]
    chosen = STRENGTHS[int(np.argmin(errors))]
    return _fitted(task, features, values, known_rows(split), chosen)


def _fitted(
    task: PropertyTask, features: Block, values: FloatArray, known: IntArray, strength: float
) -> Array:
    """Return what a linear model learnt from the known rows says of all rows `(rows, outputs)`."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if task.kind == "regression":
        model = Ridge(alpha=1 / strength, solver="auto", random_state=0)
        predicted = model.fit(features[known], values[known, 0]).predict(features)
        return np.asarray(predicted, np.float64)[:, None]
    logistic = LogisticRegression(C=strength, max_iter=300)
    if task.kind == "multiclass":
        chosen = values[known].argmax(axis=1)
        return np.asarray(logistic.fit(features[known], chosen).predict_proba(features))
    columns = [
        logistic.fit(features[known], values[known, output]).predict_proba(features)[:, 1]
        for output in range(values.shape[1])
    ]
    return np.stack(columns, axis=1)


def _forest(task: PropertyTask, features: FloatArray, split: Split) -> Array:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    values, known = targets(task), known_rows(split)
    if task.kind == "regression":
        # A tree of all 384 columns and 14,000 genes takes seconds; a third of both is as good.
        model = RandomForestRegressor(
            TREES // 4, max_features=0.1, min_samples_leaf=5, random_state=split.seed
        )
        return np.asarray(model.fit(features[known], values[known, 0]).predict(features))[:, None]
    forest = RandomForestClassifier(TREES, min_samples_leaf=2, random_state=split.seed)
    if task.kind == "multiclass":
        chosen = values[known].argmax(axis=1)
        return np.asarray(forest.fit(features[known], chosen).predict_proba(features))
    columns = [
        forest.fit(features[known], values[known, output]).predict_proba(features)[:, 1]
        for output in range(values.shape[1])
    ]
    return np.stack(columns, axis=1)


def _probabilities(task: PropertyTask, spread: FloatArray) -> FloatArray:
    """Return spread labels as what `scores` promises: from 0 to 1, and of one sum if exclusive."""
    if task.kind == "regression":
        return spread
    clipped = np.clip(spread, 1e-6, 1 - 1e-6)
    if task.kind == "multiclass":
        clipped = clipped / clipped.sum(axis=1, keepdims=True)
    return np.asarray(clipped, np.float32)


def _error(
    task: PropertyTask, values: FloatArray, predicted: NDArray[np.floating], split: Split
) -> float:
    """Return how wrong the order of the validation genes is: AUC or correlation, less than zero."""
    wanted, given = values[split.validation], predicted[split.validation]
    if task.kind == "regression":
        if min(np.ptp(wanted), np.ptp(given)) == 0:
            return 0.0
        return -float(np.corrcoef(wanted[:, 0], given[:, 0])[0, 1])
    from sklearn.metrics import roc_auc_score

    areas = [
        roc_auc_score(wanted[:, output], given[:, output])
        for output in range(values.shape[1])
        if 0 < wanted[:, output].sum() < len(wanted)
    ]
    return -float(np.mean(areas)) if areas else 0.0
