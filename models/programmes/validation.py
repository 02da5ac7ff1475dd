"""What held-out perturbations say of programmes: how many, how sparse, how far to trust."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from knowledge.progress import Progress
from models.inputs.screens import IntArray, Rows
from models.programmes.checkpoint import Curve
from models.programmes.loadings import Axes, matched, signs
from models.programmes.shifts import (
    axes_of,
    expected,
    fit,
    measured_counts,
    shifts_of,
    sparse_shifts,
)
from models.programmes.trust import PRIOR_HELD, chance, move_trust
from models.response.corpus import Corpus
from models.response.field import Field, FloatArray

Floats = NDArray[np.float64]
RANKS = (32, 48, 64)
SHIFTS = (0.0, 0.3, 0.5, 1.0)
# How many programmes and how small a shift: on this many of the folds.
CHOICE_FOLDS = 2
# Fewer programmes, and fewer shifts, are taken at this cost in the AUROC of the direction.
FEWER, SPARSER = 0.005, 0.01
# At most this share of held-out unchanged pairs may be spoken about.
MOST_UNCHANGED = 0.15
# A programme of another fold that is less like one of ours is none of ours.
SAME = 0.5
# Changed readouts of an experiment that tell which way a programme went.
FEWEST_CHANGED = 3


@dataclass(frozen=True)
class Folds:
    """The training rows, each in a fold, and what models without their folds expect.

    Attributes:
        fold: Of each row.
        fits: The process and deviations of each fold's model.
        rank: Number of programmes.
    """

    fold: IntArray
    fits: Sequence[tuple[Field, FloatArray]]
    rank: int


@dataclass(frozen=True)
class HeldOut:
    """Held-out expectations, in the numbering of the final programmes.

    Attributes:
        value: Expected sign of every training row `(rows,)`.
        path: Trust in the leading programme's path `(rows,)`, nan where there is none; that of
            `paths`.
        held: How often each loading held `(readouts, rank)`.
        failed: How often it did not.
        breaks: From a shift's size to the chance that the programme goes that way.
        hold: Share in which loadings hold, per programme.
        paths: From the product of a path's steps to the chance that it points the right way.
        stability: Mean likeness of each programme to its counterparts.
    """

    value: FloatArray
    path: Floats
    held: Floats
    failed: Floats
    breaks: Curve
    hold: Floats
    paths: Curve
    stability: Floats


def within_readout(
    rows: Rows, value: FloatArray, n_readouts: int, fold: IntArray | None = None
) -> float:
    """Return the macro AUROC of up against down within a readout and line.

    Rows of different folds are not ranked against each other: a model that did not see a readout
    rise expects less of it.
    """
    changed = rows.up >= 0
    group = rows.line * n_readouts + rows.readout
    if fold is not None:
        group = group + fold * n_readouts * (int(rows.line.max(initial=0)) + 1)
    group = group[changed]
    up, score = rows.up[changed] == 1, value[changed]
    order = np.lexsort((score, group))
    group, up, score = group[order], up[order], score[order]
    total, count = 0.0, 0
    bounds = np.r_[0, np.flatnonzero(np.diff(group)) + 1, len(group)]
    for start, end in pairwise(bounds):
        ups = up[start:end]
        n = int(ups.sum())
        if not 0 < n < len(ups):
            continue
        s = score[start:end]
        low, high = np.searchsorted(s, s[ups], "left"), np.searchsorted(s, s[ups], "right")
        rank = (low + high) / 2 + 0.5  # mean rank among all, ties shared
        wins = rank.sum() - n * (n + 1) / 2
        total += float(wins / (n * (len(ups) - n)))
        count += 1
    return total / count if count else float("nan")


def fold_axes(
    corpus: Corpus, similarity: FloatArray, fold: IntArray, seed: int, progress: Progress
) -> list[Axes]:
    """Return the principal axes without each fold."""
    rows, n_readouts = corpus.screens.rows, len(corpus.vocabulary.readouts)
    found = []
    for k in range(int(fold.max()) + 1):
        progress(f"axes without fold {k + 1}", 0.5 + 0.03 * k)
        found.append(axes_of(rows.take(fold != k), similarity, n_readouts, max(RANKS), seed))
    return found


def choose(
    corpus: Corpus,
    similarity: FloatArray,
    fold: IntArray,
    found: Sequence[Axes],
    progress: Progress,
) -> tuple[int, float, list[dict[str, float]]]:
    """Return the number of programmes and the least shift, and the figures they were chosen by."""
    rows, n_readouts = corpus.screens.rows, len(corpus.vocabulary.readouts)
    figures = []
    for number, (rank, k) in enumerate(product(RANKS, range(CHOICE_FOLDS))):
        progress(f"{rank} programmes, fold {k + 1}", 0.65 + 0.02 * number)
        asked = rows.take(fold == k)
        field, deviation = fit(rows.take(fold != k), similarity, n_readouts, rank, found[k])
        place, shifts = shifts_of(field, similarity, asked, 0.0)
        for least in SHIFTS:
            kept = sparse_shifts(shifts, least)
            value = expected(place, kept, field.loadings, asked.readout)
            value *= deviation[asked.readout]
            auroc = within_readout(asked, value, n_readouts)
            active = float((kept != 0).sum(1).mean())
            figures.append({"programmes": rank, "fold": k, "least_shift": least, "auroc": auroc,
                            "active": active})  # fmt: skip
    mean = {
        (rank, least): float(
            np.mean(
                [
                    one["auroc"]
                    for one in figures
                    if one["programmes"] == rank and one["least_shift"] == least
                ]
            )
        )
        for rank, least in product(RANKS, SHIFTS)
    }
    best = {rank: max(mean[rank, least] for least in SHIFTS) for rank in RANKS}
    rank = next(one for one in RANKS if best[one] >= max(best.values()) - FEWER)
    sparse = [one for one in SHIFTS if mean[rank, one] >= best[rank] - SPARSER]
    return rank, max(sparse), figures


def folds_of(
    corpus: Corpus,
    similarity: FloatArray,
    rank: int,
    fold: IntArray,
    found: Sequence[Axes],
    progress: Progress,
) -> Folds:
    """Return a model without each fold."""
    rows, n_readouts = corpus.screens.rows, len(corpus.vocabulary.readouts)
    fits = []
    for k, known in enumerate(found):
        progress(f"without fold {k + 1} of {len(found)}", 0.8 + 0.02 * k)
        fits.append(fit(rows.take(fold != k), similarity, n_readouts, rank, known))
    return Folds(fold, fits, rank)


def held_out(
    corpus: Corpus, similarity: FloatArray, found: Folds, final: FloatArray, least: float
) -> HeldOut:
    """Return what models without each fold make of it.

    Args:
        corpus: The training rows.
        similarity: Between perturbations.
        found: The models.
        final: Loadings of the model that ships; the folds' programmes are matched to it.
        least: The smallest shift that counts.
    """
    rows, shape = corpus.screens.rows, final.shape
    value = np.zeros(len(rows), np.float32)
    held, failed = np.zeros(shape), np.zeros(shape)
    alike: list[Floats] = []
    sizes: list[Floats] = []
    right: list[NDArray[np.bool_]] = []
    leading = np.full(len(rows), -1)
    leading_size = np.zeros(len(rows))
    for k, (field, deviation) in enumerate(found.fits):
        here = np.flatnonzero(found.fold == k)
        asked = rows.take(here)
        at, correlation = matched(final, field.loadings)
        alike.append(np.abs(correlation))
        turn = np.where(np.abs(correlation) >= SAME, np.sign(correlation), 0)
        place, all_shifts = shifts_of(field, similarity, asked, least)
        total = expected(place, all_shifts, field.loadings, asked.readout)
        value[here] = total * deviation[asked.readout]
        # From here on in the numbering and the signs of the final programmes.
        shifts = all_shifts[:, at] * turn
        loaded = field.loadings[:, at] * turn
        sign = signs(asked)
        moves = shifts[place] * loaded[asked.readout]
        changed = sign != 0
        agrees = moves[changed] * sign[changed, None]
        np.add.at(held, asked.readout[changed], agrees > 0)
        np.add.at(failed, asked.readout[changed], agrees < 0)
        towards = moves * np.sign(total)[:, None]
        first = towards.argmax(1)
        some = towards[np.arange(len(first)), first] > 0
        leading[here[some]] = first[some]
        leading_size[here[some]] = np.abs(shifts[place[some], first[some]])
        counts = measured_counts(asked, loaded, len(similarity))
        along, against = (one.reshape(-1, shape[1]) for one in counts)
        experiment = np.unique(asked.line * len(similarity) + asked.pert)
        went = along[experiment] - against[experiment]
        told = (along + against)[experiment] >= FEWEST_CHANGED
        use = told & (went != 0) & (shifts != 0)
        sizes.append(np.abs(shifts[use]).astype(np.float64))
        right.append((np.sign(went) == np.sign(shifts))[use])
    breaks = _curve(np.concatenate(sizes), np.concatenate(right))
    hold = (held.sum(0) + PRIOR_HELD) / (held.sum(0) + failed.sum(0) + 2 * PRIOR_HELD)
    trust = move_trust(held, failed, hold)
    path = np.full(len(rows), np.nan)
    some = leading >= 0
    size = leading_size[some]
    path[some] = chance(breaks, size) * trust[rows.readout[some], leading[some]]
    some = np.isfinite(path) & (rows.up >= 0)
    paths = _curve(path[some], ((value > 0) == (rows.up == 1))[some])
    path = np.where(np.isfinite(path), chance(paths, path), np.nan)
    return HeldOut(value, path, held, failed, breaks, hold, paths, np.mean(alike, axis=0))


def _curve(size: Floats, right: NDArray[np.bool_]) -> Curve:
    """Return the logistic curve through what was right and what was not."""
    x = np.log(np.maximum(size, 1e-6))
    way = np.where(right, 1.0, -1.0)

    def loss(w: Floats) -> tuple[float, Floats]:
        margin = way * (w[0] + w[1] * x)
        slope = -way * expit(-margin)
        return float(np.logaddexp(0, -margin).mean()), np.array([slope.mean(), (slope * x).mean()])

    found = minimize(loss, np.zeros(2), jac=True, bounds=[(None, None), (0.0, None)])
    return Curve(bias=float(found.x[0]), slope=float(found.x[1]))


def least_expected(rows: Rows, value: FloatArray) -> float:
    """Return from which expected sign on programmes speak, so that few unchanged pairs are told."""
    size = np.abs(value[rows.up < 0])
    return float(np.quantile(size, 1 - MOST_UNCHANGED))
