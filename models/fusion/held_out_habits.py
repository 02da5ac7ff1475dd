"""What readouts do whatever is perturbed, as it looked to a model that never saw a fold.

A held-out prediction rests on a prior without its fold. Beside the prior of all rows it would tell
the label: of a dozen rows of a readout one or two are in a fold, and if they changed, the prior of
all rows is the higher one.
"""

import numpy as np
import pandas as pd

from models.response.features import moments
from models.response.model import Habit
from models.response.screens import CELL_LINES, UNKNOWN, IntArray, Rows, Setting, folds
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


def held_out_habits(table: pd.DataFrame) -> dict[tuple[str, int], dict[str, Habit]]:
    """Return the habits of each line's readouts, by line and by the fold that they do not know.

    Args:
        table: `task`, `pert`, `gene`, `cell_line`, `label` and `fold` of every training row.
    """
    genes = sorted(set(table["gene"]))
    found: dict[tuple[str, int], dict[str, Habit]] = {}
    for fold in sorted(set(table["fold"])):
        priors = []
        for task in ("de", "dir"):
            seen = table[(table["task"] == task) & (table["fold"] != fold)]
            prior, _, count = moments(
                _rows(seen, genes), seen["label"].to_numpy(np.float32), len(genes)
            )
            priors.append((prior, count))
        (de, read), (up, _) = priors
        for number, line in enumerate(CELL_LINES):
            found[line, int(fold)] = {
                genes[i]: Habit(float(de[number, i]), float(up[number, i]))
                for i in np.flatnonzero(read[number])
            }
    return found


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
