"""Several learners joined: their scores within a readout averaged, or stacked."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

GROUP = ["task", "cell_line", "fold", "gene"]


def within_readout(table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return scores less their mean in the readout, in units of their spread `(rows, columns)`.

    A readout's AUROC is the same after it, and no label is looked at.
    """
    groups = table.groupby(GROUP, observed=True)
    out = np.zeros((len(table), len(columns)))
    for number, name in enumerate(columns):
        centred = table[name] - groups[name].transform("mean")
        spread = centred.groupby(table["task"], observed=True).transform("std")
        out[:, number] = centred / spread.clip(lower=1e-9)
    return out


def averaged(table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return the plain mean."""
    mean: NDArray[np.float64] = within_readout(table, columns).mean(1)
    return mean


def stacked(table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return a weighted sum; the weights of a fold are fitted to the other folds' rows."""
    inputs = within_readout(table, columns)
    out = np.zeros(len(table))
    for task in table["task"].unique():
        for k in table["fold"].unique():
            mine = (table["task"] == task).to_numpy()
            here = mine & (table["fold"] == k).to_numpy()
            rest = mine & ~here
            label = table["label"].to_numpy(np.int64)
            weights = LogisticRegression(C=10.0).fit(inputs[rest], label[rest])
            out[here] = weights.decision_function(inputs[here])
    return out
