"""Fits features and trees without what a split hides, and writes down what is said of its rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from evals.tasks import TASKS
from evals.unseen.splits import Folds
from knowledge.progress import Progress
from models.inputs.screens import CELL_LINES, UNKNOWN, IntArray, Rows
from models.response.corpus import Corpus
from models.response.field import FloatArray
from models.response.held_out import fit_to, pair_features, pairs_of
from models.response.settings import TrainingSettings
from models.response.trees import fit_trees, row_weights

ROUNDS = 100
NAMES = {"de": "de", "dir": "up"}
MODEL = "response model"
READOUT, PERTURBATION = "readout's rate", "perturbation's rate"
STRENGTH, KIN, EXPRESSION = "strength of relatives", "kinship", "readout's expression"
CONTROLS = {
    READOUT: "how often the readout changes (or rises) in the rows that were seen",
    PERTURBATION: "how often the perturbation changes readouts (or raises them) in those rows",
    STRENGTH: "how much related perturbations change",
    KIN: "how alike perturbed gene and readout are",
    EXPRESSION: "how much the readout is expressed in the line",
}
FEATURES = {STRENGTH: "{}_strength", KIN: "kinship", EXPRESSION: "readout_expression"}


def answers(
    corpus: Corpus, folds: Folds, n_folds: int, run: TrainingSettings, progress: Progress
) -> pd.DataFrame:
    """Return what is said of every row that a fold tests, a row per task.

    Features of a fold are made of rows that it may see; trees are fitted to the features of the
    other folds. They are fewer than the model's, so compare within the table.

    Columns: `task`, `pert`, `gene`, `cell_line`, `label`, `fold`, `nearest` (similarity of the
    nearest perturbation that was seen), and one per predictor.
    """
    rows = corpus.screens.rows
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    tables, asked_rows, fold = [], [], []
    names: tuple[str, ...] = ()
    rates: list[dict[str, NDArray[np.float64]]] = []
    nearest: list[FloatArray] = []
    for k in range(n_folds):
        progress(f"features, fold {k + 1} of {n_folds}", 0.8 * k / n_folds)
        asked, seen = np.flatnonzero(folds.asked(rows, k)), ~folds.hidden(rows, k)
        visible, mine = rows.take(seen), rows.take(asked)
        evidence = fit_to(visible, corpus, similarity, run.rank)
        table, names = pair_features(pairs_of(mine, corpus), evidence, corpus, similarity)
        shown = np.unique(visible.pert)
        near = similarity[:, shown]
        near = np.where(shown[None] == np.arange(len(near))[:, None], 0, near).max(1, initial=0)
        nearest.append(near[mine.pert])
        tables.append(table)
        asked_rows.append(asked)
        fold.append(np.full(len(asked), k))
        rates.append(_rates(visible, mine, corpus))
    at = np.concatenate(asked_rows)
    features, of_fold = np.concatenate(tables), np.concatenate(fold)
    part, genes = rows.take(at), np.array(corpus.vocabulary.genes)
    base = pd.DataFrame(
        {
            "pert": genes[corpus.vocabulary.perturbations[part.pert]],
            "gene": genes[corpus.vocabulary.readouts[part.readout]],
            "cell_line": np.array(CELL_LINES)[part.line],
            "fold": of_fold,
            "nearest": np.concatenate(nearest),
        }
    )
    found: list[pd.DataFrame] = []
    for number, task in enumerate(TASKS):
        progress(f"trees, {task}", 0.8 + 0.1 * number)
        label = part.de if task == "de" else part.up
        columns = {
            MODEL: _scores(features, part, label, of_fold, names, task, run),
            **{
                name: np.concatenate([one[f"{task} {name}"] for one in rates])
                for name in (READOUT, PERTURBATION)
            },
            **{
                name: features[:, names.index(column.format(NAMES[task]))].astype(np.float64)
                for name, column in FEATURES.items()
            },
        }
        whole = base.assign(task=task, label=label, **columns)
        found.append(whole.loc[label != UNKNOWN])
    return pd.concat(found, ignore_index=True)


def _scores(
    features: FloatArray,
    rows: Rows,
    label: IntArray,
    fold: IntArray,
    names: tuple[str, ...],
    task: str,
    run: TrainingSettings,
) -> NDArray[np.float64]:
    out = np.full(len(fold), np.nan)
    few = replace(run, rounds=min(run.rounds, ROUNDS))
    for k in np.unique(fold):
        fit, here = (fold != k) & (label != UNKNOWN), fold == k
        weight = row_weights(rows.take(fit), NAMES[task])
        trees = fit_trees(features[fit], label[fit], names, few, weight)
        raw = trees.predict(features[here], raw_score=True, num_threads=run.threads)
        out[here] = expit(np.asarray(raw, np.float64))
    return out


def _rates(seen: Rows, asked: Rows, corpus: Corpus) -> dict[str, NDArray[np.float64]]:
    """Return how often readout and perturbation of each asked row change or rise in seen rows.

    Of its line; what was never seen has the line's mean.
    """
    found = {}
    for task in TASKS:
        label = seen.de if task == "de" else seen.up
        known = label != UNKNOWN
        for name, of_seen, of_asked, size in (
            (READOUT, seen.readout, asked.readout, len(corpus.vocabulary.readouts)),
            (PERTURBATION, seen.pert, asked.pert, len(corpus.vocabulary.perturbations)),
        ):
            key = (seen.line * size + of_seen)[known]
            lines = len(CELL_LINES)
            count = np.bincount(key, minlength=lines * size)
            total = np.bincount(key, label[known], lines * size)
            mean = np.array(
                [
                    label[known & (seen.line == i)].mean() if (known & (seen.line == i)).any()
                    else 0.5
                    for i in range(lines)
                ]
            )  # fmt: skip
            rate = (total + mean.repeat(size)) / (count + 1)
            found[f"{task} {name}"] = rate[asked.line * size + of_asked]
    return found
