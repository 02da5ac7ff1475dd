"""Which perturbations are held out, and which predictor is best by what is left."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from models.expression.baselines import BoolArray, TrainingMean, filled
from models.expression.screens import (
    ExpressionScreen,
    Fitted,
    FloatArray,
    Genes,
    IntArray,
    Predictor,
)

Task = Literal["singles", "doubles"]
TASKS: tuple[Task, ...] = ("singles", "doubles")
FEWEST = 5
"""Perturbations below which nothing is said of a task."""


class Fold(NamedTuple):
    """Rows of a screen to fit on, and rows to predict."""

    training: IntArray
    held_out: IntArray


def folds_of(
    screen: ExpressionScreen, task: Task, folds: int, seed: int, fewest: int = FEWEST
) -> list[Fold]:
    """Return the folds of a task, none where the screen has too few perturbations for it.

    In `singles` a gene is unseen: every perturbation that contains it leaves the training rows.
    In `doubles` the single perturbations of all its genes are seen, and it is not.
    """
    singles = {screen.perturbations[row] for row in screen.rows(several=False)}
    if task == "singles":
        rows = screen.rows(several=False)
    else:
        rows = np.array(
            [
                row
                for row in screen.rows(several=True)
                if all((gene,) in singles for gene in screen.perturbations[row])
            ],
            np.int64,
        )
    if len(rows) < fewest:
        return []
    shuffled = np.random.default_rng(seed).permutation(rows)
    out = []
    for held_out in np.array_split(shuffled, min(folds, len(rows))):
        hidden = {screen.perturbations[row] for row in held_out}
        if task == "singles":
            genes = {gene for one in hidden for gene in one}
            kept = [genes.isdisjoint(one) for one in screen.perturbations]
        else:
            kept = [one not in hidden for one in screen.perturbations]
        out.append(Fold(np.flatnonzero(kept), np.sort(held_out)))
    return out


def answers(
    predictor: Predictor, screen: ExpressionScreen, fold: Fold, seed: int
) -> tuple[FloatArray, BoolArray]:
    """Return what a predictor says of the held-out rows, and which of them it has an answer for.

    Where it has none, the training mean stands in.
    """
    training = screen.take(fold.training)
    asked = [screen.perturbations[row] for row in fold.held_out]
    fallback = TrainingMean().fit(training, seed).predict(asked)
    return filled(predictor.fit(training, seed).predict(asked), fallback)


def distances(
    predictor: Predictor, screen: ExpressionScreen, folds: Sequence[Fold], seed: int
) -> FloatArray:
    """Return how far each held-out perturbation is from what is predicted, fold by fold."""
    scored = screen.scored
    found = [answers(predictor, screen, fold, seed)[0] for fold in folds]
    rows = np.concatenate([fold.held_out for fold in folds])
    wrong = np.concatenate(found)[:, scored] - screen.response[rows][:, scored]
    return np.asarray(np.linalg.norm(wrong, axis=1), np.float32)


@dataclass(frozen=True, slots=True)
class Chosen:
    """For single genes and for several, the candidate with the least error within the training.

    Args:
        candidates: What is chosen from; the first where nothing can be compared.
        folds: Of the cross-validation of the training rows.
    """

    candidates: tuple[Predictor, ...]
    folds: int = 3
    name: str = "chosen in training"

    def fit(self, screen: ExpressionScreen, seed: int) -> "FittedChoice":
        """Return the choice, which is made when a task is first asked about."""
        return FittedChoice(self, screen, seed)

    def best(self, screen: ExpressionScreen, task: Task, seed: int) -> Predictor:
        """Return the candidate of the least mean distance over held-out perturbations."""
        folds = folds_of(screen, task, self.folds, seed, fewest=2)
        if not folds:
            return self.candidates[0]
        errors = [distances(one, screen, folds, seed).mean() for one in self.candidates]
        return self.candidates[int(np.argmin(errors))]


@dataclass(frozen=True, slots=True)
class FittedChoice:
    """Predictors for single genes and for several.

    Attributes:
        choice: What is chosen from, and how.
        screen: Training rows.
        seed: Of the folds and fits.
        used: Name of the predictor of each task asked about so far.
        fitted: That predictor.
    """

    choice: Chosen
    screen: ExpressionScreen
    seed: int
    used: dict[Task, str] = field(default_factory=dict)
    fitted: dict[Task, Fitted] = field(default_factory=dict)

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return the change of every readout `(perturbations, readouts)`."""
        out = TrainingMean().fit(self.screen, self.seed).predict(perturbations)
        for task in TASKS:
            rows = [
                row
                for row, genes in enumerate(perturbations)
                if (len(genes) > 1) == (task == "doubles")
            ]
            if rows:
                asked = [perturbations[row] for row in rows]
                out[rows], _ = filled(self._of(task).predict(asked), out[rows])
        return out

    def _of(self, task: Task) -> Fitted:
        """Return the best predictor of a task, chosen and fitted the first time."""
        if task not in self.fitted:
            best = self.choice.best(self.screen, task, self.seed)
            self.used[task] = best.name
            self.fitted[task] = best.fit(self.screen, self.seed)
        return self.fitted[task]
