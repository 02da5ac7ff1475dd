"""What programmes, documented paths and controls say of every measured pair."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.belief import LEAST_BEYOND_STARTER
from knowledge.base import Knowledge
from knowledge.cascade import CellState, reach, start
from knowledge.progress import Progress
from knowledge.schema import Perturbation
from models.programmes.model import ProgrammeModel
from models.programmes.trust import TOLD
from models.response import ResponseModel
from models.response.likeness import Likeness, likeness

Floats = NDArray[np.float64]
DRAWS = 10
"""Shuffles that a control is the mean of."""


class Experiment(NamedTuple):
    """One perturbation in one line, its readouts and where their rows are."""

    pert: str
    cell_line: str
    genes: tuple[str, ...]
    at: tuple[int, ...]


def experiments(rows: pd.DataFrame) -> list[Experiment]:
    """Return the rows, `cell_line`, `pert` and `gene` among their columns, by experiment.

    `at` counts the rows from 0.
    """
    keyed = sorted(zip(rows.cell_line, rows.pert, rows.gene, range(len(rows)), strict=True))
    found = []
    for (line, pert), group in groupby(keyed, key=lambda key: key[:2]):
        mine = list(group)
        found.append(
            Experiment(pert, line, tuple(one[2] for one in mine), tuple(one[3] for one in mine))
        )
    return found


@dataclass(frozen=True)
class Asked:
    """What is asked of programmes, and what they expect.

    Attributes:
        model: The programmes.
        found: The experiments.
        shifts: Of each experiment `(experiments, programmes)`.
        experiment: Which experiment each row is of `(rows,)`.
        genes: The readout of each row.
    """

    model: ProgrammeModel
    found: tuple[Experiment, ...]
    shifts: Floats
    experiment: NDArray[np.int64]
    genes: tuple[str, ...]

    @classmethod
    def of(
        cls, rows: pd.DataFrame, model: ProgrammeModel, response: ResponseModel, source: str = ""
    ) -> "Asked":
        """Return what the rows ask; with a `source`, that line's screen alone is looked at."""
        found = experiments(rows)

        def alike(gene: str) -> Likeness | None:
            return likeness(response, gene)

        shifts = np.zeros((len(found), len(model.programmes)))
        experiment = np.zeros(len(rows), np.int64)
        for number, one in enumerate(found):
            if source:
                near = alike(one.pert)
                if near is not None:
                    shifts[number] = model.shifts_from(near, source, one.cell_line)
            else:
                shifts[number] = model.shifts((one.pert,), one.cell_line, alike)
            experiment[list(one.at)] = number
        return cls(model, tuple(found), shifts, experiment, tuple(rows.gene))

    def expected(
        self, shifts: Floats | None = None, order: NDArray[np.int64] | None = None
    ) -> Floats:
        """Return the expected sign of each row `(rows,)`.

        Args:
            shifts: Others than those of the experiments.
            order: Readouts in whose place each readout of the model is put.
        """
        shifts = self.shifts if shifts is None else shifts
        loaded = self.model.loaded(self.genes, order)
        values: Floats = np.einsum("ij,ij->i", shifts[self.experiment], loaded)
        return values

    def told(self) -> NDArray[np.bool_]:
        """Return which rows programmes speak about, as an answer tells them `(rows,)`."""
        large = np.abs(self.expected()) >= self.model.config.least_expected
        trust = self.model.trusts(self.shifts[self.experiment], self.genes)
        return large & (trust >= TOLD)

    def shuffled_loadings(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Iterate over what is expected where readouts have exchanged their loadings."""
        for _ in range(DRAWS):
            yield self.expected(order=rng.permutation(len(self.model.readouts)))

    def other_shifts(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Iterate over what is expected where perturbations of a line exchanged their shifts."""
        lines = np.array([one.cell_line for one in self.found])
        for _ in range(DRAWS):
            order = np.arange(len(lines))
            for line in np.unique(lines):
                here = np.flatnonzero(lines == line)
                order[here] = rng.permutation(here)
            yield self.expected(self.shifts[order])

    def without(self, leading: bool, rng: np.random.Generator) -> Floats:
        """Return what is expected of each row without its leading programme, or another one."""
        loaded = self.model.loaded(self.genes)
        parts = self.shifts[self.experiment] * loaded
        total = parts.sum(1)
        towards = parts * np.sign(total)[:, None]
        first = towards.argmax(1)
        if not leading:
            active = (parts != 0).astype(float)
            active[np.arange(len(first)), first] = 0
            draw = rng.random(active.shape) * active
            first = np.where(active.any(1), draw.argmax(1), -1)
        out: Floats = total - np.where(first >= 0, parts[np.arange(len(first)), first], 0)
        return out


def response_says(rows: pd.DataFrame, response: ResponseModel, progress: Progress) -> Floats:
    """Return the response model's P(up) of each row `(rows,)`."""
    out = np.full(len(rows), 0.5)
    found = experiments(rows)
    for number, one in enumerate(found):
        progress(f"response model: {one.pert} in {one.cell_line}", number / len(found))
        said = response.predict([one.pert], list(one.genes), one.cell_line)
        out[list(one.at)] = [0.5 if row.abstained else row.p_up for row in said]
    return out


def documented(rows: pd.DataFrame, knowledge: Knowledge, progress: Progress) -> Floats:
    """Return which way the believed documented path of each row points: +1, -1, 0 for none."""
    out = np.zeros(len(rows))
    found = experiments(rows)
    cells = {line.name: CellState(line, knowledge.expression) for line in knowledge.cell_lines}
    for number, one in enumerate(found):
        progress(f"cascade: {one.pert} in {one.cell_line}", number / len(found))
        lost = Perturbation(genes=(one.pert,), kind="knockdown", cell_line=one.cell_line)
        reached = reach(knowledge.graph, start(lost), cell=cells[one.cell_line])
        for gene, at in zip(one.genes, one.at, strict=True):
            up, down = reached.confidence(gene, "up"), reached.confidence(gene, "down")
            if reached.curated(gene) or max(up, down) >= LEAST_BEYOND_STARTER:
                out[at] = np.sign(up - down)
    return out


def usual(rows: pd.DataFrame, train: pd.DataFrame) -> Floats:
    """Return how often training rows say that each row's readout goes up, less a half `(rows,)`."""
    moved = train[train.is_up.notna()]
    counts = moved.groupby(["cell_line", "gene"]).is_up.agg(["sum", "size"])
    found = counts.reindex(pd.MultiIndex.from_frame(rows[["cell_line", "gene"]])).fillna(0)
    total = found["size"].to_numpy()
    lead: Floats = (2 * found["sum"].to_numpy() - total) / np.maximum(total, 1)
    return lead
