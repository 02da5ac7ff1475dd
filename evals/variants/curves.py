"""Learning curves: everything fitted anew to a part of the perturbations or of the rows."""

from dataclasses import replace
from typing import Literal

import numpy as np

from evals.tasks import TASKS, TaskName
from evals.variants.ground import Ground, Scores
from evals.variants.learners import boosted
from models.inputs.screens import CELL_LINES, UNKNOWN, BoolArray, IntArray, folds
from models.response.corpus import Corpus
from models.response.field import FloatArray
from models.response.held_out import fit_to, pair_features, pairs_of
from models.response.settings import TrainingSettings

Of = Literal["perturbations", "rows"]
SHARES = (0.25, 0.5, 0.75, 1.0)
FOLDS, RANK = 3, 16
"""One fold is scored; features of each other are made from the rest of what is kept. Fewer folds
and response factors than the model's, for a fit to each part of the data is a whole training."""


def kept_rows(corpus: Corpus, of: Of, share: float, seed: int) -> BoolArray:
    """Return which rows a share keeps; a larger share keeps what a smaller one does.

    Args:
        corpus: The training rows.
        of: `perturbations` keeps all rows of some perturbations in a line, `rows` some of each.
        share: How many.
        seed: Of what is drawn.
    """
    rows, rng = corpus.screens.rows, np.random.default_rng(seed)
    if of == "rows":
        drawn = rng.permutation(len(rows)) / len(rows)
    else:
        width = int(rows.pert.max()) + 1
        _, group = np.unique(rows.line * width + rows.pert, return_inverse=True)
        drawn = (rng.permutation(int(group.max()) + 1) / (group.max() + 1))[group]
    kept: BoolArray = drawn < share
    return kept


def of_lines(corpus: Corpus, lines: tuple[str, ...]) -> Corpus:
    """Return the corpus with the rows of some lines alone."""
    rows = corpus.screens.rows
    here = rows.take(np.isin(rows.line, [CELL_LINES.index(line) for line in lines]))
    return replace(corpus, screens=replace(corpus.screens, rows=here))


def learnt(
    corpus: Corpus, of: Of, share: float, run: TrainingSettings
) -> tuple[IntArray, dict[TaskName, Scores]]:
    """Return the numbers of the scored rows, and per task their scores from a share of the rest."""
    rows = corpus.screens.rows
    fold = folds(rows, run.setting, FOLDS, np.random.default_rng(run.seed))
    kept = kept_rows(corpus, of, share, run.seed + 1) | (fold == 0)
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    table: FloatArray | None = None
    names: tuple[str, ...] = ()
    for k in range(FOLDS):
        asked = np.flatnonzero(kept & (fold == k))
        visible = rows.take(kept & (fold != k) & (fold != 0))
        evidence = fit_to(visible, corpus, similarity, min(RANK, run.rank))
        part, names = pair_features(pairs_of(rows.take(asked), corpus), evidence, corpus,
                                    similarity)  # fmt: skip
        if table is None:
            table = np.zeros((len(rows), part.shape[1]), np.float32)
        table[asked] = part
    if table is None:
        raise ValueError("no folds")
    of_fold = np.where(kept, fold, UNKNOWN)
    ground = Ground(
        corpus, of_fold, table, names, CELL_LINES, (0,), run.rounds, run.seed, run.threads
    )
    return ground.asked, {task: boosted(ground, task)[ground.asked] for task in TASKS}
