"""Predictions for drugs that were held out, whole and in all kinds of cells at once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.drugs.levels import CHANGE, DOWN, MIDDLE, POSITION, UP
from models.drugs.ridge import Floats, Learner, Sums
from models.drugs.screens import Screen

FOLDS = 5
Ints = NDArray[np.int64]


class Fold(NamedTuple):
    """Drugs that are held out together, and the others; drugs of one group never part."""

    held: Ints
    train: Ints


def folds(groups: Ints, seed: int, count: int = FOLDS) -> tuple[Fold, ...]:
    """Return a random split of whole groups."""
    names = np.unique(groups)
    fold = np.random.default_rng(seed).permutation(len(names)) % min(count, len(names))
    of_drug = fold[np.searchsorted(names, groups)]
    return tuple(
        Fold(np.flatnonzero(of_drug == one), np.flatnonzero(of_drug != one))
        for one in np.unique(of_drug)
    )


class Predicted(NamedTuple):
    """What was said of the drugs of one fold in one kind of cells `(held, genes)`."""

    fold: int
    context: int
    held: Ints
    train: Ints
    direction: Floats
    change: Floats


def held_out(learner: Learner, split: tuple[Fold, ...]) -> Iterator[Predicted]:
    """Yield the predictions of each fold in each kind of cells."""
    similarity, sums = learner.likeness.between(), Sums(learner.screen)
    for number, fold in enumerate(split):
        weights = learner.weights(similarity[fold.held], fold.train)
        direction = sums.everywhere(weights.direction, POSITION)
        change = sums.everywhere(weights.change, CHANGE)
        for at, (way, size) in enumerate(zip(direction, change, strict=True)):
            yield Predicted(number, at, fold.held, fold.train, way, size)


def within_gene(screen: Screen, predicted: Iterator[Predicted]) -> tuple[float, float]:
    """Return the AUROC of the direction and of the change within genes and folds.

    Drugs held out together are ranked against each other within a gene: up against down among the
    5 % of a drug's genes at either end, and those against the middle half. The mean over genes of
    a fold, kinds of cells counting alike.
    """
    found: dict[int, list[tuple[Floats, Floats]]] = {}
    for one in predicted:
        level = screen.contexts[one.context].levels[one.held]
        up, down = np.isin(level, UP), np.isin(level, DOWN)
        pair = (
            aurocs(one.direction, up, down),
            aurocs(one.change, up | down, np.isin(level, MIDDLE)),
        )
        found.setdefault(one.context, []).append(pair)
    means = [
        [float(np.concatenate([pair[which] for pair in parts]).mean()) for which in (0, 1)]
        for parts in found.values()
    ]
    direction, change = np.mean(means, axis=0)
    return float(direction), float(change)


def aurocs(score: Floats, positive: NDArray[np.bool_], negative: NDArray[np.bool_]) -> Floats:
    """Return the AUROC of each column that has both, ties counting half; arrays `(rows, columns)`.

    Rows are few: every positive is compared with every negative.
    """
    wins, pairs = np.zeros(score.shape[1]), positive.sum(0) * negative.sum(0)
    for row in range(len(score)):
        ahead = (score[row] > score) + 0.5 * (score[row] == score)
        wins += np.where(positive[row], (ahead * negative).sum(0), 0)
    return np.asarray(wins[pairs > 0] / pairs[pairs > 0])


def agreement(screen: Screen) -> Floats:
    """Return how alike each drug's signatures are between kinds of cells, its strength `(drugs,)`.

    The mean correlation over pairs of kinds of cells of what the drug does beside what all of them
    do: ranks alone say no size, but what is noise does not come twice.
    """
    common = sorted(set.intersection(*(set(context.genes) for context in screen.contexts)))
    parts = []
    for context in screen.contexts:
        column = {gene: at for at, gene in enumerate(context.genes)}
        table = POSITION[context.levels[:, [column[gene] for gene in common]]].astype(np.float64)
        table = table - table.mean(0)
        parts.append(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9))
    pairs = [(parts[i] * parts[j]).sum(1) for i in range(len(parts)) for j in range(i)]
    return np.asarray(np.mean(pairs, axis=0))
