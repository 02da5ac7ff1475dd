"""How far predicted responses are from measured ones, one number per perturbation and measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.expression.mirror import Cells
from models.expression.screens import ExpressionScreen, FloatArray, Genes, IntArray

Array = NDArray[np.float64]
MOST_CHANGED = 50
SHARE_CHANGED = 0.2
CELLS = 200
"""Cells of a perturbation, and of the controls, that an energy distance is taken over."""


@dataclass(frozen=True)
class Yardstick:
    """What predictions for one screen are measured with.

    Attributes:
        screen: All perturbations, held out or not.
        cells: Single cells of its controls and perturbations, where there are any.
    """

    screen: ExpressionScreen
    cells: "CellSamples | None" = None

    def table(self, rows: IntArray, predicted: FloatArray) -> pd.DataFrame:
        """Return a row per perturbation of `rows` with a column per measure.

        The perturbed genes' own transcripts are no part of it: what becomes of them is the
        method's doing, and not every predictor says something of them.
        """
        screen, scored = self.screen, self.screen.scored
        truth, said = (x[:, scored].astype(float) for x in (screen.response[rows], predicted))
        several = len(screen.perturbations[rows[0]]) > 1
        others = screen.rows(several)
        asked = [screen.perturbations[row] for row in rows]
        names = np.array(screen.readouts)[scored]
        own = np.array([np.isin(names, genes) for genes in asked])
        said[own], truth[own] = 0, 0
        singles = {g[0]: screen.response[r] for r, g in enumerate(screen.perturbations)
                   if len(g) == 1}  # fmt: skip
        magnitude, misfit = interactions(asked, predicted, singles)
        true_magnitude, true_misfit = interactions(asked, screen.response[rows], singles)
        energy = np.full(len(rows), np.nan)
        if self.cells is not None:
            energy = np.array(
                [
                    self.cells.energy(one, row)
                    for one, row in zip(asked, predicted.astype(float), strict=True)
                ]
            )
        return pd.DataFrame(
            {
                "perturbation": ["+".join(genes) for genes in asked],
                "l2": np.linalg.norm(said - truth, axis=1),
                "pearson": correlation(said, truth),
                "direction": direction(said, truth),
                "discrimination": discrimination(
                    said, rows, others, screen.response[others][:, scored].astype(float)
                ),
                "energy": energy,
                "magnitude": magnitude,
                "misfit": misfit,
                "true_magnitude": true_magnitude,
                "true_misfit": true_misfit,
            }
        )


@dataclass(frozen=True)
class CellSamples:
    """Some cells of the controls and of each perturbation, and how far apart they are among them.

    Attributes:
        control: `(cells, readouts)`.
        perturbed: The same of each perturbation.
        within_control: Mean distance between two control cells.
        within: Mean distance between two cells of a perturbation.
    """

    control: Array
    perturbed: Mapping[Genes, Array]
    within_control: float
    within: Mapping[Genes, float]

    @classmethod
    def of(cls, cells: Cells, rng: np.random.Generator) -> "CellSamples":
        """Draw at most `CELLS` cells per perturbation."""
        rows: dict[Genes, list[int]] = {}
        for row, genes in enumerate(cells.labels):
            rows.setdefault(genes, []).append(row)
        drawn = {
            genes: cells.matrix[np.sort(rng.permutation(held)[:CELLS])].astype(float)
            for genes, held in rows.items()
        }
        control = drawn.pop(())
        within = {genes: _mean_distance(own, own) for genes, own in drawn.items()}
        return cls(control, drawn, _mean_distance(control, control), within)

    def energy(self, genes: Genes, change: Array) -> float:
        """Return the energy distance between controls moved by `change` and the real cells.

        The distance of Székely and Rizzo, `2 E|X-Y| - E|X-X'| - E|Y-Y'|` with Euclidean norms and
        distinct pairs; nan where there are no cells.
        """
        own = self.perturbed.get(genes)
        if own is None or len(own) < 2:
            return float("nan")
        between = _mean_distance(self.control + change, own, distinct=False)
        return 2 * between - self.within_control - self.within[genes]


def correlation(said: Array, truth: Array) -> Array:
    """Return the Pearson correlation of each row; nan where a row does not vary."""
    x, y = (one - one.mean(axis=1, keepdims=True) for one in (said, truth))
    length = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    found: Array = np.full(len(x), np.nan)
    np.divide((x * y).sum(axis=1), length, out=found, where=length > 1e-12)
    return found


def direction(said: Array, truth: Array) -> Array:
    """Return the share of right signs among the most changed readouts of each row.

    Those are 50, or a fifth of the readouts where that is fewer, with all that changed as much as
    the last of them. A prediction of no change is half right; nan where nothing changed.
    """
    counted = max(1, min(MOST_CHANGED, round(SHARE_CHANGED * truth.shape[1])))
    size = np.abs(truth)
    least = -np.partition(-size, counted - 1, axis=1)[:, counted - 1 : counted]
    most = (size >= least) & (size > 0)
    right = np.where(said == 0, 0.5, np.sign(said) == np.sign(truth))
    count = most.sum(axis=1)
    total = (right * most).sum(axis=1)
    found: Array = np.full(len(count), np.nan)
    np.divide(total, count, out=found, where=count > 0)
    return found


def discrimination(said: Array, rows: IntArray, others: IntArray, measured: Array) -> Array:
    """Return the share of other measured responses that are farther from each prediction (L2).

    Args:
        said: Predictions `(rows, readouts)`.
        rows: What they are predictions of.
        others: Which rows could be mistaken for them, themselves included.
        measured: Responses of `others`.
    """
    from sklearn.metrics import euclidean_distances

    distance = euclidean_distances(said, measured)
    right = rows[:, None] == others[None, :]
    own = distance[right][:, None]
    farther = np.where(np.isclose(distance, own, rtol=1e-9), 0.5, distance > own)
    return np.asarray((farther.sum(axis=1) - 0.5) / max(len(others) - 1, 1))


def interactions(
    asked: Sequence[Genes], response: FloatArray, singles: Mapping[str, FloatArray]
) -> tuple[Array, Array]:
    """Return of each double how large it is in terms of its singles, and how badly their sum fits.

    As Norman et al. (Science 2019): a double is fitted as `c1 a + c2 b`; its magnitude is
    `sqrt(c1^2 + c2^2)`. The misfit is one minus the correlation with `a + b`. Rounded, so that
    predictions that are all a sum tie; nan for other perturbations.
    """
    magnitude, misfit = np.full(len(asked), np.nan), np.full(len(asked), np.nan)
    for row, (genes, found) in enumerate(zip(asked, response, strict=True)):
        if len(genes) == 2 and all(gene in singles for gene in genes):
            parts = np.array([singles[gene] for gene in genes], float)
            weights, *_ = np.linalg.lstsq(parts.T, found.astype(float), rcond=None)
            magnitude[row] = np.linalg.norm(weights)
            misfit[row] = 1 - correlation(found[None].astype(float), parts.sum(axis=0)[None])[0]
    return np.round(magnitude, 4), np.round(misfit, 4)


def _mean_distance(x: Array, y: Array, *, distinct: bool = True) -> float:
    """Return the mean distance between rows of `x` and of `y`, which are the same if distinct."""
    from scipy.spatial.distance import cdist

    pairs = len(x) * (len(x) - 1) if distinct else len(x) * len(y)
    return float(cdist(x, y).sum() / max(pairs, 1))
