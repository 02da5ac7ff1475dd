"""Predicts whole blocks of perturbations over all readouts of a line, some 10^5 pairs a second."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from models.response.features import Evidence, Task, planes
from models.response.field import Field
from models.response.leaves import LeafMasks, Masks, compiler_is_there
from models.response.model import (
    LEAST_SIMILARITY,
    NO_GENE,
    NO_RELATIVE,
    ResponseModel,
)
from models.response.query import Query
from models.response.screens import UNKNOWN, IntArray
from models.response.similarity import Kin, similarity_to

# Perturbations whose features over all readouts are held in memory together.
AT_ONCE = 32
THREADS = 1
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a block of perturbations does to the readouts of a line.

    Attributes:
        genes: What is perturbed, one at a time.
        readouts: What is read.
        p_de: P(changes) `(genes, readouts)`; NaN throughout where the model abstains.
        p_up: P(up if it changes), likewise.
        trouble: Why the model abstains on each gene; "" where it does not.
    """

    genes: tuple[str, ...]
    readouts: tuple[str, ...]
    p_de: FloatArray
    p_up: FloatArray
    trouble: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's part of the model: everything over the readouts that its screen read."""

    here: IntArray
    evidence: Evidence
    kin: Kin
    read: Masks | None


class BatchPredictor:
    """The response model over blocks of single knockdowns; the same numbers as `predict`.

    Args:
        model: The response model.
    """

    def __init__(self, model: ResponseModel) -> None:
        self._model = model
        self._names = tuple(model.feature_names)
        self._line = lru_cache(maxsize=1)(self._narrowed)

    def abstains(self, gene: str) -> str:
        """Return why the model says nothing of a perturbation; "" where it does."""
        model = self._model
        index = model._gene.get(gene)
        if index is None:
            return NO_GENE.format(gene)
        own = int(model._own[index])
        if own != UNKNOWN and model._evidence.de.n_rows[:, own].any():
            return ""
        genes = np.array([index])
        near = similarity_to(model._relatives, model._between, genes, model._own[genes])
        return NO_RELATIVE.format(gene) if near.max(initial=0) < LEAST_SIMILARITY else ""

    def predict(self, genes: Sequence[str], cell_line: str) -> Predicted:
        """Return the prediction of every gene's knockdown over all readouts of a line.

        Args:
            genes: Approved symbols; a block of hundreds at most, as all is kept in memory.
            cell_line: One of the model's lines.

        Raises:
            QuestionError: The line is unknown.
        """
        line = self._model._line(cell_line)
        mine = self._line(line)
        trouble = tuple(self.abstains(gene) for gene in genes)
        shape = (len(genes), len(mine.here))
        p_de, p_up = (np.full(shape, np.nan, np.float32) for _ in range(2))
        said = np.array([i for i, why in enumerate(trouble) if not why], np.int64)
        for start in range(0, len(said), AT_ONCE):
            part = said[start : start + AT_ONCE]
            index = np.array([self._model._gene[genes[i]] for i in part])
            p_de[part], p_up[part] = self._block(index, line, mine)
        return Predicted(tuple(genes), self._model.readouts(cell_line), p_de, p_up, trouble)

    def _block(self, genes: IntArray, line: int, mine: _Line) -> NDArray[np.float64]:
        model = self._model
        own = model._own[genes]
        alike = similarity_to(model._relatives, model._between, genes, own)
        query = Query(line, genes, own, alike)
        readout_genes = model._readout_gene[mine.here]
        found = planes(query, mine.evidence, model._facts, readout_genes, mine.kin)
        scores = self._scores({name: plane for name, plane in found}, mine, len(genes))
        out = np.stack(
            [
                model._calibration[name].probability(score, line)
                for name, score in zip(("de", "up"), scores, strict=True)
            ]
        )
        self._as_held_out(own, line, mine.here, out)
        return out

    def _scores(self, found: dict[str, FloatArray], mine: _Line, n: int) -> NDArray[np.float64]:
        shape = (n, len(mine.here))
        if mine.read is None:
            columns = [np.broadcast_to(found[name], shape).ravel() for name in self._names]
            table = np.column_stack(columns)
            return np.stack(
                [trees.raw_score(table, THREADS).reshape(shape) for trees in self._model._trees]
            )
        perturbed = self._masks.everything(n)
        pairs: list[int] = []
        for number, name in enumerate(self._names):
            plane = found[name]
            if plane.shape[1] == 1:
                self._masks.narrow(perturbed, number, plane[:, 0])
            elif plane.shape[0] > 1 or n == 1:
                pairs.append(number)
        values = np.stack([np.broadcast_to(found[self._names[i]], shape) for i in pairs])
        return self._masks.scores(perturbed, mine.read, pairs, values.astype(np.float32))

    def _as_held_out(
        self, own: IntArray, line: int, here: IntArray, out: NDArray[np.float64]
    ) -> None:
        """Put the held-out predictions where the pair itself was trained on."""
        for row, pert in enumerate(own):
            if pert != UNKNOWN:
                whole = [np.full(len(self._model._readout_gene), np.nan) for _ in range(2)]
                self._model._as_held_out(int(pert), line, whole)
                for task, values in enumerate(whole):
                    stored = np.isfinite(values[here])
                    out[task, row, stored] = values[here][stored]

    @cached_property
    def _masks(self) -> LeafMasks:
        return LeafMasks.of(self._model._trees, len(self._names))

    def _narrowed(self, line: int) -> _Line:
        """Return a line's part of the model, and what its readouts' own features rule out."""
        model = self._model
        here = model._measured_here[line]
        whole = model._evidence
        evidence = Evidence(
            _columns(whole.de, here), _columns(whole.up, here), _columns(whole.signed, here)
        )
        kin = Kin(model._kin.direct[:, here].tocsr(), model._kin.unit[:, here].tocsr())
        if not compiler_is_there():
            return _Line(here, evidence, kin, None)
        read = self._masks.everything(len(here))
        two = np.zeros(2, np.int64)
        nothing = np.zeros((2, len(model._pert_gene)), np.float32)
        query = Query(line, two, np.full(2, UNKNOWN), nothing)
        found = planes(query, evidence, model._facts, model._readout_gene[here], kin)
        for name, plane in found:
            # What is the same for any perturbation has one row.
            if name in self._names and plane.shape == (1, len(here)):
                self._masks.narrow(read, self._names.index(name), plane[0])
        return _Line(here, evidence, kin, read)


def _columns(task: Task, here: IntArray) -> Task:
    """Return a task over some of the readouts."""
    field = Field(
        task.field.settings,
        task.field.loadings[here],
        tuple(matrix[:, here].tocsr() for matrix in task.field.duals),
        task.field.factors,
    )
    return replace(
        task,
        prior=task.prior[:, here],
        deviation=task.deviation[:, here],
        count=task.count[:, here],
        residual=tuple(matrix[:, here].tocsr() for matrix in task.residual),
        seen=tuple(matrix[:, here].tocsr() for matrix in task.seen),
        field=field,
    )
