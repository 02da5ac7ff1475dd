"""What all predictors of gene properties have in common, from majority to graph networks."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evals.genen.inputs import GeneInputs
from models.genen.labels import PropertyTask
from models.genen.splits import IntArray, Split
from models.genen.texts import FloatArray


class PropertyPredictor(Protocol):
    """Something that learns a property from a split's labelled genes and scores all of them."""

    @property
    def name(self) -> str:
        """Return what tables call it."""
        ...

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return for each split the scores of every gene of the task.

        Labels of a split's test genes are never read. All splits come at once, so that a network
        may be trained on all of them as one batch.

        Args:
            task: The genes and their labels; every gene is a node of the graph.
            splits: Which genes to learn from, choose on and leave alone.
            inputs: What is known of the genes besides labels.

        Returns:
            The probability of class 1 of a binary task or the value of a regression `(rows,)`; the
            probability of each class of a multiclass or multilabel task `(rows, classes)`.

        Raises:
            KeyError: A gene of the task is not in the graph.
        """
        ...


def targets(task: PropertyTask) -> FloatArray:
    """Return the labels as numbers to be fitted `(rows, outputs)`.

    One column for a binary task or a regression, a column per class otherwise (1 where the class
    applies).
    """
    if task.kind == "multiclass":
        return np.asarray(task.labels[:, None] == np.arange(len(task.classes)), np.float32)
    return np.asarray(task.labels, np.float32).reshape(len(task), -1)


def as_scores(task: PropertyTask, columns: NDArray[Any]) -> FloatArray:
    """Return the columns of `targets`, predicted, in the shape that `scores` promises."""
    flat = task.kind in ("binary", "regression")
    return np.ascontiguousarray(columns[:, 0] if flat else columns, np.float32)


def known_rows(split: Split) -> IntArray:
    """Return the rows whose labels may be read once settings are chosen, sorted."""
    return np.sort(np.concatenate([split.train, split.validation]))
