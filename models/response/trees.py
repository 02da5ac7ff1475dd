"""Boosted trees over the features: fitted, and asked only about folds they did not see."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from knowledge.files import replacing
from models.inputs.screens import UNKNOWN, BoolArray, IntArray, Rows
from models.response.ensemble import Ensemble
from models.response.field import FloatArray
from models.response.settings import TrainingSettings

TREES: Mapping[str, Any] = {
    "objective": "binary", "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 100,
    "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 10.0,
    "max_bin": 127, "deterministic": True, "force_row_wise": True, "verbose": -1,
}  # fmt: skip
SEEDS = 2
# A readout that few perturbations were measured on has fewer rows to be learnt from, but counts as
# much in the mean over readouts.
STEADY_ROWS = 5.0


def row_weights(rows: Rows, task: str) -> FloatArray:
    """Return how much each row counts in the fit of `de` or `up`, 1 on average.

    Chosen by cross-validation: P(DE) gains .005 when a row counts less the more rows its readout
    has in the line; P(up | DE) gains nothing, so that its rows all count alike.
    """
    if task != "de":
        return np.ones(len(rows), np.float32)
    readout = rows.line * (int(rows.readout.max()) + 1) + rows.readout
    weight = 1 / np.sqrt(np.bincount(readout)[readout] + STEADY_ROWS)
    scaled: FloatArray = (weight / weight.mean()).astype(np.float32)
    return scaled


def fit_trees(
    features: FloatArray,
    label: IntArray,
    names: tuple[str, ...],
    run: TrainingSettings,
    weight: FloatArray | None = None,
    member: int = 0,
) -> "lightgbm.Booster":
    """Fit boosted trees to held-out features: one member of an ensemble."""
    parameters = {**TREES, "seed": run.seed * SEEDS + member, "num_threads": run.threads}
    data = lightgbm.Dataset(features, label, weight=weight, feature_name=list(names))
    return lightgbm.train(parameters, data, run.rounds)


def fit_task(
    features: FloatArray, rows: Rows, task: str, names: tuple[str, ...], run: TrainingSettings
) -> Ensemble:
    """Fit the ensemble of `de` or `up` to all rows that have an answer."""
    label = rows.de if task == "de" else rows.up
    use = label != UNKNOWN
    features, weight = features[use], row_weights(rows.take(use), task)
    return Ensemble(
        tuple(fit_trees(features, label[use], names, run, weight, i) for i in range(SEEDS))
    )


def held_out_scores(
    fold: IntArray,
    features: FloatArray,
    rows: Rows,
    task: str,
    names: tuple[str, ...],
    run: TrainingSettings,
    cache: Path | None = None,
) -> NDArray[np.float64]:
    """Return the raw score of each row that has an answer, from trees fitted to other folds.

    Args:
        fold: Of each row.
        features: Of each row, made without its fold.
        rows: The rows.
        task: `de` or `up`.
        names: Of the features.
        run: Folds, rounds, seed and threads.
        cache: Folder in which the scores of finished folds are kept for a resumed run.
    """
    label = rows.de if task == "de" else rows.up
    scores = np.full(len(fold), np.nan)
    use: BoolArray = label != UNKNOWN
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    for k in range(run.folds):
        fit, test = fold != k, use & (fold == k)
        path = cache / f"scores-{task}-{k}-{version}.npy" if cache else None
        if path and path.is_file():
            scores[test] = np.load(path, allow_pickle=False)
            continue
        trees = fit_task(features[fit], rows.take(fit), task, names, run)
        scores[test] = trees.raw_score(features[test], run.threads)
        if path:
            with replacing(path) as draft, draft.open("wb") as file:
                np.save(file, scores[test])
    return scores
