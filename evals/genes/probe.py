"""The benchmark's probe: a logistic or linear regression on the embedding, over five folds.

BiomedSciAI/gene-benchmark, scripts/run_task.py: scikit-learn's LogisticRegression(max_iter=5000)
with its other defaults, on vectors as they are; stratified folds for one class per gene, plain ones
for several labels and values; the metrics under their names there. The folds there are drawn anew
for every model, here they are the same for all.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.genes.facts import RANKED
from evals.genes.tasks import GeneTask
from evals.harness.resampling import Estimate
from models.genen.labels import Kind

FloatArray = NDArray[np.float32]
Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
FOLDS = 5
ITERATIONS = 5000


def folds_of(task: GeneTask, rows: NDArray[np.int64], seed: int, folds: int = FOLDS) -> Folds:
    """Return the rows to learn from and those to score, for each fold.

    Classes of fewer genes than folds are left out of a task of many classes.

    Args:
        task: What is predicted.
        rows: Rows of the task that may be used.
        seed: Of the folds.
        folds: How many.

    Returns:
        Nothing where a class of two, or the whole task, has fewer genes than folds.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    said = task.labels[rows]
    if task.kind in ("binary", "multiclass"):
        sizes = np.bincount(said, minlength=len(task.classes))
        rows = rows[sizes[said] >= folds]
        said = task.labels[rows]
        if len(np.unique(said)) < 2:
            return []
        parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, said)
    elif len(rows) < 2 * folds:
        return []
    else:
        parts = KFold(folds, shuffle=True, random_state=seed).split(rows)
    return [(rows[train], rows[test]) for train, test in parts]


def fold_scores(task: GeneTask, vectors: FloatArray, folds: Folds) -> pd.DataFrame:
    """Return a row per fold with a column per metric.

    Args:
        task: What is predicted.
        vectors: A row per gene of the task `(genes, dimensions)`; rows in no fold are not read.
        folds: From `folds_of`.
    """
    rows = [
        {
            "fold": number,
            "train": len(train),
            "test": len(test),
            **_scores(task, vectors, train, test),
        }
        for number, (train, test) in enumerate(folds)
    ]
    return pd.DataFrame(rows)


def over_folds(values: Sequence[float], bounds: tuple[float, float] | None = None) -> Estimate:
    """Return the mean over folds with its 95 % interval.

    Folds share training genes, so their spread alone is too narrow: the variance of the mean is
    that of a fold times (1 / folds + test genes / training genes), Student's t with one degree
    less than folds (Nadeau and Bengio, Machine Learning 2003).

    Args:
        values: One per fold.
        bounds: What the metric cannot leave.
    """
    from scipy.stats import t

    found = np.asarray(values, float)
    n, mean = len(found), float(found.mean())
    if n < 2:
        return Estimate(value=mean, low=mean, high=mean, n=n)
    half = float(t.ppf(0.975, n - 1) * found.std(ddof=1) * np.sqrt(1 / n + 1 / (n - 1)))
    low, high = mean - half, mean + half
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Estimate(value=mean, low=low, high=high, n=n)


def _scores(
    task: GeneTask, x: FloatArray, train: NDArray[np.int64], test: NDArray[np.int64]
) -> dict[str, float]:
    learnt, truth = task.labels[train], task.labels[test]
    if task.kind == "regression":
        return _regression(x[train], learnt, x[test], truth)
    if task.kind == "multilabel":
        p = np.stack([_logistic(x[train], one, x[test])[:, 1] for one in learnt.T], axis=1)
        return _several(truth, p)
    return _one(truth, _logistic(x[train], learnt, x[test]), task.kind)


def _logistic(x: FloatArray, y: NDArray[np.int64], asked: FloatArray) -> FloatArray:
    """Return probabilities `(asked, classes)`; of a label that no training gene has, zero."""
    from sklearn.linear_model import LogisticRegression

    if len(present := np.unique(y)) < 2:
        return np.tile(np.eye(2, dtype=np.float32)[int(present[0])], (len(asked), 1))
    # The intercept is not penalised, so that moving all vectors leaves the model as it is; about
    # the mean of the training genes the solver needs half the steps.
    middle = x.mean(axis=0)
    fitted = LogisticRegression(max_iter=ITERATIONS).fit(x - middle, y)
    return np.asarray(fitted.predict_proba(asked - middle), np.float32)


def _one(truth: NDArray[np.int64], p: FloatArray, kind: Kind) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    # Every class that is kept is in every fold, so that columns are the classes in order.
    place, said = np.unique(truth, return_inverse=True)[1], p.argmax(axis=1)
    if kind == "binary":
        auc, average = _weighted_auc(truth[:, None], p[:, 1:]), "binary"
    else:
        auc, average = _weighted_auc(np.eye(p.shape[1], dtype=np.int64)[place], p), "weighted"
    precision, recall, f1, _ = precision_recall_fscore_support(
        place, said, average=average, zero_division=0
    )
    return {
        "roc_auc": auc,
        "accuracy": float(accuracy_score(place, said)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def _several(truth: NDArray[np.int64], p: FloatArray) -> dict[str, float]:
    """Return metrics weighted by the genes of each label; `roc_auc` as published.

    The benchmark scores AUC with `make_scorer(roc_auc_score)`, which is given decisions, not
    probabilities: it is the mean of sensitivity and specificity at one half. `RANKED` is the AUC.
    """
    from sklearn.metrics import accuracy_score, hamming_loss, precision_recall_fscore_support

    said = (p > 0.5).astype(np.int64)
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, said, average="weighted", zero_division=0
    )
    auc = {"roc_auc": _weighted_auc(truth, said), RANKED: _weighted_auc(truth, p)}
    return {
        **auc,
        "accuracy": float(accuracy_score(truth, said)),
        "hamming": float(hamming_loss(truth, said)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def _weighted_auc(truth: NDArray[np.int64], score: NDArray[Any]) -> float:
    """Return the mean AUC of the labels that have both answers, weighted by their genes."""
    from sklearn.metrics import roc_auc_score

    both = [column for column, one in enumerate(truth.T) if len(np.unique(one)) == 2]
    if not both:
        return 0.5
    each = [roc_auc_score(truth[:, column], score[:, column]) for column in both]
    return float(np.average(each, weights=truth[:, both].sum(axis=0)))


def _regression(
    x: FloatArray, y: FloatArray, asked: FloatArray, truth: FloatArray
) -> dict[str, float]:
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    said = LinearRegression().fit(x.astype(np.float64), y).predict(asked.astype(np.float64))
    still = said.std() == 0 or truth.std() == 0
    return {
        "pearson": 0.0 if still else float(np.corrcoef(said, truth)[0, 1]),
        "r2": float(r2_score(truth, said)),
        "rmse": float(root_mean_squared_error(truth, said)),
        "mae": float(mean_absolute_error(truth, said)),
    }
