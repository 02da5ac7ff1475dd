"""Scores predictions of set changes: macro per-set AUROC with controls, on held-out and test rows.

A set's AUROC ranks the perturbations of that set, so that a table of set rates scores one half.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.genesets.labels import official_rows
from evals.genesets.stack import OF_MEMBERS, SetModel, SetTable, shuffled
from evals.genesets.world import World
from evals.harness.metrics import Ranking, brier, expected_calibration_error
from evals.harness.resampling import Resampler
from evals.harness.scores import Score
from evals.tasks import TASKS, TaskName
from knowledge.symbols import SymbolTable
from models.inputs.screens import UNKNOWN, IntArray, Rows, Setting

Floats = NDArray[np.float64]
Split = Literal["cv", "test"]
MODEL = "set model"
PREDICTIONS = [
    "pert", "gene", "cell_line", "setting", "task", "p", "label", "abstained", "low", "high",
]  # fmt: skip
CONTROLS = {
    MODEL: "evidence of the response model with sets as readouts, stacked",
    "set prior": "the rate of the set in the training rows; .5 by construction",
    "perturbation prior": "how much related perturbations change, whatever the set",
    "other lines": "what the perturbation did to the set's members in other lines",
    "neighbour vote": "similarity-weighted vote of related perturbations on the set",
    "neighbour vote, labels shuffled": "the same, outcomes drawn anew within each set",
}
HEAD: Mapping[TaskName, str] = {"de": "de", "dir": "up"}
VOTE_SUPPORT = 0.05


def held_out_predictions(
    world: World, model: SetModel, setting: Setting, seed: int
) -> pd.DataFrame:
    """Return every training row as predicted without its perturbation, controls beside it."""
    labels = world.labels
    parts: list[pd.DataFrame] = []
    for task in TASKS:
        label = labels.de if task == "de" else labels.up
        table = _predicted(world, model, model.held_out, task)
        votes = [np.zeros(len(labels)), np.zeros(len(labels))]
        for k in np.unique(model.fold):
            here = model.fold == k
            for vote, found in zip(
                votes, _votes(world, labels.take(~here), task, table[here], seed), strict=True
            ):
                vote[here] = found
        table["neighbour vote"], table["neighbour vote, labels shuffled"] = votes
        table = table.assign(label=label, fold=model.fold, task=task, setting=setting)
        parts.append(table.loc[label != UNKNOWN])
    return pd.concat(parts, ignore_index=True)


def official_predictions(
    world: World, model: SetModel, setting: Setting, seed: int, root: Path, symbols: SymbolTable
) -> pd.DataFrame:
    """Return every official test row with its prediction; the only reader of test labels.

    Raises:
        DataError: A file is missing.
    """
    parts = []
    for task in TASKS:
        table = _predicted(world, model, model.tested, task)
        table["neighbour vote"], table["neighbour vote, labels shuffled"] = _votes(
            world, world.labels, task, table, seed
        )
        rows = official_rows(root, task, symbols)
        found = rows.merge(table, on=["pert", "gene"], how="left", validate="many_to_one")
        parts.append(found.assign(fold=0, task=task, setting=setting))
    return pd.concat(parts, ignore_index=True)


def score_sets(table: pd.DataFrame, split: Split, seed: int, draws: int = 200) -> Iterator[Score]:
    """Yield every predictor's scores on each task and setting of `table`.

    Sets are ranked within a fold, as on the official split, so that rows ranked against each other
    come from one fit. Calibration is that of predictors that give probabilities.
    """
    for (setting, task), part in table.groupby(["setting", "task"], sort=False):
        keys = {"about": "sets", "task": str(task), "setting": str(setting), "split": split}
        y = part.label.to_numpy(np.int64)
        sets = pd.factorize(part.gene)[0].astype(np.int64)
        group = part.fold.to_numpy(np.int64) * (int(sets.max()) + 1) + sets
        unit = pd.factorize(part.pert)[0].astype(np.int64)
        draw = Resampler(unit, seed, draws)
        counts = {"sets": part.gene.nunique(), "rows": len(part),
                  "abstained": int(part.abstained.sum())}  # fmt: skip
        for measure, count in counts.items():
            yield Score(MODEL, measure, count, **keys)
        for predictor in CONTROLS:
            p = part["p" if predictor == MODEL else predictor].to_numpy(np.float64)
            yield Score(predictor, "auroc", draw.auroc(unit, Ranking(group, y, p)), **keys)
            if predictor in (MODEL, "set prior"):
                error = expected_calibration_error(y, p)
                yield Score(predictor, "calibration error", error, **keys)
                yield Score(predictor, "brier", brier(y, p), **keys)


def neighbour_vote(
    rows: Rows, label: IntArray, similarity: Floats, perts: IntArray, readouts: IntArray
) -> Floats:
    """Return, per pair, how far related perturbations depart from the readout's rate.

    Args:
        rows: The rows that vote.
        label: Their outcomes, 0 or 1.
        similarity: Between perturbations `(perturbations, perturbations)`, zero diagonal.
        perts: Perturbation of each pair.
        readouts: Readout of each pair.
    """
    out = np.zeros(len(perts))
    for readout in np.unique(readouts):
        here, asked = rows.readout == readout, np.flatnonzero(readouts == readout)
        if here.any():
            weight = similarity[np.ix_(perts[asked], rows.pert[here])]
            departure = label[here] - label[here].mean()
            out[asked] = weight @ departure / (weight.sum(1) + VOTE_SUPPORT)
    return out


def _predicted(world: World, model: SetModel, table: SetTable, task: TaskName) -> pd.DataFrame:
    """Return pairs with probability, interval and the controls that are features."""
    head = HEAD[task]
    p = model.probability(table, head)
    low, high = model.calibrations[head].interval(p, table.nearest)
    return pd.DataFrame(
        {
            "pert": np.array(world.perturbations)[table.pert],
            "gene": np.array(world.sets)[table.which],
            "cell_line": "K562",
            "p": p,
            "low": low,
            "high": high,
            "abstained": ~table.supported,
            "set prior": model.priors[head][table.which],
            "perturbation prior": table.column(f"{head}_strength"),
            "other lines": table.column(f"{OF_MEMBERS}{head}_exact_elsewhere"),
        }
    )


def _votes(
    world: World, rows: Rows, task: TaskName, pairs: pd.DataFrame, seed: int
) -> tuple[Floats, Floats]:
    """Return the vote on `pairs` by `rows`, and that by `rows` with shuffled labels."""
    perts = pd.Index(world.perturbations).get_indexer(pd.Index(pairs.pert)).astype(np.int64)
    which = pd.Index(world.sets).get_indexer(pd.Index(pairs.gene)).astype(np.int64)
    if task == "dir":
        rows = rows.take(rows.up != UNKNOWN)
    found = []
    for voters in (rows, shuffled(rows, np.random.default_rng(seed))):
        label = voters.de if task == "de" else voters.up
        similarity = world.similarity.astype(np.float64)
        found.append(neighbour_vote(voters, label, similarity, perts, world.n_readouts + which))
    return found[0], found[1]
