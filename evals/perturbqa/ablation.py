"""What each family of features is worth: trees fitted anew without it, on held-out rows only.

To be affordable the trees are fewer than the model's and only some folds are scored; the trees with
all features are fitted the same way, so that the two differ in the family alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Score
from evals.tasks import MEAN, TASKS, samples
from knowledge.files import replacing
from knowledge.progress import Progress
from models.inputs.screens import UNKNOWN, IntArray
from models.response.scoring import FittedModel
from models.response.settings import TrainingSettings
from models.response.trees import fit_trees, row_weights

Scores = NDArray[np.float64]
ABOUT = "ablation"
ROUNDS = 100
FOLDS = 2
ALL = "all features"
WITHOUT = "without "


def note(units: int) -> str:
    """Return how the ablation was made, for the reader."""
    return (
        f"Trees of {ROUNDS} rounds fitted anew with all features and without each family, scored "
        f"on {folds_scored(units)} of the folds over training perturbations; mean over the lines, "
        "paired resamples. They are fewer than the model's, so compare the losses only."
    )


def folds_scored(units: int) -> int:
    """Return how many folds of each unit are scored: fewer where a setting has several units."""
    return FOLDS if units == 1 else 1


def scores_without(
    fitted: FittedModel,
    asked: IntArray,
    families: Mapping[str, tuple[str, ...]],
    run: TrainingSettings,
    kept: Path,
    progress: Progress,
) -> dict[str, Scores]:
    """Return raw scores of both tasks `(2, asked)` with all features and without each family.

    Args:
        fitted: Its held-out features and folds are used; its trees are not.
        asked: Training rows that are scored.
        families: Names of the features of each family.
        run: Seed and threads.
        kept: Folder in which finished families are kept for a resumed run.
        progress: Told before each family.
    """
    out: dict[str, Scores] = {}
    everything = {ALL: (), **{f"{WITHOUT}{name}": left for name, left in families.items()}}
    for number, (name, left_out) in enumerate(everything.items()):
        progress(f"ablation: {name}", number / len(everything))
        path = kept / f"ablation-{number}.npy"
        if path.is_file():
            out[name] = np.load(path, allow_pickle=False)
            continue
        use = [i for i, feature in enumerate(fitted.held_out.names) if feature not in left_out]
        out[name] = _scores(fitted, use, replace(run, rounds=ROUNDS), asked)
        with replacing(path) as draft, draft.open("wb") as file:
            np.save(file, out[name])
    return out


def losses(table: pd.DataFrame, draw: Resampler) -> Iterator[Score]:
    """Yield the AUROC without each family, and what is lost by it, the dearest first.

    Args:
        table: Held-out rows with a column per family left out and one for `ALL`.
        draw: Paired draws.
    """
    if table.empty:
        return
    columns = [ALL, *(name for name in table.columns if name.startswith(WITHOUT))]
    found = samples(table, {name: name for name in columns}, draw)
    for task in TASKS:
        means = {name: found[task, MEAN, name] for name in columns if (task, MEAN, name) in found}
        if (whole := means.pop(ALL, None)) is None:
            continue
        for name, part in sorted(means.items(), key=lambda one: one[1].value - whole.value):
            family = name.removeprefix(WITHOUT)
            yield Score(family, "auroc", part, "ablation", about=ABOUT, task=task)
            yield Gain(ALL, family, "auroc", whole - part, about=ABOUT, task=task)


def _scores(
    fitted: FittedModel, features: list[int], run: TrainingSettings, asked: IntArray
) -> Scores:
    held, rows = fitted.held_out, fitted.rows
    table = np.ascontiguousarray(held.features[:, features])
    names = tuple(held.names[i] for i in features)
    out = np.full((2, len(asked)), np.nan)
    for number, (task, label) in enumerate((("de", rows.de), ("up", rows.up))):
        for k in np.unique(held.fold[asked]):
            fit, here = (label != UNKNOWN) & (held.fold != k), held.fold[asked] == k
            weight = row_weights(rows.take(fit), task)
            trees = fit_trees(table[fit], label[fit], names, run, weight)
            out[number, here] = trees.predict(
                table[asked[here]], raw_score=True, num_threads=run.threads
            )
    return out
