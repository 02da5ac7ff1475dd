"""Turns the answers of the splits into scores; a pure function of the tables and a seed."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from evals.harness.metrics import Ranking
from evals.harness.resampling import Axis, Resampler, Sample, crossed
from evals.harness.scores import Gain, Score
from evals.tasks import MEAN, TASKS, TaskName, labelled
from evals.unseen.splits import SplitName
from evals.unseen.unit import CONTROLS, MODEL, PERTURBATION, READOUT
from models.inputs.screens import CELL_LINES

Tables = Mapping[SplitName, pd.DataFrame]
WITHIN = {"readout": "gene", "perturbation": "pert"}
"""What rows are ranked within, and its column."""
ACROSS = "auroc, folds mixed"
NEAREST = (0.0, 0.1, 0.2, 0.4, 1.01)
FEWEST = 30
"""Ranked groups from which on a figure is told."""


def scores(tables: Tables, seed: int, draws: int) -> Iterator[Score]:
    """Yield the AUROC within readout and within perturbation of each split, task and predictor."""
    perts = Resampler({p for t in tables.values() for p in t["pert"]}, seed, draws)
    readouts = Resampler({g for t in tables.values() for g in t["gene"]}, seed + 1, draws)
    for name, table in tables.items():
        for task in TASKS:
            for within in WITHIN:
                yield from _compared(table, name, task, within, perts, readouts)
            yield from _trap(table, name, task, perts, readouts)
            yield from _by_nearest(table, name, task, perts, readouts)


def _compared(
    table: pd.DataFrame,
    name: str,
    task: TaskName,
    within: str,
    perts: Resampler,
    readouts: Resampler,
) -> Iterator[Score]:
    found: dict[str, Sample] = {}
    for predictor in (MODEL, *CONTROLS):
        parts = _lines(table, task, predictor, within, perts, readouts)
        if parts:
            found[predictor] = Sample.mean(parts)
    for predictor, sample in found.items():
        role = "ours" if predictor == MODEL else "control"
        keys = {"split": name, "task": task, "within": within, "cell_line": MEAN}
        yield Score(predictor, "auroc", sample, role, **keys)
        if predictor != MODEL:
            yield Gain(MODEL, predictor, "auroc", found[MODEL] - sample, "ours", **keys)
    if not found:
        return
    for what, n in (("rows", len(labelled(table, task))), ("groups", found[MODEL].readouts)):
        yield Score(MODEL, what, n, "ours", split=name, task=task, within=within)


def _trap(
    table: pd.DataFrame, name: str, task: TaskName, perts: Resampler, readouts: Resampler
) -> Iterator[Score]:
    """Yield the rate of readout or perturbation in other folds, ranked over all folds at once.

    A row that changes is missing from the rate of its own fold: the rate alone then tells the
    labels apart, the wrong way round.
    """
    for predictor, within in ((READOUT, "readout"), (PERTURBATION, "perturbation")):
        mixed = table.assign(fold=0)
        parts = _lines(mixed, task, predictor, within, perts, readouts)
        if parts:
            sample = Sample.mean(parts)
            yield Score(predictor, ACROSS, sample, "control", split=name, task=task, within=within)


def _by_nearest(
    table: pd.DataFrame, name: str, task: TaskName, perts: Resampler, readouts: Resampler
) -> Iterator[Score]:
    for low, high in pairwise(NEAREST):
        part = table[(table["nearest"] >= low) & (table["nearest"] < high)]
        found = _lines(part, task, MODEL, "readout", perts, readouts)
        if sum(one.readouts for one in found) >= FEWEST:
            keys = {"split": name, "task": task, "part": f"{low:.1f} to {min(high, 1):.1f}"}
            yield Score(MODEL, "auroc", Sample.mean(found), "ours", by="nearest", **keys)
            rows = len(labelled(part, task))
            yield Score(MODEL, "rows", rows, "ours", by="nearest", **keys)


def _lines(
    table: pd.DataFrame,
    task: TaskName,
    predictor: str,
    within: str,
    perts: Resampler,
    readouts: Resampler,
) -> Sequence[Sample]:
    found = []
    for line in CELL_LINES:
        rows = labelled(table, task, line)
        if rows.empty:
            continue
        group = rows.groupby(["fold", WITHIN[within]], observed=True).ngroup()
        score = np.nan_to_num(rows[predictor].to_numpy(np.float64))
        ranking = Ranking(group.to_numpy(np.int64), rows["label"].to_numpy(np.int64), score)
        pert, gene = Axis(perts, rows["pert"]), Axis(readouts, rows["gene"])
        inside, over = (pert, gene) if within == "readout" else (gene, pert)
        if len(ranking.groups):
            found.append(crossed(ranking, inside, over))
    return found
