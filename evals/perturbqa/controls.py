"""The controls of PerturbQA: features that are predictors of their own, and retrieval.

None of them is fitted to labels beyond the rows that may be seen, so that all take a minute.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from evals.perturbqa import logistic
from evals.perturbqa.retrieval import Questions, retrieval_votes
from evals.tasks import TASKS, TaskName
from knowledge.progress import Progress
from models.inputs.screens import CELL_LINES, UNKNOWN, BoolArray, IntArray, Rows
from models.response.corpus import Corpus
from models.response.held_out import Pairs, fit_to, held_out_features, pair_features
from models.response.scoring import read_corpus
from models.response.settings import TrainingSettings
from models.response.similarity import similarity_to

FEATURES = {
    "gene prior": "{}_prior",
    "perturbation prior": "{}_strength_elsewhere",
    "cross-line transfer": "{}_exact_elsewhere",
    "knowledge-kNN vote": "{}_vote",
}
"""Controls that are features of the model, by the name of the feature for a task."""
CURVE = {"de": "de", "dir": "up"}
NEAREST = "nearest"
"""Column: similarity of the perturbation's nearest relative among those that were measured."""
ELSEWHERE = "measured elsewhere"
"""Column: whether the same pair is a row of another line that the model saw."""
LINES = "lines elsewhere"
"""Column: how many other lines measured the perturbation."""


def label_of(rows: Rows, task: TaskName) -> IntArray:
    """Return the label of each row for a task, `UNKNOWN` where it has none."""
    return rows.de if task == "de" else rows.up


def official_controls(
    data: Path, asked: pd.DataFrame, seed: int, cache: Path, told: Progress
) -> pd.DataFrame:
    """Return official test rows with what the controls say, no label of theirs being read.

    Columns besides those of `asked`: each control of `evals.perturbqa.score`, `NEAREST`, `LINES`
    and `ELSEWHERE`.

    Args:
        data: Folder that holds `perturbqa/`, `knowledge/` and `networks/`.
        asked: Rows with `pert`, `gene`, `cell_line` and `task`.
        seed: Of the shuffled control, and of the folds.
        cache: Folder in which finished folds of features are kept for a resumed run.
        told: Told what is being done.

    Raises:
        DataError: A file is missing.
    """
    corpus = read_corpus(data, "multi", told)
    rows, vocabulary = corpus.screens.rows, corpus.vocabulary
    run = TrainingSettings(seed=seed)
    cache.mkdir(parents=True, exist_ok=True)
    _, held_out, names = held_out_features(corpus, rows, run, cache, told)
    told("fitting the controls' evidence", 0.8)
    similarity = corpus.relatives.between(vocabulary.perturbations)
    evidence = fit_to(rows, corpus, similarity, run.rank)
    pairs = Pairs(
        _at(CELL_LINES, asked["cell_line"]),
        _at(vocabulary.genes, asked["pert"]),
        _at(corpus.screens.readouts, asked["gene"]),
    )
    known = (pairs.gene != UNKNOWN) & (pairs.readout != UNKNOWN)
    some = Pairs(pairs.line[known], pairs.gene[known], pairs.readout[known])
    features = np.full((len(asked), len(names)), np.nan, np.float32)
    features[known], _ = pair_features(some, evidence, corpus, similarity)
    out = asked.copy()
    out[NEAREST] = features[:, names.index("relatives")].astype(np.float64)
    out[LINES] = features[:, names.index("de_lines_elsewhere")]
    for task in TASKS:
        of_task = (asked["task"] == task).to_numpy()
        for name, column in FEATURES.items():
            values = features[:, names.index(column.format(CURVE[task]))].astype(np.float64)
            if name == "gene prior":
                values = expit(values)
            out.loc[of_task, name] = values[of_task]
        label = label_of(rows, task)
        out.loc[of_task, logistic.NAME] = logistic.asked(held_out, names, label, features[of_task])
        questions = official_questions(corpus, asked[of_task])
        everything = np.ones(len(rows), np.bool_)
        for name, found in votes(corpus, rows, questions, everything, task, seed).items():
            out.loc[of_task, name] = found
    # Nothing is known of a gene outside the vocabulary: it was measured nowhere.
    out[ELSEWHERE] = out["cross-line transfer"].fillna(0) != 0
    return out


def votes(
    corpus: Corpus, rows: Rows, questions: Questions, visible: BoolArray, task: TaskName, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return the vote of retrieved rows for each question, and of the same rows shuffled."""
    vocabulary, seen = corpus.vocabulary, rows.take(visible)
    shape = (len(vocabulary.perturbations), len(vocabulary.readouts))
    rng = np.random.default_rng(seed)
    found = retrieval_votes(questions, seen, label_of(seen, task), shape, rng)
    return {"retrieval only": found.retrieved, "label-shuffled retrieval": found.shuffled}


def questions_of(corpus: Corpus, rows: Rows) -> Questions:
    """Return what training rows ask, without their labels."""
    perts, asked = np.unique(rows.pert, return_inverse=True)
    genes = corpus.vocabulary.perturbations[perts]
    return _asked(corpus, genes, perts, rows.line, asked, rows.readout)


def official_questions(corpus: Corpus, table: pd.DataFrame) -> Questions:
    """Return what the rows of a table ask: `pert`, `gene` and `cell_line`."""
    vocabulary = corpus.vocabulary
    asked, perts = pd.factorize(table.pert)
    genes = _at(vocabulary.genes, perts)
    own = _at(vocabulary.perturbations, genes)
    readout = _at(vocabulary.readouts, _at(vocabulary.genes, table.gene))
    line = _at(CELL_LINES, table.cell_line)
    return _asked(corpus, genes, own, line, asked, readout)


def _at(known: Any, words: Any) -> IntArray:  # noqa: ANN401  # anything an index can be made of
    """Return where each word is among the known ones, -1 where it is not."""
    at: IntArray = pd.Index(known).get_indexer(pd.Index(words)).astype(np.int64)
    return at


def _asked(
    corpus: Corpus,
    genes: IntArray,
    own: IntArray,
    line: IntArray,
    asked: IntArray,
    readout: IntArray,
) -> Questions:
    between = corpus.relatives.between(corpus.vocabulary.perturbations)
    similarity = np.zeros((len(genes), len(between)), np.float32)
    known = genes >= 0
    similarity[known] = similarity_to(corpus.relatives, between, genes[known], own[known])
    return Questions(line, asked, readout, similarity, own)
