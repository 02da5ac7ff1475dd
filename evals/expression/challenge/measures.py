"""The six measures of the Virtual Cell Challenge 2026 (cell-eval2, profile `vcc2026`).

Definitions: docs/vcc2026_metrics of github.com/ArcInstitute/cell-eval2. Means are over
perturbations, the expression error is a ratio of two sums over them. The perturbed gene's own
readout counts nowhere, and those of all perturbed genes are no part of the discrimination.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from evals.expression.challenge.panel import BULK, Array, Panel, profile

Bools = NDArray[np.bool_]
ALPHA = 0.05
LEAST_CPM = 5.0
EPSILON = 1e-9
PURITY = 0.9
LEAST_GATE = 10
BLOCK = 2000
"""Readouts that are tested at once."""


class Changes(NamedTuple):
    """A table of differential expression of one group against controls.

    Attributes:
        lfc: Log2 fold change of each tested readout.
        p: P-values.
        adjusted: The same by Benjamini and Hochberg within the group.
    """

    lfc: Array
    p: Array
    adjusted: Array

    @property
    def called(self) -> Bools:
        """Return which readouts are significant."""
        return np.asarray(self.adjusted < ALPHA)


@dataclass(frozen=True)
class Reference:
    """Measured cells, worked out once for all predictions.

    Attributes:
        panel: The cells.
        base: Log expression of the controls.
        profiles: Log expression of each perturbation.
        noise: Sampling variance of each profile, and last that of the controls.
        tested: Which readouts are expressed enough in the controls to be tested.
        tables: Differential expression of each perturbation.
    """

    panel: Panel
    base: Array
    profiles: Array
    noise: Array
    tested: Bools
    tables: tuple[Changes, ...]

    @classmethod
    def of(cls, panel: Panel) -> "Reference":
        """Work it out."""
        tested = expressed(panel.control)
        groups = list(panel.cells.values())
        return cls(
            panel,
            profile(panel.control),
            np.array([profile(one) for one in groups]),
            np.array([jackknife(one) for one in [*groups, panel.control]]),
            tested,
            tuple(differential(one, panel.control, tested) for one in groups),
        )

    @property
    def own(self) -> Bools:
        """Return the perturbed genes' own readouts `(perturbations, readouts)`."""
        genes = np.array(self.panel.genes)
        return np.array([genes == name for name in self.panel.perturbations])


def measured(
    reference: Reference, cells: Sequence[sparse.csr_matrix], control: sparse.csr_matrix
) -> pd.DataFrame:
    """Return a row per perturbation with a column per measure, and the two parts of the error.

    Args:
        reference: What was measured.
        cells: Predicted cells of each perturbation.
        control: What predicted cells are compared with: the measured controls, or those of the
            other half where a replicate is taken.
    """
    own = reference.own
    profiles = np.array([profile(one) for one in cells])
    claimed = np.array([jackknife(one) for one in cells])
    base = profile(control)
    said = [differential(one, control, reference.tested) for one in cells]
    rows = [
        _from_tables(mine, true, ~own[row][reference.tested])
        for row, (mine, true) in enumerate(zip(said, reference.tables, strict=True))
    ]
    table = pd.DataFrame(rows)
    table["discrimination"] = discrimination(
        profiles - base, reference.profiles - reference.base, np.asarray(~own.any(axis=0))
    )
    table["error"], table["distance"] = _error(reference, profiles, claimed)
    return table.assign(perturbation=reference.panel.perturbations)


def jackknife(counts: sparse.csr_matrix) -> float:
    """Return the sampling variance of a profile, summed over readouts: one cell left out at once.

    0 for a single cell.
    """
    number = counts.shape[0]
    if number < 2:
        return 0.0
    total = np.asarray(counts.sum(axis=0), float).ravel()
    each = np.asarray(counts.sum(axis=1), float).ravel()
    left = np.maximum(total.sum() - each, 1.0)[:, None]
    spread = 0.0
    for start in range(0, counts.shape[1], BLOCK):
        block = counts[:, start : start + BLOCK].toarray()
        without = np.log1p(BULK * (total[start : start + BLOCK] - block) / left)
        spread += float(((without - without.mean(axis=0)) ** 2).sum())
    return float((number - 1) / number * spread)


