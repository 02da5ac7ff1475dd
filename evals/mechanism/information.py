"""Do paths say anything that the response model does not know already?"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray, IntArray, Ranking
from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Key, Score
from evals.mechanism.facts import ALL
from models.fusion import balance, logit, strength
from models.inputs.screens import CELL_LINES

ABOUT = "information"
FOLDS = 5
INVERSE_PENALTY = 1.0
Task = Literal["de", "dir"]
LEAST = 1e-4


def path_features(table: pd.DataFrame, task: Task) -> FloatArray:
    """Return what a logistic model is told of each row's paths, 0 where there is none `(rows, 3)`.

    Args:
        table: `up` and `down`, the confidences, `steps` and `uncurated` of the better path, all 0
            where there is no path.
        task: Whether it is about a change, or about its direction.
    """
    up, down = table.up.to_numpy(), table.down.to_numpy()
    x = strength(up, down) if task == "de" else balance(up, down)
    side = np.ones(len(table)) if task == "de" else np.sign(up - down)
    there = (np.maximum(up, down) > 0) * side
    curated = there * (table.uncurated.to_numpy() == 0)
    return np.column_stack([x, there / np.maximum(table.steps.to_numpy(), 1), curated])


def information(table: pd.DataFrame, resampler: Resampler, seed: int) -> Iterator[Score]:
    """Iterate over what paths add, per task, choice of rows and line.

    Both models are logistic, fitted on other perturbations' rows: one on the response model's
    held-out logit, one on that and the path features.

    Args:
        table: Training pairs with `de`, `is_up`, `p_de`, `p_up`, and the columns of
            `path_features`.
        resampler: Draws perturbations.
        seed: Of the folds.
    """
    tasks: dict[Task, tuple[str, str]] = {"de": ("de", "p_de"), "dir": ("is_up", "p_up")}
    for task, (label, column) in tasks.items():
        rows = table[table[label].notna() & table[column].notna()].reset_index(drop=True)
        if rows.empty or rows[label].nunique() < 2:
            continue
        alone, joint = _held_out(rows, task, label, column, seed)
        group = (
            rows.groupby(["cell_line", "gene"], observed=True).ngroup().to_numpy().astype(np.int64)
        )
        path = (rows.up.to_numpy() > 0) | (rows.down.to_numpy() > 0)
        reached = np.isin(group, np.unique(group[path]))
        for name, chosen in (("reached", reached), ("path", path)):
            for line in (*CELL_LINES, ALL):
                at = chosen if line == ALL else chosen & (rows.cell_line == line).to_numpy()
                keys: dict[str, Key] = {"task": task, "rows": name, "cell_line": line}
                yield from _gain(rows[at], label, group[at], alone[at], joint[at], resampler, keys)


def _held_out(
    rows: pd.DataFrame, task: Task, label: str, column: str, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities without and with paths, by models of other perturbations."""
    from sklearn.linear_model import LogisticRegression

    y = rows[label].to_numpy(np.int64)
    base = logit(rows[column].to_numpy(np.float64))[:, None]
    full = np.hstack([base, path_features(rows, task)])
    names = np.array(sorted(set(rows.pert)))
    drawn = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    fold = rows.pert.map(dict(zip(names, drawn, strict=True))).to_numpy()
    out = []
    for x in (base, full):
        p = np.full(len(rows), y.mean())
        for number in np.unique(fold):
            fit, test = fold != number, fold == number
            if len(np.unique(y[fit])) == 2:
                model = LogisticRegression(C=INVERSE_PENALTY, solver="newton-cholesky")
                p[test] = model.fit(x[fit], y[fit]).predict_proba(x[test])[:, 1]
        out.append(p)
    return out[0], out[1]


def _gain(
    rows: pd.DataFrame,
    label: str,
    group: IntArray,
    alone: FloatArray,
    joint: FloatArray,
    resampler: Resampler,
    keys: Mapping[str, Key],
) -> Iterator[Score]:
    y, unit = rows[label].to_numpy(np.int64), rows.pert.to_numpy(str)
    rankings = [Ranking(group, y, p) for p in (alone, joint)]
    if not len(rankings[0].groups):
        return
    before, after = (resampler.auroc(unit, ranking) for ranking in rankings)
    if not (after - before).known:
        return
    lost = resampler.mean(unit, _loss(y, joint) - _loss(y, alone))
    yield Score("response", "auroc", before, about=ABOUT, **keys)
    yield Score("with paths", "auroc", after, about=ABOUT, **keys)
    yield Gain("with paths", "response", "auroc", after - before, about=ABOUT, **keys)
    yield Score("with paths", "change of log loss", lost, about=ABOUT, **keys)


def _loss(y: IntArray, p: FloatArray) -> FloatArray:
    q = np.clip(p, LEAST, 1 - LEAST)
    return np.asarray(-np.where(y == 1, np.log(q), np.log(1 - q)))
