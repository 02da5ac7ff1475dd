"""The folds of held-out predictions, within which rows are ranked: priors differ between folds."""

import numpy as np
import pandas as pd

from models.inputs.screens import CELL_LINES, UNKNOWN, IntArray, Rows, Setting, folds
from models.response.settings import TrainingSettings


def with_folds(table: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """Return a table of held-out predictions with its `fold`.

    Tables that were written before they had one are given those of the default training.
    """
    if "fold" in table:
        return table
    run = TrainingSettings(setting=setting)
    rows = _rows(table, sorted(set(table["gene"])))
    return table.assign(fold=folds(rows, setting, run.folds, np.random.default_rng(run.seed)))


def _rows(table: pd.DataFrame, genes: list[str]) -> Rows:
    """Return the rows without their labels."""
    unknown = np.full(len(table), UNKNOWN)
    return Rows(
        line=_codes(table["cell_line"], list(CELL_LINES)),
        pert=_codes(table["pert"], sorted(set(table["pert"]))),
        readout=_codes(table["gene"], genes),
        de=unknown,
        up=unknown,
    )


def _codes(words: pd.Series, names: list[str]) -> IntArray:
    return pd.Categorical(words, names).codes.astype(np.int64)
