"""Predicts whole blocks of perturbations over all readouts of a line, some 10^5 pairs a second."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from models.inputs.screens import CELL_LINES, UNKNOWN, IntArray
from models.response.calibration import Calibration
from models.response.ensemble import Ensemble
from models.response.features import FittedEvidence, GeneFacts, Task, planes
from models.response.field import Field
from models.response.leaves import LeafMasks, Masks, compiler_is_there
from models.response.model import (
    LEAST_SIMILARITY,
    NO_GENE,
    NO_RELATIVE,
    ResponseModel,
)
from models.response.query import Query
from models.response.similarity import Kin, Relatives, kin_of, similarity_to

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
    evidence: FittedEvidence
    kin: Kin
    read: Masks | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a block is predicted from: those of the shipped model, or of one fitted in memory.

    Attributes:
        genes: Place of each gene in the vocabulary.
        own: Place of each gene of the vocabulary among the perturbations.
        relatives: The nearest perturbations of every gene.
        between: Likeness among perturbations.
        evidence: What was fitted to the rows that may be seen.
        facts: What is known of the genes.
        readout_genes: Place of each readout in the vocabulary.
        names: Features, in the order of the trees.
        trees: For P(changes) and for P(up if it changes).
        calibration: Of `de` and `up`.
        held_out: Puts stored held-out predictions in place of those of pairs trained on: called
            with perturbation, line and an array a task, over all readouts.
    """

    genes: Mapping[str, int]
    own: IntArray
    relatives: Relatives
    between: FloatArray
    evidence: FittedEvidence
    facts: GeneFacts
    readout_genes: IntArray
    names: tuple[str, ...]
    trees: tuple[Ensemble, Ensemble]
    calibration: Mapping[str, Calibration]
    held_out: Callable[[int, int, list[NDArray[np.float64]]], None] | None = None

    @classmethod
    def of(cls, model: ResponseModel) -> "Parts":
        """Return the parts of a loaded model."""
        return cls(
            genes=model._gene,
            own=model._own,
            relatives=model._relatives,
            between=model._between,
            evidence=model._evidence,
            facts=model._facts,
            readout_genes=model._readout_gene,
            names=tuple(model.feature_names),
            trees=model._trees,
            calibration=model._calibration,
            held_out=model._as_held_out,
        )


class BatchPredictor:
    """The response model over blocks of single knockdowns; the same numbers as `predict`.

    Args:
        parts: What to predict from.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        symbols = list(parts.genes)
        self._readouts = [symbols[i] for i in parts.readout_genes]
        self._line = lru_cache(maxsize=1)(self._narrowed)

    def abstains(self, gene: str) -> str:
        """Return why the model says nothing of a perturbation; "" where it does."""
        parts = self._parts
        index = parts.genes.get(gene)
        if index is None:
            return NO_GENE.format(gene)
        own = int(parts.own[index])
        if own != UNKNOWN and parts.evidence.de.n_rows[:, own].any():
            return ""
        genes = np.array([index])
        near = similarity_to(parts.relatives, parts.between, genes, parts.own[genes])
        return NO_RELATIVE.format(gene) if near.max(initial=0) < LEAST_SIMILARITY else ""

    def predict(self, genes: Sequence[str], cell_line: str) -> Predicted:
        """Return the prediction of every gene's knockdown over all readouts of a line.

        Args:
            genes: Approved symbols; a block of hundreds at most, as all is kept in memory.
            cell_line: One of the screened lines.
        """
        line = CELL_LINES.index(cell_line)
        mine = self._line(line)
        trouble = tuple(self.abstains(gene) for gene in genes)
        shape = (len(genes), len(mine.here))
        p_de, p_up = (np.full(shape, np.nan, np.float32) for _ in range(2))
        said = np.array([i for i, why in enumerate(trouble) if not why], np.int64)
        for start in range(0, len(said), AT_ONCE):
            part = said[start : start + AT_ONCE]
            index = np.array([self._parts.genes[genes[i]] for i in part])
            p_de[part], p_up[part] = self._block(index, line, mine)
        readouts = tuple(self._readouts[i] for i in mine.here)
        return Predicted(tuple(genes), readouts, p_de, p_up, trouble)

    def _block(self, genes: IntArray, line: int, mine: _Line) -> NDArray[np.float64]:
        parts = self._parts
        own = parts.own[genes]
        query = Query(line, genes, own, similarity_to(parts.relatives, parts.between, genes, own))
        readout_genes = parts.readout_genes[mine.here]
        found = planes(query, mine.evidence, parts.facts, readout_genes, mine.kin)
        scores = self._scores({name: plane for name, plane in found}, mine, len(genes))
        out = np.stack(
            [
                parts.calibration[name].probability(score, line)
                for name, score in zip(("de", "up"), scores, strict=True)
            ]
        )
        self._as_held_out(own, line, mine.here, out)
        return out

    def _scores(self, found: dict[str, FloatArray], mine: _Line, n: int) -> NDArray[np.float64]:
        shape = (n, len(mine.here))
        if mine.read is None:
            columns = [np.broadcast_to(found[name], shape).ravel() for name in self._parts.names]
            table = np.column_stack(columns)
            return np.stack(
                [trees.raw_score(table, THREADS).reshape(shape) for trees in self._parts.trees]
            )
        perturbed = self._masks.everything(n)
        pairs: list[int] = []
        for number, name in enumerate(self._parts.names):
            plane = found[name]
            if plane.shape[1] == 1:
                self._masks.narrow(perturbed, number, plane[:, 0])
            elif plane.shape[0] > 1 or n == 1:
                pairs.append(number)
        values = np.stack([np.broadcast_to(found[self._parts.names[i]], shape) for i in pairs])
        return self._masks.scores(perturbed, mine.read, pairs, values.astype(np.float32))

    def _as_held_out(
        self, own: IntArray, line: int, here: IntArray, out: NDArray[np.float64]
    ) -> None:
        """Put the held-out predictions where the pair itself was trained on."""
        if self._parts.held_out is None:
            return
        for row, pert in enumerate(own):
            if pert != UNKNOWN:
                whole = [np.full(len(self._parts.readout_genes), np.nan) for _ in range(2)]
                self._parts.held_out(int(pert), line, whole)
                for task, values in enumerate(whole):
                    stored = np.isfinite(values[here])
                    out[task, row, stored] = values[here][stored]

    @cached_property
    def _masks(self) -> LeafMasks:
        return LeafMasks.of(self._parts.trees, len(self._parts.names))

    def _narrowed(self, line: int) -> _Line:
        """Return a line's part of the model, and what its readouts' own features rule out."""
        parts = self._parts
        whole = parts.evidence
        here = np.flatnonzero(whole.de.count[line])
        evidence = FittedEvidence(
            _columns(whole.de, here), _columns(whole.up, here), _columns(whole.signed, here)
        )
        readout_genes = parts.readout_genes[here]
        kin = kin_of(parts.relatives, readout_genes, len(parts.between))
        if not compiler_is_there():
            return _Line(here, evidence, kin, None)
        read = self._masks.everything(len(here))
        nothing = np.zeros((2, len(parts.between)), np.float32)
        query = Query(line, np.zeros(2, np.int64), np.full(2, UNKNOWN), nothing)
        for name, plane in planes(query, evidence, parts.facts, readout_genes, kin):
            # What is the same for any perturbation has one row.
            if name in parts.names and plane.shape == (1, len(here)):
                self._masks.narrow(read, parts.names.index(name), plane[0])
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
