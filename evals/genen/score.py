"""Turns held-out scores of one property into figures; a pure function of them and a seed."""

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.genen.rivals.predictor import targets
from evals.harness.metrics import FloatArray, Ranking
from evals.harness.resampling import Resampler, Sample
from models.genen.labels import PropertyTask

BoolArray: TypeAlias = NDArray[np.bool_]
DRAWS = 300
SCORE = "score_"
"""How the columns of scores begin, a column per output."""


class Yardstick:
    """Measures predictors of one task on the same resamples of its genes.

    A resample draws genes, and a drawn gene brings its held-out scores of all repeats: what varies
    is which genes were labelled. Variances over folds, corrected for shared training genes (Nadeau
    and Bengio, 2003), would leave four degrees of freedom where a network is trained on one repeat,
    and could not be paired across numbers of repeats.

    Args:
        task: The genes and their labels.
        seed: Of the resamples.
        draws: How many.
    """

    def __init__(self, task: PropertyTask, seed: int, draws: int = DRAWS) -> None:
        self.task = task
        self.truth = targets(task)
        self._draw = Resampler(range(len(task)), seed, draws)

    def value(self, table: pd.DataFrame, among: BoolArray | None = None) -> Sample:
        """Return the mean AUROC over folds and classes, or the mean correlation over folds.

        Genes are ranked within their fold, as another fold is another fit. Of a multiclass task
        each class is ranked against all others.

        Args:
            table: Rows of `held_out`.
            among: Which genes count, all if left out `(genes,)`.
        """
        if among is not None:
            table = table[among[table["row"].to_numpy()]]
        if self.task.kind == "regression":
            return self._correlation(table)
        part, row, said = _columns(table)
        outputs = said.shape[1]
        group = (part[:, None] * outputs + np.arange(outputs)).ravel()
        label = self.truth[row].ravel().astype(np.int64)
        unit = np.repeat(row, outputs)
        ranking = Ranking(group, label, said.ravel())
        return self._draw.auroc(unit, ranking)

    def f1(self, table: pd.DataFrame) -> Sample | None:
        """Return the mean F1 of the classes over repeats; none for a regression.

        The likeliest class is called; of a yes or no question, as many test genes of a fold as the
        share of its other genes says, the highest scores first, so that no threshold is chosen and
        none depends on how well scores are calibrated. Both answers of such a question count as
        classes: calling everything the commonest class scores badly.
        """
        if self.task.kind == "regression":
            return None
        mean = Sample.mean([self._f1(part) for _, part in table.groupby("repeat")])
        return Sample(mean.value, mean.draws, len(self.task))

    def _f1(self, table: pd.DataFrame) -> Sample:
        part, row, said = _columns(table)
        truth = self.truth[row] > 0
        if self.task.kind == "multiclass":
            called = said.argmax(axis=1)[:, None] == np.arange(said.shape[1])
        else:
            called = _called(part, said, truth)
            truth, called = np.hstack([truth, ~truth]), np.hstack([called, ~called])
        hits = np.hstack([truth & called, truth ^ called]).astype(np.float32)

        def mean(weight: NDArray[np.float32]) -> FloatArray:
            right, wrong = np.hsplit((weight.T @ hits).astype(float), 2)
            found = 2 * right + wrong
            each = np.divide(2 * right, found, out=np.zeros_like(found), where=found > 0)
            return np.asarray(each.mean(axis=1))

        value = mean(np.ones((len(row), 1), np.float32))[0]
        return Sample(float(value), mean(self._draw.drawn(row)), len(row))

    def _correlation(self, table: pd.DataFrame) -> Sample:
        """Return the mean Pearson correlation over folds; what does not vary correlates with 0."""
        parts, rows, said = _columns(table)
        found = []
        for part in np.unique(parts):
            mine = np.flatnonzero(parts == part)
            row = rows[mine]
            x, y = said[mine, 0], self.truth[row, 0].astype(float)
            x, y = _standard(x), _standard(y)
            sums = np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])
            once = float(_pearson(sums.sum(axis=0, keepdims=True))[0])
            draws = (self._draw.drawn(row).T @ sums.astype(np.float32)).astype(float)
            found.append(Sample(once, _pearson(draws), len(row)))
        mean = Sample.mean(found)
        return Sample(mean.value, mean.draws, len(np.unique(rows)))


def held_out(
    repeat: int, fold: int, test: NDArray[np.int64], scores: NDArray[np.floating]
) -> pd.DataFrame:
    """Return a row per test gene of a split: `repeat`, `fold`, `row` of the task, and the scores.

    Args:
        repeat: Which repeat.
        fold: Which fold of it.
        test: Rows of the task that the split tests.
        scores: What a predictor said of every row of the task.

    Raises:
        ValueError: A score is missing or infinite.
    """
    said = scores[test].reshape(len(test), -1)
    if not np.isfinite(said).all():
        raise ValueError(f"repeat {repeat}, fold {fold}: a score is not a number")
    table = pd.DataFrame({"repeat": repeat, "fold": fold, "row": test})
    names = [f"{SCORE}{number}" for number in range(said.shape[1])]
    return table.join(pd.DataFrame(said.astype(np.float32), columns=names))


def common(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return of both tables the repeats that both have."""
    repeats = set(one["repeat"]) & set(other["repeat"])
    first, second = (table[table["repeat"].isin(repeats)] for table in (one, other))
    return first, second


def _columns(table: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Return the part (fold of a repeat), the gene and the scores of each row."""
    fold = table["fold"].to_numpy(np.int64)
    part = table["repeat"].to_numpy(np.int64) * (fold.max(initial=0) + 1) + fold
    names = [name for name in table.columns if name.startswith(SCORE)]
    return part, table["row"].to_numpy(np.int64), table[names].to_numpy(float)


def _called(part: NDArray[np.int64], said: FloatArray, truth: BoolArray) -> BoolArray:
    """Return which rows of each part are called, as many as the other parts' share of truths."""
    called = np.zeros_like(truth)
    for one in np.unique(part):
        mine = part == one
        share = truth[~mine].mean(axis=0) if not mine.all() else np.full(truth.shape[1], 0.5)
        for column, count in enumerate(np.rint(share * mine.sum()).astype(int)):
            if count:
                scores = said[mine, column]
                last = np.sort(scores)[-count]
                above, level = scores > last, scores == last
                # Rows that tie are called together, if at least half of them should be.
                wanted = 2 * (count - above.sum()) >= level.sum()
                called[mine, column] = above | level if wanted else above
    return called


def _standard(values: FloatArray) -> FloatArray:
    """Return values with mean 0 and variance 1, or zeros where they do not vary."""
    centred: FloatArray = values - values.mean()
    spread = centred.std()
    return centred / spread if spread > 1e-9 * max(1.0, abs(values).max()) else 0 * centred


def _pearson(sums: FloatArray) -> FloatArray:
    """Return correlations from the sums of 1, x, y, x², y² and xy `(draws, 6)`."""
    n, x, y, xx, yy, xy = sums.T
    spread = np.sqrt(np.maximum(xx * n - x * x, 0) * np.maximum(yy * n - y * y, 0))
    found: FloatArray = np.zeros(len(sums))
    np.divide(xy * n - x * y, spread, out=found, where=spread > 1e-6 * n * n)
    return found
