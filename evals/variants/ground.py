"""The rows, folds and features that every variant shares, so that two differ in one thing alone."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evals.tasks import TaskName
from models.inputs.screens import CELL_LINES, UNKNOWN, BoolArray, IntArray, Rows
from models.response.corpus import Corpus
from models.response.features import labels, moments
from models.response.field import N_LINES, FloatArray
from models.response.trees import row_weights

Scores = NDArray[np.float64]
QUESTIONS = {"de": "de", "dir": "up"}
"""What the model calls each task."""


class Split(NamedTuple):
    """Rows to learn a task from and rows to score, by number, with labels and weights to learn."""

    fit: IntArray
    asked: IntArray
    label: IntArray
    weight: FloatArray


@dataclass(frozen=True, slots=True)
class Ground:
    """What the variants are fitted to.

    Attributes:
        corpus: What training reads.
        fold: Of each row, `UNKNOWN` where it is left out.
        features: `(rows, features)`, each made without the row's fold.
        names: Of the features.
        lines: Cell lines whose rows are fitted to and scored; evidence is of all.
        scored: Folds whose rows are scored; learners are fitted to the rows of all others.
        rounds: Of the trees.
        seed: Of everything that is drawn.
        threads: Of the trees; changes no number.
    """

    corpus: Corpus
    fold: IntArray
    features: FloatArray
    names: tuple[str, ...]
    lines: tuple[str, ...]
    scored: tuple[int, ...]
    rounds: int
    seed: int
    threads: int

    @property
    def rows(self) -> Rows:
        """Return the training rows."""
        return self.corpus.screens.rows

    @property
    def used(self) -> BoolArray:
        """Return which rows trees are fitted to or score."""
        of_lines = np.isin(self.rows.line, [CELL_LINES.index(line) for line in self.lines])
        used: BoolArray = of_lines & (self.fold != UNKNOWN)
        return used

    @property
    def asked(self) -> IntArray:
        """Return the numbers of the rows that are scored."""
        return np.flatnonzero(np.isin(self.fold, self.scored) & self.used)

    def label(self, task: TaskName) -> IntArray:
        """Return 0 or 1 per row, `UNKNOWN` where the task does not ask it."""
        return self.rows.de if task == "de" else self.rows.up

    def split(self, task: TaskName) -> Split:
        """Return the rows of a task that are learnt from and those that are scored."""
        label = self.label(task)
        known = self.used & (label != UNKNOWN)
        scored = np.isin(self.fold, self.scored)
        fit = np.flatnonzero(known & ~scored)
        weight = row_weights(self.rows.take(fit), QUESTIONS[task])
        return Split(fit, np.flatnonzero(known & scored), label[fit], weight)


class Seen(NamedTuple):
    """What is measured outside a fold, as matrices `(perturbations, readouts)` per line.

    Attributes:
        residual: How far a label departs from what is usual for its readout, in deviations.
        there: 1 where there is a label.
    """

    residual: tuple[sparse.csr_array, ...]
    there: tuple[sparse.csr_array, ...]


def seen(corpus: Corpus, visible: BoolArray, question: str) -> Seen:
    """Return what the visible rows say of a question: `de`, `up` or `signed`."""
    vocabulary = corpus.vocabulary
    shape = (len(vocabulary.perturbations), len(vocabulary.readouts))
    rows, values = labels(corpus.screens.rows.take(visible))[question]
    prior, deviation, _ = moments(rows, values, shape[1])
    at = (rows.line, rows.readout)
    residual = ((values - prior[at]) / deviation[at]).astype(np.float32)
    ones = np.ones(len(rows), np.float32)
    return Seen(
        tuple(rows.matrix(line, residual, shape) for line in range(N_LINES)),
        tuple(rows.matrix(line, ones, shape) for line in range(N_LINES)),
    )
