"""A simple supervised baseline: logistic regression on the very features that the trees see."""

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models.inputs.screens import CELL_LINES, UNKNOWN, BoolArray, IntArray
from models.response.field import FloatArray
from models.response.scoring import FittedModel

NAME = "logistic regression"
LINE = "line"


def fitted(features: FloatArray, names: tuple[str, ...], label: IntArray) -> Pipeline:
    """Return a logistic regression on standardised features; an unknown one is the mean.

    Args:
        features: `(rows, features)`.
        names: Of the features; the line becomes a column for each line.
        label: 0 or 1.
    """
    model = make_pipeline(
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(solver="newton-cholesky"),
    )
    return model.fit(_by_line(features, names), label)


def held_out(model: FittedModel, label: IntArray, use: BoolArray, task: str) -> NDArray[np.float64]:
    """Return the probability of each row of `use`, from a fit to the rows of other folds.

    Args:
        model: Its held-out features and folds are used.
        label: Of each training row, `UNKNOWN` where it has none.
        use: Which rows are asked.
        task: `de` or `dir`, for errors.

    Raises:
        ValueError: The rows of a fold's complement have one label only.
    """
    held = model.held_out
    out = np.full(len(use), np.nan)
    known = label != UNKNOWN
    for k in np.unique(held.fold[use]):
        fit, here = known & (held.fold != k), use & (held.fold == k)
        if len(np.unique(label[fit])) < 2:
            raise ValueError(f"{task}: the rows outside fold {k} have one label")
        chosen = fitted(held.features[fit], held.names, label[fit])
        out[here] = chosen.predict_proba(_by_line(held.features[here], held.names))[:, 1]
    return out[use]


def asked(
    features: FloatArray, names: tuple[str, ...], label: IntArray, new: FloatArray
) -> NDArray[np.float64]:
    """Return the probability of new rows from a fit to all training rows.

    Args:
        features: Of the training rows, each made without the row's fold.
        names: Of the features.
        label: Of each training row, `UNKNOWN` where it has none.
        new: Features of the new rows, NaN where nothing is known of a gene.
    """
    known = label != UNKNOWN
    chosen = fitted(features[known], names, label[known])
    found: NDArray[np.float64] = chosen.predict_proba(_by_line(new, names))[:, 1]
    return found


def _by_line(features: FloatArray, names: tuple[str, ...]) -> FloatArray:
    at = names.index(LINE)
    lines = features[:, [at]] == np.arange(len(CELL_LINES), dtype=np.float32)
    rest = [i for i in range(len(names)) if i != at]
    return np.hstack([features[:, rest], lines.astype(np.float32)])
