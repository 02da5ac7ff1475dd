"""Whether the experiments that are cited for a prediction are the ones that carry it."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from models.inputs.screens import CELL_LINES, UNKNOWN, IntArray, Rows
from models.response.experiments import Experiments
from models.response.features import STRENGTH_ROWS, FittedEvidence, Task, planes
from models.response.field import FloatArray
from models.response.query import Query
from models.response.scoring import FittedModel
from models.response.similarity import kin_of, similarity_to

CITED_EACH_WAY = 5
"""How many rows with a change, and without one, `ResponseModel.analogues` cites."""


class Row(NamedTuple):
    """Indices of a training row."""

    line: int
    pert: int
    readout: int


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How much a prediction moves when rows are taken away, in log-odds.

    Attributes:
        cited: Mean absolute change without the cited rows.
        random: Mean absolute change without as many random rows of the same readout, of related
            perturbations as far as there are any.
        pairs: Predictions behind the means.
    """

    cited: float
    random: float
    pairs: int

    @property
    def ratio(self) -> float:
        """Return how many times more the cited rows move a prediction."""
        return self.cited / self.random if self.random else float("inf")


def faithfulness(fitted: FittedModel, sample: pd.DataFrame, seed: int) -> dict[str, Faithfulness]:
    """Return, for `de` and `dir`, what the cited rows carry against as many random rows.

    Cited are the rows that `ResponseModel.analogues` returns: of the readout asked about, in any
    line, the five with and the five without a change that weigh most in the vote. The random rows
    are drawn from the other rows of that readout, in any line, that have a vote too, as their
    perturbation is related to the one asked about; only where these are too few, the rest comes
    from the rows without a vote. The asked pair's own row is in neither. A row is taken out of the
    votes, the strengths and the process (its dual is set to zero); the priors of the readout, the
    factors, the trees and the signed sets of `extended` stay as they were fitted. No label of the
    sample is used.

    Args:
        fitted: The model.
        sample: Columns `pert`, `gene` (approved symbols) and `cell_line`.
        seed: Of the random rows.
    """
    rng = np.random.default_rng(seed)
    vocabulary, width = fitted.corpus.vocabulary, len(fitted.similarity)
    kin = kin_of(fitted.corpus.relatives, vocabulary.readouts, width)
    own = np.full(len(vocabulary.genes), UNKNOWN)
    own[vocabulary.perturbations] = np.arange(width)
    screens = fitted.corpus.screens
    experiments = Experiments(fitted.rows, fitted.evidence, screens.perturbations, screens.readouts)
    at_readout = _by_readout(fitted.rows, len(screens.readouts))
    tables: list[FloatArray] = []
    lines: list[int] = []
    asked = fitted.asked(sample)
    for line, gene, readout in zip(asked.line, asked.gene, asked.readout, strict=True):
        if UNKNOWN in (gene, readout):
            continue
        genes = np.array([gene])
        alike = similarity_to(fitted.corpus.relatives, fitted.similarity, genes, own[genes])
        query = Query(int(line), genes, own[genes], alike)
        itself = Row(int(line), int(own[gene]), int(readout))
        cited, voters = _cited(fitted, experiments, query, int(readout))
        silent = [row for row in at_readout[readout] if row not in {*cited, *voters, itself}]
        if not cited or len(voters) + len(silent) < len(cited):
            continue
        shuffled = [*_shuffled(voters, rng), *_shuffled(silent, rng)]
        drawn = shuffled[: len(cited)]
        for evidence in (
            fitted.evidence,
            without(fitted.evidence, cited),
            without(fitted.evidence, drawn),
        ):
            found = planes(query, evidence, fitted.corpus.facts, vocabulary.readouts, kin)
            tables.append(np.array([_at(plane, readout) for _, plane in found], np.float32))
        lines.append(int(line))
    return {
        task: _changes(fitted, name, tables, np.array(lines, np.int64))
        for task, name in (("de", "de"), ("dir", "up"))
    }


def without(evidence: FittedEvidence, rows: Iterable[Row]) -> FittedEvidence:
    """Return the evidence less what `rows` add to it."""
    rows = list(rows)
    return replace(
        evidence,
        de=_task_without(evidence.de, rows),
        up=_task_without(evidence.up, rows),
        signed=_task_without(evidence.signed, rows),
    )


def _task_without(task: Task, rows: list[Row]) -> Task:
    residual, seen, duals = list(task.residual), list(task.seen), list(task.field.duals)
    factors, n_rows = task.field.factors.copy(), task.n_rows.copy()
    summed = task.strength * (n_rows + STRENGTH_ROWS)
    for line in {row.line for row in rows}:
        residual[line], seen[line] = residual[line].copy(), seen[line].copy()
        duals[line] = duals[line].copy()
    for line, pert, readout in rows:
        # A row without a direction is no row of the task `up`.
        if not seen[line][pert, readout]:
            continue
        summed[line, pert] -= residual[line][pert, readout]
        n_rows[line, pert] -= 1
        factors[line, pert] -= duals[line][pert, readout] * task.field.loadings[readout]
        for matrices in (residual, seen, duals):
            _set_zero(matrices[line], pert, readout)
    field = replace(task.field, duals=tuple(duals), factors=factors)
    strength = (summed / (n_rows + STRENGTH_ROWS)).astype(np.float32)
    return replace(
        task,
        residual=tuple(residual),
        seen=tuple(seen),
        field=field,
        strength=strength,
        n_rows=n_rows,
    )


def _set_zero(matrix: sparse.csr_array, row: int, column: int) -> None:
    part = slice(matrix.indptr[row], matrix.indptr[row + 1])
    matrix.data[part][matrix.indices[part] == column] = 0


def _cited(
    fitted: FittedModel, experiments: Experiments, query: Query, readout: int
) -> tuple[list[Row], list[Row]]:
    """Return the rows that are cited, and the other rows that have a vote."""
    found = experiments.voters(query.similarity[0], int(query.own[0]), readout, query.line)
    names = fitted.corpus.screens.perturbations  # sorted
    cited: list[Row] = []
    rest: list[Row] = []
    left = {True: CITED_EACH_WAY, False: CITED_EACH_WAY}
    for one in found:
        changed = one.outcome != "unchanged"
        pert = bisect_left(names, one.perturbation)
        row = Row(CELL_LINES.index(one.cell_line), pert, readout)
        (cited if left[changed] > 0 else rest).append(row)
        left[changed] -= 1
    return cited, rest


def _shuffled(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    return [rows[i] for i in rng.permutation(len(rows))]


def _by_readout(rows: Rows, n_readouts: int) -> list[list[Row]]:
    out: list[list[Row]] = [[] for _ in range(n_readouts)]
    for line, pert, readout in zip(
        rows.line.tolist(), rows.pert.tolist(), rows.readout.tolist(), strict=True
    ):
        out[readout].append(Row(line, pert, readout))
    return out


def _at(plane: FloatArray, readout: int) -> float:
    return float(plane[0, readout if plane.shape[1] > 1 else 0])


def _changes(
    fitted: FittedModel, name: str, tables: list[FloatArray], lines: IntArray
) -> Faithfulness:
    """Return the mean absolute changes of the log-odds; tables come as whole, cited, random."""
    if not tables:
        return Faithfulness(0.0, 0.0, 0)
    raw = fitted.trees[name].raw_score(np.stack(tables), fitted.run.threads).reshape(-1, 3)
    score = raw * np.array(fitted.calibrations[name].slope)[lines, None]
    moved = np.abs(score[:, 1:] - score[:, :1]).mean(0)
    return Faithfulness(float(moved[0]), float(moved[1]), len(lines))
