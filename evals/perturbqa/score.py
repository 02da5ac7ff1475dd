"""Turns the tables of predictions into scores; a pure function of the tables and a seed.

A table is one of `evals.tasks` with `p`, `abstained` and a column per control.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from evals.harness.metrics import brier, equal_bins, expected_calibration_error
from evals.harness.resampling import Estimate, Resampler, Sample
from evals.harness.scores import Key, Score
from evals.tasks import MEAN, TASKS, TaskName, compared, labelled, samples
from models.inputs.screens import CELL_LINES

Split = Literal["test", "cv"]
"""Official test rows, or held-out training rows; the two are never averaged."""
MODEL = "response model"
BINS = 10
CONTROLS: dict[str, str] = {
    "gene prior": "how often the readout changes (or rises) in the line; .5 by construction",
    "perturbation prior": "how much the perturbation changes in the other lines",
    "cross-line transfer": "what the same perturbation did to the same readout in other lines",
    "logistic regression": "fitted to the same features as the trees, which tells what trees add",
    "knowledge-kNN vote": "outcomes of the readout under perturbations of related genes, weighted "
    "by how related they are",
    "retrieval only": "share of changes among the ten nearest rows of the readout, unweighted",
    "label-shuffled retrieval": "the same rows with outcomes permuted within the readout; what it "
    "keeps above .5 is how many rows there were to retrieve",
}
"""Predictors of their own, scored on the model's rows; each is a column of a unit's tables."""


def predictors(table: pd.DataFrame) -> dict[str, str]:
    """Return the column of the model and of each control that a table has."""
    return {MODEL: "p", **{name: name for name in CONTROLS if name in table}}


def score(table: pd.DataFrame, split: Split, draw: Resampler) -> list[Score]:
    """Return the scores of the model and the controls on the labelled rows."""
    found = samples(table, predictors(table), draw)
    scores = [*compared(found, MODEL, split=split)]
    for (task, line, name), sample in found.items():
        if name == MODEL and line != MEAN:
            scores += _calibration(labelled(table, task, line), sample, task, line, split)
    return scores


def reliability(table: pd.DataFrame, split: Split) -> Iterator[Score]:
    """Yield the observed beside the `stated` rate in equally filled bins."""
    for task in TASKS:
        for line in CELL_LINES:
            rows = labelled(table, task, line)
            p, y = rows.p.to_numpy(np.float64), rows.label.to_numpy(np.float64)
            keys: dict[str, Key] = {"task": task, "cell_line": line, "split": split}
            for part in equal_bins(p, BINS) if len(p) else ():
                observed = Estimate(value=float(y[part].mean()), n=len(part))
                stated = float(p[part].mean())
                yield Score(MODEL, "observed rate", observed, "ours", stated=stated, **keys)


def _calibration(
    rows: pd.DataFrame, found: Sample, task: TaskName, line: str, split: Split
) -> Iterator[Score]:
    """Yield how many rows there are, and how well the model's probabilities are calibrated."""
    y, p = rows.label.to_numpy(np.int64), rows.p.to_numpy(np.float64)
    told = {
        "rows": len(rows),
        "readouts": found.readouts,
        "abstained": int(rows.abstained.sum()),
        "calibration error": expected_calibration_error(y, p),
        "brier": brier(y, p),
    }
    keys = {"task": task, "cell_line": line, "split": split}
    for measure, value in told.items():
        yield Score(MODEL, measure, value, "ours", **keys)
    prior = brier(y, rows["gene prior"].to_numpy(np.float64))
    yield Score("gene prior", "brier", prior, "control", **keys)
