"""Fits one unit of a setting and writes down what it and the controls say of every row."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from evals.perturbqa import ablation, logistic
from evals.perturbqa.controls import (
    CURVE,
    ELSEWHERE,
    FEATURES,
    LINES,
    NEAREST,
    label_of,
    official_questions,
    questions_of,
    votes,
)
from evals.perturbqa.faithfulness import faithfulness
from evals.rows import official_rows
from evals.tasks import TASKS
from knowledge.progress import Progress
from models.inputs.screens import CELL_LINES, UNKNOWN, BoolArray, Rows
from models.response.features import FEATURE_FAMILIES
from models.response.field import FloatArray
from models.response.model import LEAST_SIMILARITY
from models.response.scoring import FittedModel, Unit
from models.response.settings import TrainingSettings

CITING_PAIRS = 160
"""Pairs of all units whose cited rows are taken away; each takes a good part of a second."""
PAIR = ["pert", "gene", "cell_line"]


class Tables(NamedTuple):
    """What a unit leaves; `evals.perturbqa.score` says what the columns are.

    Attributes:
        held_out: Training rows of the unit's lines, as a model saw them that did not see their
            fold.
        tested: Official test rows, labelled or not, with intervals and reasons of abstention.
        ablation: Raw scores of some held-out rows with and without each family of features.
        faithfulness: Per task, how far predictions move without the rows they cite.
    """

    held_out: pd.DataFrame
    tested: pd.DataFrame
    ablation: pd.DataFrame
    faithfulness: pd.DataFrame


def held_out_table(
    fitted: FittedModel, unit: Unit, seed: int, *, simple: bool = False
) -> pd.DataFrame:
    """Return the held-out predictions of a unit's lines, and the controls'.

    Args:
        fitted: The model.
        unit: Its lines.
        seed: Of the shuffled control.
        simple: Whether the simple supervised baseline is fitted too, which takes minutes.
    """
    rows, held = fitted.rows, fitted.held_out
    names = np.array(fitted.corpus.vocabulary.genes)
    vocabulary = fitted.corpus.vocabulary
    parts = []
    for task in TASKS:
        label = label_of(rows, task)
        raw = held.changed if task == "de" else held.up
        use = _in_lines(rows, unit) & (label != UNKNOWN)
        here = rows.take(use)
        curve = fitted.calibrations[CURVE[task]]
        features = {
            name: held.features[use, held.names.index(column.format(CURVE[task]))]
            for name, column in FEATURES.items()
        }
        features["gene prior"] = expit(features["gene prior"])
        abstained = _abstained(fitted, use)
        p = curve.probability(raw[use], here.line)
        p = np.where(abstained, features["gene prior"], p)
        nearest = held.features[use, held.names.index("relatives")].astype(np.float64)
        low, high = curve.interval(p, nearest)
        table = pd.DataFrame(
            {
                "pert": names[vocabulary.perturbations[here.pert]],
                "gene": names[vocabulary.readouts[here.readout]],
                "cell_line": np.array(CELL_LINES)[here.line],
                "task": task,
                "label": label[use].astype(np.float64),
                "fold": held.fold[use],
                "p": p,
                "low": low,
                "high": high,
                "abstained": abstained,
                NEAREST: nearest,
                ELSEWHERE: features["cross-line transfer"] != 0,
                LINES: held.features[use, held.names.index("de_lines_elsewhere")],
                **features,
            }
        )
        if simple:
            table[logistic.NAME] = logistic.held_out(fitted, label, use, task)
        for k in np.unique(held.fold):
            asked = use & (held.fold == k)
            found = votes(
                fitted.corpus,
                rows,
                questions_of(fitted.corpus, rows.take(asked)),
                held.fold != k,
                task,
                seed,
            )
            at = held.fold[use] == k
            for name, column in found.items():
                table.loc[at, name] = column
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def tested_table(fitted: FittedModel, unit: Unit, root: Path, seed: int) -> pd.DataFrame:
    """Return the predictions of every official test row of a unit's lines, and the controls'.

    Raises:
        DataError: A label file is missing.
    """
    asked = pd.concat(
        [
            official_rows(root, line, task, fitted.corpus.symbols).assign(cell_line=line, task=task)
            for task in TASKS
            for line in unit.cell_lines
        ],
        ignore_index=True,
    )
    pairs = asked[PAIR].drop_duplicates(ignore_index=True)
    said = fitted.predict(pairs)
    seen, names = fitted.features(pairs)
    said[NEAREST] = seen[:, names.index("relatives")].astype(np.float64)
    said[LINES] = seen[:, names.index("de_lines_elsewhere")]
    at = pd.MultiIndex.from_frame(pairs).get_indexer(pd.MultiIndex.from_frame(asked[PAIR]))
    said, seen = said.iloc[at].reset_index(drop=True), seen[at]
    is_de = asked.task == "de"
    everything = np.ones(len(fitted.rows), bool)
    out = asked.assign(
        fold=-1,
        p=said.p_de.where(is_de, said.p_up),
        low=said.p_de_low.where(is_de, said.p_up_low),
        high=said.p_de_high.where(is_de, said.p_up_high),
        abstained=said.abstained,
        reason=said.reason,
        **{name: said[name] for name in (NEAREST, LINES)},
        **{
            name: said[column.format("de")].where(is_de, said[column.format("up")])
            for name, column in FEATURES.items()
        },
    )
    out["gene prior"] = expit(out["gene prior"].astype(np.float64))
    # Nothing is known of a gene outside the vocabulary: it was measured nowhere.
    out[ELSEWHERE] = out["cross-line transfer"].fillna(0) != 0
    for task in TASKS:
        here = (out.task == task).to_numpy()
        out.loc[here, logistic.NAME] = logistic.asked(
            fitted.held_out.features, names, label_of(fitted.rows, task), seen[here]
        )
        questions = official_questions(fitted.corpus, out[here])
        for name, column in votes(
            fitted.corpus, fitted.rows, questions, everything, task, seed
        ).items():
            out.loc[here, name] = column
    return out


def faithfulness_table(
    fitted: FittedModel, tested: pd.DataFrame, units: int, seed: int
) -> pd.DataFrame:
    """Return how far predictions of some test pairs move without cited and without random rows.

    No label is used.
    """
    pairs = tested.loc[~tested.abstained, PAIR].drop_duplicates()
    sample = pairs.sample(min(len(pairs), CITING_PAIRS // units), random_state=seed)
    found = faithfulness(fitted, sample, seed)
    return pd.DataFrame(
        [
            {"task": task, "cited": one.cited, "random": one.random, "pairs": one.pairs}
            for task, one in found.items()
        ]
    )


def ablation_table(
    fitted: FittedModel,
    unit: Unit,
    units: int,
    run: TrainingSettings,
    kept: Path,
    progress: Progress,
) -> pd.DataFrame:
    """Return raw scores of some held-out rows with all features and without each family."""
    rows, held = fitted.rows, fitted.held_out
    scored = held.fold < ablation.folds_scored(units)
    asked = np.flatnonzero(_in_lines(rows, unit) & scored)
    used = {n: left for n, left in FEATURE_FAMILIES.items() if not set(left).isdisjoint(held.names)}
    scores = ablation.scores_without(fitted, asked, used, run, kept, progress)
    genes = np.array(fitted.corpus.vocabulary.genes)
    part = rows.take(asked)
    base = pd.DataFrame(
        {
            "pert": genes[fitted.corpus.vocabulary.perturbations[part.pert]],
            "gene": genes[fitted.corpus.vocabulary.readouts[part.readout]],
            "cell_line": np.array(CELL_LINES)[part.line],
            "fold": held.fold[asked],
        }
    )
    parts = []
    for number, task in enumerate(TASKS):
        label = label_of(part, task)
        columns = {name: both[number] for name, both in scores.items()}
        parts.append(base.assign(task=task, label=label, **columns))
    table = pd.concat(parts, ignore_index=True)
    return table[table.label != UNKNOWN]


def _abstained(fitted: FittedModel, use: BoolArray) -> BoolArray:
    """Return where the model that did not see a row's fold had no support, as when predicting."""
    held = fitted.held_out

    def feature(name: str) -> FloatArray:
        column: FloatArray = held.features[use, held.names.index(name)]
        return column

    alone = (feature("relatives") < LEAST_SIMILARITY) & (feature("de_lines_elsewhere") == 0)
    abstained: BoolArray = alone | (feature("de_prior_rows") == 0)
    return abstained


def _in_lines(rows: Rows, unit: Unit) -> BoolArray:
    return np.isin(rows.line, [CELL_LINES.index(line) for line in unit.cell_lines])
