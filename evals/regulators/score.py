"""Turns labelled pairs and columns of directions into scores: a function of them and a seed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray, IntArray, Ranking, per_group_auroc
from evals.harness.resampling import Resampler, Sample
from evals.harness.scores import Gain, Key, Score
from evals.regulator_pairs import KINDS, VOTES, Kind
from evals.regulators.predictors import LINES_APART, PRIOR

Measure = Literal["within", "gene", "sign"]
MEASURES: dict[Measure, str] = {
    "within": "AUROC within regulator",
    "gene": "AUROC within gene",
    "sign": "right sign",
}
Task = Literal["de", "dir"]
ALL = "all"
# An AUROC of fewer genes up, or down, is noise.
FEWEST = 5
# Of a data set with tested negatives, every perturbation has changes that are no accident.
FEWEST_TESTED = 2
# A mean over fewer genes than these is not told.
FEWEST_GENES = 20
# Parts are scored on pairs of so many votes at least.
CONSENSUS = 2
# How pairs are parted, by column; see `evals.regulator_pairs`.
PARTS = ("class", "ground", "edge", "trusted", "studies")


def scores(pairs: pd.DataFrame, predictors: Sequence[str], resampler: Resampler) -> Iterator[Score]:
    """Yield the score of every predictor by kind and votes, and of parts of the consensus genes.

    How many `pairs` a part has is told without a predictor, and of each predictor on which share
    of them it says anything (`known`).

    Args:
        pairs: `regulator`, `gene`, `kind`, `votes`, `up`, `PARTS` and a column per predictor.
        predictors: The columns to score.
        resampler: Draws regulators.
    """
    for kind in KINDS:
        for votes in VOTES:
            rows = _at_least(pairs, kind, votes)
            yield from _scored(rows, predictors, resampler, kind, votes)
    several = [name for name in predictors if name not in LINES_APART]
    for by in PARTS:
        for votes in VOTES[CONSENSUS - 1 :]:
            rows = _at_least(pairs, "both", votes)
            for part, mine in rows.groupby(by):
                yield from _scored(
                    mine, several, resampler, "both", votes, by, str(part), ("within", "sign")
                )


def _at_least(pairs: pd.DataFrame, kind: Kind, votes: int) -> pd.DataFrame:
    return pairs[(pairs["kind"] == kind) & (pairs["votes"] >= votes)]


def _scored(
    rows: pd.DataFrame,
    predictors: Sequence[str],
    resampler: Resampler,
    kind: Kind,
    votes: int,
    by: str = ALL,
    part: str = ALL,
    measures: Sequence[Measure] = tuple(MEASURES),
) -> Iterator[Score]:
    keys: dict[str, Key] = {"about": "pairs", "kind": kind, "votes": votes, "by": by, "part": part}
    if len(rows):
        yield Score("", "pairs", len(rows), **keys)
    for measure in measures:
        samples = {name: sample_of(rows, name, measure, resampler) for name in predictors}
        yield from _compared(samples, measure, keys)
        if measure == "sign":
            for name, sample in samples.items():
                if sample is not None:
                    yield Score(name, "known", float((rows[name] != 0).mean()), **keys)


def _compared(
    samples: Mapping[str, Sample | None], measure: str, keys: Mapping[str, Key]
) -> Iterator[Score]:
    """Yield scores, and gains over the gene prior on the same resamples."""
    prior = samples.get(PRIOR)
    for name, sample in samples.items():
        if sample is not None:
            yield Score(name, measure, sample, **keys)
            if name != PRIOR and prior is not None:
                yield Gain(name, PRIOR, measure, sample - prior, **keys)


def sample_of(rows: pd.DataFrame, name: str, measure: Measure, draw: Resampler) -> Sample | None:
    """Return what a column of directions reaches by a measure; None of too few rows."""
    if rows.empty:
        return None
    score, up = rows[name].to_numpy(np.float64), rows["up"].to_numpy(np.int64)
    unit = rows["regulator"].to_numpy(str)
    if measure == "sign":
        return draw.mean(unit, right(score, up))
    if measure == "within":
        return within(unit, up, score, draw)
    # One gene has one prior: leaving a regulator out of it only turns its own label round.
    score = np.zeros(len(score)) if name == PRIOR else score
    group = pd.Categorical(rows["gene"]).codes.astype(np.int64)
    ranking = Ranking(group, up, score)
    enough = len(ranking.groups) >= FEWEST_GENES
    return draw.auroc(unit, ranking) if enough else None


def right(score: FloatArray, up: IntArray) -> FloatArray:
    """Return whether each sign is right `(rows,)`; half where nothing was said."""
    return np.asarray(np.where(score == 0, 0.5, (score > 0) == (up == 1)), np.float64)


def within(
    unit: Sequence[str] | np.ndarray[tuple[int, ...], np.dtype[np.str_]],
    label: IntArray,
    score: FloatArray,
    draw: Resampler,
    fewest: int = FEWEST,
) -> Sample | None:
    """Return the mean over units of the AUROC within each that has enough of both labels."""
    names, number = np.unique(np.asarray(unit, dtype=str), return_inverse=True)
    ones, all_of = np.bincount(number, label), np.bincount(number)
    enough = np.minimum(ones, all_of - ones) >= fewest
    groups, values = per_group_auroc(number.astype(np.int64), label, score)
    kept = enough[groups]
    return draw.mean(names[groups[kept]], values[kept]) if kept.any() else None


def tested_scores(
    rows: pd.DataFrame, predictors: Sequence[str], context: str, task: Task, draw: Resampler
) -> Iterator[Score]:
    """Yield how well predictors rank the readouts of each perturbation of one data set.

    Args:
        rows: `perturbation`, `label` and a column per predictor.
        predictors: The columns to score.
        context: The data set.
        task: What the label is.
        draw: Draws perturbations.
    """
    unit, label = rows["perturbation"].to_numpy(str), rows["label"].to_numpy(np.int64)
    samples = {
        name: within(unit, label, rows[name].to_numpy(np.float64), draw, FEWEST_TESTED)
        for name in predictors
    }
    yield from _compared(samples, "auroc", {"about": "tested", "context": context, "task": task})
