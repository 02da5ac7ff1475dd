"""Figures of held-out drugs: within genes and folds, with intervals over whole drugs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.drugs.predictors import ELSEWHERE, MODE, NEAREST, OURS, Predictor, Values, asked_of
from evals.harness.metrics import Ranking
from evals.harness.resampling import Resampler, Sample
from evals.harness.scores import Gain, Score
from models.drugs.features import Described, has_relative, shared
from models.drugs.held_out import Fold, agreement
from models.drugs.levels import DOWN, MIDDLE, POSITION, UNRANKED, UP
from models.drugs.model import rates
from models.drugs.ridge import Floats, Learner

DIRECTION, CHANGED, STRENGTH, IDENTIFIED, RETRIEVED, POOLED = (
    "direction",
    "changed",
    "strength",
    "profile told from those of other held-out drugs",
    "targets and mode told from the measured profile",
    "direction, pooled over genes",
)
MEAN = "mean"
RELATED, EVERY = "with a relative", "all"
PRIOR = "the gene's own prior"
WIDELY = (OURS, NEAREST, MODE, ELSEWHERE)
"""Who is scored by more than the direction of all drugs, where modes are not held out."""
_THIRD = 1 / 3
# Of the middle half, so that about as many are left as lie at the two ends.
_DRAWN = 0.2


class Rows(NamedTuple):
    """Labelled pairs of one kind of cells.

    Attributes:
        drug: Index of the drug.
        group: Fold and gene: what is ranked together.
        label: 1 for up, or for changed.
        scores: By predictor.
        prior: Logit of how often the gene goes up under the drugs that were learnt from.
    """

    drug: NDArray[np.int64]
    group: NDArray[np.int64]
    label: NDArray[np.int64]
    scores: Mapping[str, NDArray[np.float32]]
    prior: NDArray[np.float32]


def labelled(
    learner: Learner,
    splits: Sequence[tuple[Fold, ...]],
    predictors: Mapping[str, Predictor],
    seed: int,
) -> list[tuple[Rows, Rows]]:
    """Return the rows of the direction and of the change of each kind of cells.

    Of the middle half as many genes of a drug are drawn as lie at the two ends.
    """
    rng = np.random.default_rng(seed)
    contexts = learner.screen.contexts
    parts: list[tuple[list[Any], list[Any]]] = [([], []) for _ in contexts]
    for number, fold in enumerate(fold for split in splits for fold in split):
        told = {name: predict(fold) for name, predict in predictors.items()}
        for at, context in enumerate(contexts):
            mine = context.levels[fold.held]
            up, down = np.isin(mine, UP), np.isin(mine, DOWN)
            middle = np.isin(mine, MIDDLE) & (rng.random(mine.shape) < _DRAWN)
            _, rate = rates(context.levels[fold.train])
            prior = np.log(rate / (1 - rate)).astype(np.float32)
            for which, (positive, negative) in enumerate(((up, down), (up | down, middle))):
                row, gene = np.nonzero(positive | negative)
                values = [_value(one[at], which)[row, gene] for one in told.values()]
                label = positive[row, gene].astype(np.int64)
                group = number * mine.shape[1] + gene
                parts[at][which].append([fold.held[row], group, label, prior[gene], *values])
    return [(_rows(part[0], predictors), _rows(part[1], predictors)) for part in parts]


def _rows(parts: Sequence[Sequence[Any]], predictors: Mapping[str, Predictor]) -> Rows:
    drug, group, label, prior, *scores = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Rows(drug, group, label, dict(zip(predictors, scores, strict=True)), prior)


def _value(values: Values, which: int) -> Floats:
    return values.direction if which == 0 else values.change


def figures(
    learner: Learner,
    splits: Sequence[tuple[Fold, ...]],
    predictors: Mapping[str, Predictor],
    resampler: Resampler,
    seed: int,
    slope: float,
    **keys: str,
) -> Iterator[Score]:
    """Yield the AUROCs within genes of each kind of cells and their mean, and what we are ahead.

    Args:
        learner: The model.
        splits: Who is held out together.
        predictors: Who is asked.
        resampler: Of drugs.
        seed: Of which genes of the middle half are drawn.
        slope: Of our direction beside the logit of the prior, where genes are pooled.
        keys: Where the scores are.
    """
    names = np.array(learner.screen.drugs)
    related = has_relative(learner.described)
    found: dict[tuple[str, str, str], list[Sample]] = {}
    rows_of = labelled(learner, splits, predictors, seed)
    widely = WIDELY if MODE in predictors else ()
    for context, (direction, change) in zip(learner.screen.contexts, rows_of, strict=True):
        tasks = (
            (DIRECTION, EVERY, direction, np.ones(len(direction.drug), bool)),
            (DIRECTION, RELATED, direction, related[direction.drug]),
            (CHANGED, EVERY, change, np.ones(len(change.drug), bool)),
        )
        here: dict[tuple[str, str, str], list[Sample]] = {}
        for measure, which, rows, use in tasks:
            for who, score in rows.scores.items():
                if (measure, which) != (DIRECTION, EVERY) and who not in widely:
                    continue
                ranking = Ranking(rows.group[use], rows.label[use], score[use])
                sample = resampler.auroc(names[rows.drug[use]], ranking)
                here.setdefault((measure, which, asked_of(who)), []).append(sample)
        for (measure, which, who), parts in here.items():
            sample = Sample.mean(parts)
            found.setdefault((measure, which, who), []).append(sample)
            yield Score(who, measure, sample, _role(who), cells=context.name, drugs=which, **keys)
        pooled = {
            PRIOR: direction.prior,
            OURS: direction.prior + slope * direction.scores[OURS],
        }
        for who, score in pooled.items():
            group = np.zeros(len(score), np.int64)
            sample = resampler.auroc(names[direction.drug], Ranking(group, direction.label, score))
            yield Score(who, POOLED, sample, _role(who), cells=context.name, drugs=EVERY, **keys)
    means = {key: Sample.mean(parts) for key, parts in found.items()}
    for (measure, which, who), sample in means.items():
        yield Score(who, measure, sample, _role(who), cells=MEAN, drugs=which, **keys)
    for (measure, which, who), sample in means.items():
        if who not in (OURS, ELSEWHERE):
            ahead = means[measure, which, OURS] - sample
            yield Gain(OURS, who, measure, ahead, cells=MEAN, drugs=which, **keys)


def _role(who: str) -> str:
    return "ours" if who == OURS else "ceiling" if who == ELSEWHERE else "control"


def profiles(
    learner: Learner,
    splits: Sequence[tuple[Fold, ...]],
    predictors: Mapping[str, Predictor],
    resampler: Resampler,
    **keys: str,
) -> Iterator[Score]:
    """Yield how well whole profiles and the strength of a drug are told; chance is 0.5.

    A held-out drug's predicted profile is compared with the measured ones of all drugs held out
    with it: the share of the others that are less like it. Its measured profile is compared with
    those of the other drugs: the AUROC of drugs that share a target or a mode of action. Strength
    is how alike a drug's signatures are between kinds of cells: the strongest third against the
    weakest of a fold.
    """
    screen, names = learner.screen, np.array(learner.screen.drugs)
    told: dict[str, list[tuple[str, float]]] = {who: [] for who in predictors if who != ELSEWHERE}
    strong = agreement(screen)
    kernel = learner.likeness.between()
    drug, group, label, score = [], [], [], []
    tables = [POSITION[context.levels].astype(np.float64) for context in screen.contexts]
    for number, fold in enumerate(fold for split in splits for fold in split):
        measured = _joined([t[fold.held] - t[fold.train].mean(0) for t in tables])
        for who in told:
            guess = _joined([one.direction for one in predictors[who](fold)])
            like = guess @ measured.T
            for row, name in enumerate(names[fold.held]):
                others = np.delete(like[row], row)
                better = (others < like[row, row]).mean() + (others == like[row, row]).mean() / 2
                told[who].append((str(name), float(better)))
        near = kernel[np.ix_(fold.held, fold.train)]
        inner = kernel[np.ix_(fold.train, fold.train)]
        inner = inner + learner.ridge.penalty * np.eye(len(fold.train))
        known = strong[fold.train]
        guess = near @ np.linalg.solve(inner, known - known.mean())
        order = np.argsort(np.argsort(strong[fold.held])) / max(len(fold.held) - 1, 1)
        ends = (order <= _THIRD) | (order >= 1 - _THIRD)
        drug += names[fold.held][ends].tolist()
        group += [number] * int(ends.sum())
        label += (order[ends] > 0.5).astype(int).tolist()
        score += guess[ends].tolist()
    for who, found in told.items():
        units, values = zip(*found, strict=True)
        sample = resampler.mean(list(units), np.array(values))
        yield Score(who, IDENTIFIED, sample, _role(who), cells=MEAN, drugs=EVERY, **keys)
    ranking = Ranking(np.array(group), np.array(label), np.array(score))
    yield Score(OURS, STRENGTH, resampler.auroc(drug, ranking), "ours", cells=MEAN, drugs=EVERY,
                **keys)  # fmt: skip
    retrieved = _retrieved(tables, learner.described)
    known_at = np.flatnonzero(np.isfinite(retrieved))
    sample = resampler.mean(names[known_at], retrieved[known_at])
    yield Score("measured profile", RETRIEVED, sample, "", cells=MEAN, drugs=RELATED, **keys)


def _joined(parts: Sequence[Floats]) -> Floats:
    whole = np.concatenate(parts, axis=1)
    whole = whole - whole.mean(1, keepdims=True)
    return np.asarray(whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-9))


def _retrieved(tables: Sequence[Floats], described: Sequence[Described]) -> Floats:
    """Return per drug the AUROC of its relatives among the others; NaN where it has none."""
    count = len(described)
    whole = _joined([table - table.mean(0) for table in tables])
    like = whole @ whole.T
    out = np.full(count, np.nan)
    for one in range(count):
        others = [other for other in range(count) if other != one]
        same = np.array([bool(shared(described[one], described[other])) for other in others])
        if same.any() and not same.all():
            ranking = Ranking(np.zeros(len(others), np.int64), same, like[one, others])
            out[one] = ranking.whole
    return out


def calibration(
    learner: Learner, split: tuple[Fold, ...], predictor: Predictor, at: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return outcome, value and rate of every ranked row, for the change and for the direction."""
    level = learner.screen.contexts[at].levels
    change, direction = [], []
    for fold in split:
        told, mine = predictor(fold)[at], level[fold.held]
        rate, up = rates(level[fold.train])
        moved, raised = np.isin(mine, (*UP, *DOWN)), np.isin(mine, UP)
        wide = np.broadcast_to(rate, mine.shape), np.broadcast_to(up, mine.shape)
        use = mine != UNRANKED
        change.append(np.stack([moved[use], told.change[use], wide[0][use]], 1))
        direction.append(np.stack([raised[moved], told.direction[moved], wide[1][moved]], 1))
    return np.concatenate(change).astype("f4"), np.concatenate(direction).astype("f4")
