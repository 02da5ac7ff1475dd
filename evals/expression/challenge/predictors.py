"""What is scored on the challenge's scale: our models, plain ones, and tricks as controls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import sparse

from evals.expression.challenge.panel import Array, Panel, emitted, profile
from evals.expression.challenge.score import MEAN
from models.expression.baselines import (
    LinearSelf,
    NearestNeighbours,
    RidgeFeatures,
    TrainingMean,
)
from models.expression.choice import answers, folds_of
from models.expression.genes import GeneFeatures
from models.expression.kernel import KernelResidual
from models.expression.screens import Predictor

Role = Literal["baseline", "ours", "control"]
COPIES = 4
ROW_TOTAL = 1e5
"""Counts of a mean row, so that rounding them loses little."""
OTHER_LINES = "other lines"
Cells = list[sparse.csr_matrix]


class Entry(NamedTuple):
    """A way to predict all perturbations of a panel.

    Attributes:
        name: What tables call it.
        role: What it is in the comparison.
        cells: Makes the predicted cells of each perturbation.
    """

    name: str
    role: Role
    cells: Callable[[], Cells]


@dataclass(frozen=True)
class Emitter:
    """Makes cells of predicted changes, as many of a perturbation as were measured.

    Attributes:
        panel: For its controls and its numbers of cells.
        seed: Of the draws.
    """

    panel: Panel
    seed: int

    def of(self, change: Array) -> Cells:
        """Return cells of changes `(perturbations, readouts)`."""
        counts = [one.shape[0] for one in self.panel.cells.values()]
        return [
            sparse.csr_matrix(emitted(self.panel.control, row, count, self.seed + number))
            for number, (row, count) in enumerate(zip(change, counts, strict=True))
        ]

    def rows(self, change: Array) -> Cells:
        """Return cells that are all the mean row itself."""
        after = np.expm1(np.maximum(profile(self.panel.control) + change, 0.0))
        rows = np.round(ROW_TOTAL * after / after.sum(axis=1, keepdims=True))
        counts = [one.shape[0] for one in self.panel.cells.values()]
        return [
            sparse.csr_matrix(np.tile(row, (count, 1)))
            for row, count in zip(rows, counts, strict=True)
        ]


def mean_response(panel: Panel) -> Array:
    """Return the context's own mean response for every perturbation, the 0 of the scale.

    The mean of the perturbations' mean counts; a readout leaves out the perturbation of its gene.
    """
    means = np.array([np.asarray(one.mean(axis=0), float).ravel() for one in panel.cells.values()])
    own = np.array([np.array(panel.genes) == name for name in panel.perturbations])
    mean = np.where(own, 0.0, means).sum(axis=0) / np.maximum((~own).sum(axis=0), 1)
    counts = sparse.csr_matrix(mean[None])
    return np.tile(profile(counts) - profile(panel.control), (len(panel.cells), 1))


def controls(panel: Panel, seed: int) -> list[Entry]:
    """Return the 0 of the scale, the untouched controls, and two tricks."""
    emit = Emitter(panel, seed)
    shared = mean_response(panel)

    def copied() -> Cells:
        return [sparse.vstack([one] * COPIES).tocsr() for one in emit.of(shared)]

    return [
        Entry(MEAN, "control", lambda: emit.of(shared)),
        Entry("no change", "control", lambda: emit.of(np.zeros_like(shared))),
        Entry(f"{MEAN}, every cell {COPIES} times", "control", copied),
        Entry(f"{MEAN}, rows of means", "control", lambda: emit.rows(shared)),
        Entry("the measured cells", "control", lambda: list(panel.cells.values())),
    ]


def unseen(panel: Panel, features: GeneFeatures, folds: int, seed: int) -> list[Entry]:
    """Return predictors of perturbations that were held out, fold by fold."""
    ours = KernelResidual(features)
    found: list[tuple[Predictor, Role]] = [
        (TrainingMean(), "baseline"),
        (LinearSelf(), "baseline"),
        (RidgeFeatures(features), "baseline"),
        (NearestNeighbours(features), "baseline"),
        (ours, "ours"),
    ]
    emit = Emitter(panel, seed)

    def made(predictor: Predictor) -> Callable[[], Cells]:
        return lambda: emit.of(held_out(panel, predictor, folds, seed))

    return [Entry(one.name, role, made(one)) for one, role in found]


def held_out(panel: Panel, predictor: Predictor, folds: int, seed: int) -> Array:
    """Return the change of every perturbation, predicted without it."""
    screen = panel.screen
    out = np.zeros(screen.response.shape)
    for fold in folds_of(screen, "singles", folds, seed):
        out[fold.held_out], _ = answers(predictor, screen, fold, seed)
    return out


def other_lines(panel: Panel, others: Sequence[Panel], seed: int) -> list[Entry]:
    """Return predictors of a line from the same perturbations in the other lines.

    Args:
        panel: The line that is held out; of it only the controls are seen.
        others: The other lines.
        seed: Of the draws.
    """
    emit = Emitter(panel, seed)
    average = averaged(panel, others)
    scaled = transfer(others) * average

    def shared() -> Cells:
        return emit.of(np.tile(average.mean(axis=0), (len(average), 1)))

    return [
        Entry(f"{OTHER_LINES}, their mean response", "baseline", shared),
        Entry(f"{OTHER_LINES}, the same perturbation", "baseline", lambda: emit.of(average)),
        Entry(f"{OTHER_LINES}, scaled among them", "ours", lambda: emit.of(scaled)),
    ]


def averaged(panel: Panel, others: Sequence[Panel]) -> Array:
    """Return the mean change of each perturbation in other lines, 0 for a readout not in them."""
    out = np.zeros((len(others), len(panel.cells), len(panel.genes)))
    for number, other in enumerate(others):
        column = {gene: at for at, gene in enumerate(other.genes)}
        row = {name: at for at, name in enumerate(other.perturbations)}
        here = [at for at, gene in enumerate(panel.genes) if gene in column]
        there = [column[panel.genes[at]] for at in here]
        for at, name in enumerate(panel.perturbations):
            if name in row:
                out[number, at, here] = other.screen.response[row[name], there]
    return np.asarray(out.mean(axis=0)) if len(others) else np.zeros(out.shape[1:])


def transfer(lines: Sequence[Panel]) -> float:
    """Return by how much a mean of other lines is scaled, from the training lines alone.

    Each of them is predicted from the rest by one number between 0 and 1, by least squares. A
    single line has no rest to ask, and is not scaled.
    """
    if len(lines) < 2:
        return 1.0
    top = bottom = 0.0
    for line in lines:
        rest = [one for one in lines if one is not line]
        said = averaged(line, rest)
        top += float((said * line.screen.response).sum())
        bottom += float((said**2).sum())
    return float(np.clip(top / bottom, 0.0, 1.0)) if bottom > 0 else 0.0


def by_name(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Return the role of each."""
    return {one.name: one.role for one in entries}
