"""Whether the response model would be better with programmes: both stacked on held-out rows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from evals.harness.metrics import Ranking
from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Score
from evals.programmes.answers import Floats, response_says
from knowledge.progress import Progress
from models.inputs.screens import CELL_LINES, folds
from models.programmes.model import ProgrammeModel
from models.programmes.shifts import expected, shifts_of
from models.programmes.training import N_FOLDS
from models.programmes.validation import fold_axes, folds_of
from models.response import ResponseModel
from models.response.corpus import read_corpus

STACKED, ALONE = "response model with programmes", "response model"
MEASURE = "within-readout AUROC"
ROLE = "stacked"


def held_out_rows(
    data: Path, model: ProgrammeModel, response: ResponseModel, seed: int, progress: Progress
) -> pd.DataFrame:
    """Return the changed training rows with what both say of them unseen.

    Columns: cell_line, pert, gene, is_up, fold, `value` (expected sign, from programmes learnt
    without the row's perturbation) and `p_up` (the response model's held-out answer).

    Raises:
        DataError: A file is missing.
    """
    corpus = read_corpus(data, "multi", lambda what, done: progress(what, 0.1 * done))
    rows, words = corpus.screens.rows, np.array(corpus.vocabulary.genes)
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    fold = folds(rows, "multi", N_FOLDS, np.random.default_rng(seed))
    axes = fold_axes(corpus, similarity, fold, seed, lambda what, _: progress(what, 0.2))
    found = folds_of(corpus, similarity, len(model.programmes), fold, axes,
                     lambda what, _: progress(what, 0.4))  # fmt: skip
    value = np.zeros(len(rows))
    for k, (field, deviation) in enumerate(found.fits):
        here = np.flatnonzero(fold == k)
        asked = rows.take(here)
        place, shifts = shifts_of(field, similarity, asked, model.config.least_shift)
        told = expected(place, shifts, field.loadings, asked.readout)
        value[here] = told * deviation[asked.readout]
    changed = rows.up >= 0
    table = pd.DataFrame(
        {
            "cell_line": np.array(CELL_LINES)[rows.line],
            "pert": words[corpus.vocabulary.perturbations][rows.pert],
            "gene": words[corpus.vocabulary.readouts][rows.readout],
            "is_up": rows.up,
            "fold": fold,
            "value": value,
        }
    )[changed].reset_index(drop=True)
    said = response_says(table, response, lambda what, done: progress(what, 0.5 + done / 2))
    return table.assign(p_up=said)


def scores(rows: pd.DataFrame, test: pd.DataFrame, seed: int, draws: int) -> Iterator[Score]:
    """Yield the AUROC of the direction with and without programmes, on held-out and on test rows.

    Args:
        rows: Of `held_out_rows`; weights are fitted to them alone.
        test: Changed test rows, with the same columns but `fold`.
        seed: Of the resamples.
        draws: How many.
    """
    blended = np.zeros(len(rows))
    for k in np.unique(rows.fold):
        here = (rows.fold == k).to_numpy()
        blended[here] = _weighed(rows[~here], rows[here])
    group = [rows.cell_line, rows.gene, rows.fold.astype(str)]
    yield from _compared(rows, blended, group, "held-out training rows", seed, draws)
    yield from _compared(test, _weighed(rows, test), [test.cell_line, test.gene], "test rows",
                         seed, draws)  # fmt: skip


def _weighed(fit: pd.DataFrame, asked: pd.DataFrame) -> Floats:
    both = LogisticRegression(C=1e3).fit(_inputs(fit), fit.is_up.astype(int))
    weighed: Floats = both.decision_function(_inputs(asked))
    return weighed


def _inputs(rows: pd.DataFrame) -> NDArray[np.float64]:
    return np.column_stack([logit(rows.p_up.clip(1e-4, 1 - 1e-4)), rows.value])


def _compared(
    rows: pd.DataFrame, blended: Floats, group: list[pd.Series], where: str, seed: int, draws: int
) -> Iterator[Score]:
    number = pd.factorize(pd.MultiIndex.from_arrays(group))[0]
    resampler, pert = Resampler(rows.pert, seed, draws), rows.pert.to_numpy(str)
    up = rows.is_up.to_numpy(np.int64)
    found = {
        who: resampler.auroc(pert, Ranking(number, up, says))
        for who, says in ((ALONE, rows.p_up.to_numpy()), (STACKED, blended))
    }
    for who, sample in found.items():
        yield Score(who, MEASURE, sample, ROLE, rows=where)
    yield Gain(STACKED, ALONE, MEASURE, found[STACKED] - found[ALONE], ROLE, rows=where)