def per_million(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the counts of each cell brought to a million."""
    each = np.asarray(counts.sum(axis=1), float).ravel()
    scale = 1e6 / np.where(each > 0, each, 1.0)
    return (sparse.diags(scale) @ counts).tocsr()


def expressed(control: sparse.csr_matrix) -> Bools:
    """Return which readouts are above five counts per million in the controls."""
    return np.asarray(np.asarray(per_million(control).mean(axis=0)).ravel() > LEAST_CPM)


def differential(cells: sparse.csr_matrix, control: sparse.csr_matrix, tested: Bools) -> Changes:
    """Return Wilcoxon's rank-sum test of each tested readout, by its normal approximation."""
    from scipy.stats import false_discovery_control, mannwhitneyu

    columns = np.flatnonzero(tested)
    here, there = (per_million(one)[:, columns] for one in (cells, control))
    found = []
    for start in range(0, len(columns), BLOCK):
        x, y = (one[:, start : start + BLOCK].toarray() for one in (here, there))
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(mannwhitneyu(x, y, method="asymptotic", use_continuity=False).pvalue)
    p = np.concatenate(found) if found else np.zeros(0)
    p = np.where(np.isfinite(p), p, 1.0)
    adjusted = false_discovery_control(p) if len(p) else p
    mean, base = (np.asarray(one.mean(axis=0)).ravel() for one in (here, there))
    return Changes(np.log2((mean + EPSILON) / (base + EPSILON)), p, adjusted)


def discrimination(said: Array, true: Array, counted: Bools) -> Array:
    """Return for each row the share of other measured changes that are farther by cosine.

    Equally far ones count half, and a change of no length is equally far from all.
    """
    x, y = said[:, counted], true[:, counted]
    lengths = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(y, axis=1)[None]
    cosine = np.divide(x @ y.T, lengths, out=np.zeros(lengths.shape), where=lengths > 0)
    distance = np.round(1 - cosine, 12)
    right = np.diag(distance)[:, None]
    nearer = (distance < right).sum(axis=1) + ((distance == right).sum(axis=1) - 1) / 2
    return np.asarray(1 - nearer / max(len(true) - 1, 1))


def fidelity(said: Changes, true: Changes, kept: Bools) -> float:
    """Return the right directions among the called, over the more of called and truly changed."""
    calls = said.called & kept & (true.lfc != 0)
    real = int((true.called & kept).sum())
    most = max(int(calls.sum()), real)
    right = int((calls & (np.sign(said.lfc) == np.sign(true.lfc))).sum())
    return right / most if most else float("nan")


def reach(said: Changes, true: Changes, kept: Bools) -> float:
    """Return how deep into the truly changed, most certain first, nine in ten are right."""
    pool = np.flatnonzero(true.called & kept)
    if not len(pool):
        return float("nan")
    keys = (-np.abs(said.lfc[pool]), said.p[pool], said.adjusted[pool], ~said.called[pool])
    order = pool[np.lexsort(keys)]
    order = order[true.lfc[order] != 0]
    right = np.cumsum(np.sign(said.lfc[order]) == np.sign(true.lfc[order]))
    deep = np.flatnonzero(right / (np.arange(len(order)) + 1) >= PURITY)
    return float(deep[-1] + 1) / len(pool) if len(deep) else 0.0


def agreement(said: Changes, true: Changes, kept: Bools) -> float:
    """Return Jaccard's index of the two sets of changed readouts; 1 where both are empty."""
    either = ((said.called | true.called) & kept).sum()
    return float((said.called & true.called & kept).sum() / either) if either else 1.0


def fold_change_error(said: Array, true: Changes, kept: Bools, other: Array | None = None) -> float:
    """Return the error of fold changes over the truly changed, as a share of those.

    Args:
        said: Fold changes that are judged.
        true: What was measured; decides which readouts count, at least ten.
        kept: Readouts that may count.
        other: What `said` is compared with, the measured ones if not given.
    """
    gate = true.called & kept & np.isfinite(true.lfc)
    if gate.sum() < LEAST_GATE:
        return float("nan")
    against = true.lfc if other is None else other
    return float(np.abs(said - against)[gate].sum() / np.abs(true.lfc[gate]).sum())


def _from_tables(said: Changes, true: Changes, kept: Bools) -> dict[str, float]:
    return {
        "fidelity": fidelity(said, true, kept),
        "reach": reach(said, true, kept),
        "agreement": agreement(said, true, kept),
        "fold change": fold_change_error(said.lfc, true, kept),
    }


def _error(reference: Reference, profiles: Array, claimed: Array) -> tuple[Array, Array]:
    """Return the corrected squared distance of prediction to truth, and of truth to control.

    What sampling adds is taken off, for the prediction at most as much as for the truth, and over
    all no more than its predictions differ among each other.
    """
    keep = ~reference.own
    number = keep.sum(axis=1)
    noise, control = reference.noise[:-1], reference.noise[-1]
    claimed = np.minimum(claimed, noise)
    weight = keep / number[:, None]
    mean = (weight * profiles).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-12)
    budget = float((weight * (profiles - mean) ** 2).sum())
    asked = float((claimed / number).sum())
    share = min(1.0, budget / asked) if asked > 0 else 1.0
    off = (keep * (profiles - reference.profiles) ** 2).sum(axis=1)
    moved = (keep * (reference.profiles - reference.base) ** 2).sum(axis=1)
    return (off - share * claimed - noise) / number, (moved - noise - control) / number
