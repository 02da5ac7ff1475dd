"""Predicts how a readout responds to a perturbation, and shows the experiments behind it."""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, logit

from knowledge.errors import QuestionError
from knowledge.schema import Gene, Interval, PerturbationKind
from models.checkpoint import read_checkpoint
from models.inputs.genes import screened_genes
from models.inputs.screens import UNKNOWN, Rows
from models.response.checkpoint import FORMAT, SHIPPED, Checkpoint
from models.response.ensemble import Ensemble
from models.response.experiments import Experiments
from models.response.features import (
    TASKS,
    FittedEvidence,
    GeneFacts,
    assemble_task,
    labels,
    planes,
)
from models.response.field import N_LINES, Field, FieldSettings
from models.response.own_rows import OwnRows, Sources, joined
from models.response.query import Query
from models.response.schema import Analogue, Outcome, ResponsePrediction
from models.response.similarity import SCALE, Kin, Relatives, kin_of, similarity_to

FloatArray = NDArray[np.float64]

# All but some one in a hundred of the screened genes have a relative nearer than this.
LEAST_SIMILARITY = 0.05
ACTIVATION_WIDENS = 3.0
TREE_THREADS = 2
# Up to this share of the readouts, the trees are asked about those alone.
FEW = 0.5

NO_GENE = "{} is not in the response model's vocabulary"
NO_RELATIVE = "nothing similar to {} was ever perturbed in the training screens"
NO_READOUT = "{} was never a readout in the training screens of {}"
DOUBLE = (
    "assumed that the perturbations act independently: P(DE) is the noisy-or of the single ones; "
    "no double knockdown was trained on"
)
ACTIVATION = (
    "assumed the mirror image of a knockdown: same P(DE), opposite direction, wider interval; "
    "no activation screen was trained on"
)


class Habit(NamedTuple):
    """What a readout does in a line whatever is perturbed: how often it changes, and rises if so.

    Both are shrunken means over the training rows of the line.
    """

    p_de: float
    p_up: float


class Ground(NamedTuple):
    """Where a perturbation stands in what the model was trained on.

    Attributes:
        known: Whether a training screen has measured it, in any line.
        essential: Share of cancer lines that need the gene; 0.5 where that is not known.
        nearest: Likeness of the nearest measured perturbation, in [0, 1].
    """

    known: bool
    essential: float
    nearest: float


class _Block(NamedTuple):
    """One perturbation in one line over all its readouts."""

    p_de: FloatArray
    p_up: FloatArray
    nearest: float
    seen: bool


class ResponseModel:
    """P(DE) and P(up | DE) for any gene it can relate to the training screens.

    Args:
        checkpoint: The stored parts.
        screens: Rows of one's own, which vote and are looked up beside the training rows.
    """

    def __init__(self, checkpoint: Checkpoint, screens: Sequence[OwnRows] = ()) -> None:
        added = joined(checkpoint, screens) if screens else None
        self._trained_perturbations = len(checkpoint.arrays["perturbations"])
        if added is not None:
            checkpoint = added.checkpoint
        config, arrays = checkpoint.config, checkpoint.arrays
        self.version = checkpoint.version
        self.screens = tuple(f"{one.name} {one.digest}" for one in screens)
        self.cell_lines = config.cell_lines
        self.de_threshold = config.de_threshold
        self._checkpoint = checkpoint
        symbols = checkpoint.names["genes"]
        self._gene = {symbol: i for i, symbol in enumerate(symbols)}
        self._pert_gene = arrays["perturbations"].astype(np.int64)
        self._readout_gene = arrays["readouts"].astype(np.int64)
        self._own = np.full(len(self._gene), UNKNOWN)
        self._own[self._pert_gene] = np.arange(len(self._pert_gene))
        self._readout_names = tuple(symbols[i] for i in self._readout_gene)
        self._readout = {name: i for i, name in enumerate(self._readout_names)}
        self._relatives = Relatives(
            arrays["relatives"], arrays["level"], arrays["reason"], checkpoint.names["reasons"]
        )
        self._facts = GeneFacts(
            arrays["baseline"].astype(np.float32), arrays["essential"].astype(np.float32)
        )
        self._rows = _rows(arrays)
        shape = (len(self._pert_gene), len(self._readout_gene))
        own = None if added is None else added.own
        self._evidence = _evidence(self._rows, arrays, config.field, shape, own)
        self._sources = None if added is None else Sources(added, self._rows, shape)
        self._calibration = config.calibration
        self._measured_here = [np.flatnonzero(self._evidence.de.count[i]) for i in range(N_LINES)]
        self._experiments = Experiments(
            self._rows,
            self._evidence,
            [symbols[i] for i in self._pert_gene],
            self._readout_names,
        )
        self._block = lru_cache(maxsize=64)(self._predict_block)

    @classmethod
    def load(cls, folder: Path | None = None, screens: Sequence[OwnRows] = ()) -> Self:
        """Read a checkpoint; the shipped one by default, with rows of one's own beside its own.

        Raises:
            DataError: The folder is incomplete, damaged or of another format.
        """
        return cls(read_checkpoint(folder or SHIPPED, FORMAT), screens)

    def genes(self) -> tuple[Gene, ...]:
        """Return every gene the model can embed, with the outdated symbols the screens use."""
        return self._genes

    @cached_property
    def _genes(self) -> tuple[Gene, ...]:
        return screened_genes(self._checkpoint.names)

    def readouts(self, cell_line: str) -> tuple[str, ...]:
        """Return the genes whose transcripts the training screen of `cell_line` read."""
        return tuple(self._readout_names[i] for i in self._measured_here[self._line(cell_line)])

    def habit(self, cell_line: str) -> dict[str, Habit]:
        """Return, for every readout of `cell_line`, what it does whatever is perturbed there."""
        line = self._line(cell_line)
        de, up = self._evidence.de.prior[line], self._evidence.up.prior[line]
        return {
            self._readout_names[i]: Habit(float(de[i]), float(up[i]))
            for i in self._measured_here[line]
        }

    def ground(self, gene: str) -> Ground:
        """Return where the loss of `gene` stands in what the model was trained on."""
        index = self._gene.get(gene)
        if index is None:
            return Ground(known=False, essential=0.5, nearest=0.0)
        own = int(self._own[index])
        known = own != UNKNOWN and bool(self._evidence.de.n_rows[:, own].any())
        share = float(self._facts.essential[index, 0])
        likeness = self._relatives.level[index].max() / SCALE
        return Ground(known, share if np.isfinite(share) else 0.5, float(likeness) ** 2)

    def signatures(self, cell_line: str) -> tuple[tuple[str, ...], sparse.csr_array]:
        """Return the perturbations of a line, and their measured changes over `readout_order`.

        +1 is up, -1 down; 0.001 stands for a readout that did not change, so that it is kept apart
        from one without a training row. Shape `(perturbations, readouts)`.
        """
        return self._experiments.signatures(self._line(cell_line))

    @property
    def readout_order(self) -> tuple[str, ...]:
        """Return the readouts in the order of the columns of `signatures`."""
        return self._readout_names

    def measured(self, gene: str, readout: str, cell_line: str) -> Outcome | None:
        """Return the training outcome of a pair, or None where no training row says."""
        line = self._line(cell_line)
        own = self._own_index(gene)
        column = self._readout.get(readout, UNKNOWN)
        if own == UNKNOWN or column == UNKNOWN:
            return None
        return self._experiments.outcome(own, column, line)

    def own_screen(self, gene: str, readout: str, cell_line: str) -> str:
        """Return the screen of one's own that measured a pair; "" where a training screen did."""
        if self._sources is None:
            return ""
        at = self._own_index(gene), self._readout.get(readout, UNKNOWN), self._line(cell_line)
        return self._sources.screen(*at)

    def predict(
        self,
        genes: Sequence[str],
        readouts: Sequence[str] | None,
        cell_line: str,
        kind: PerturbationKind = "knockdown",
        analogues: int = 0,
    ) -> list[ResponsePrediction]:
        """Return one prediction per readout.

        Args:
            genes: Approved symbols of what is perturbed together.
            readouts: Approved symbols; None means every readout of the line.
            cell_line: One of `cell_lines`.
            kind: Knockouts are read as knockdowns; an activation as their mirror image.
            analogues: How many analogous experiments to attach to each prediction.

        Raises:
            QuestionError: The line is unknown, or no gene is given.
        """
        line = self._line(cell_line)
        if not genes:
            raise QuestionError("No perturbed gene was given; name at least one.")
        wanted = self.readouts(cell_line) if readouts is None else tuple(readouts)
        columns = np.array([self._readout.get(name, UNKNOWN) for name in wanted], np.int64)
        few = len(wanted) < FEW * len(self._measured_here[line])
        only = tuple(np.unique(columns[columns != UNKNOWN]).tolist()) if few else None
        blocks = [self._block(gene, line, only) for gene in genes]
        trouble = self._trouble(genes, blocks)
        embedded = [] if trouble else [block for block in blocks if block is not None]
        p_de, p_up = self._combined(embedded, line)
        notes = []
        if len(genes) > 1:
            notes.append(DOUBLE)
        if kind == "activation":
            notes.append(ACTIVATION)
            p_up = 1 - p_up
        nearest = np.full(len(columns), min((b.nearest for b in embedded), default=0.0))
        widen = ACTIVATION_WIDENS if kind == "activation" else 1.0
        # A readout that is unknown takes the last column, which nobody sees.
        de_bounds = self._calibration["de"].interval(p_de[columns], nearest, widen)
        up_bounds = self._calibration["up"].interval(p_up[columns], nearest, widen)
        mean = float(np.mean(self._evidence.de.prior[line][self._measured_here[line]]))
        known = self._evidence.de.count[line] > 0
        trained = self._trained(genes, line)
        out = []
        for i, (name, at) in enumerate(zip(wanted, columns, strict=True)):
            measured = at != UNKNOWN and bool(known[at])
            reason = trouble if measured else NO_READOUT.format(name, cell_line)
            if measured:
                values = (p_de[at], p_up[at], de_bounds[0][i], de_bounds[1][i])
                ups = (up_bounds[0][i], up_bounds[1][i])
            else:
                values, ups = (mean, 0.5, 0.0, 1.0), (0.0, 1.0)
            out.append(
                ResponsePrediction(
                    genes=tuple(genes),
                    readout=name,
                    cell_line=cell_line,
                    p_de=float(values[0]),
                    p_up=float(values[1]),
                    interval=Interval(low=float(values[2]), high=float(values[3])),
                    p_up_interval=Interval(low=float(ups[0]), high=float(ups[1])),
                    abstained=bool(reason),
                    reason="; ".join(filter(None, (reason, *notes))),
                    seen_in_training=int(at) in trained,
                    analogues=self._heaviest(genes, int(at), line, analogues)
                    if analogues and measured
                    else (),
                )
            )
        return out

    def analogues(
        self, gene: str, readout: str, cell_line: str, k: int = 5
    ) -> tuple[tuple[Analogue, ...], tuple[Analogue, ...]]:
        """Return up to `k` related perturbations that changed the readout and `k` that did not.

        Both are sorted by how much they weigh in the vote. Rows of the same line come with full
        weight, rows of other lines with less; the perturbation's own row in the line is left out.
        """
        line = self._line(cell_line)
        at = self._readout.get(readout, UNKNOWN)
        if at == UNKNOWN or gene not in self._gene:
            return (), ()
        found = self._voters(gene, at, line)
        changed = [row for row in found if row.outcome != "unchanged"][:k]
        unchanged = [row for row in found if row.outcome == "unchanged"][:k]
        return self._explained(gene, changed), self._explained(gene, unchanged)

    def _line(self, cell_line: str) -> int:
        if cell_line not in self.cell_lines:
            raise QuestionError(
                f"The response model knows no cell line {cell_line}; "
                f"choose one of {', '.join(self.cell_lines)}."
            )
        return self.cell_lines.index(cell_line)

    def _own_index(self, gene: str) -> int:
        index = self._gene.get(gene)
        return UNKNOWN if index is None else int(self._own[index])

    def _trained(self, genes: Sequence[str], line: int) -> set[int]:
        """Return the readouts of the training rows of this very perturbation; pairs have none."""
        if len(genes) != 1 or (own := self._own_index(genes[0])) == UNKNOWN:
            return set()
        return set(self._experiments.outcomes(own, line))

    def _trouble(self, genes: Sequence[str], blocks: Sequence[_Block | None]) -> str:
        """Return why the model abstains on this perturbation, or nothing."""
        for gene, block in zip(genes, blocks, strict=True):
            if block is None:
                return NO_GENE.format(gene)
            if block.nearest < LEAST_SIMILARITY and not block.seen:
                return NO_RELATIVE.format(gene)
        return ""

    def _combined(self, blocks: Sequence[_Block], line: int) -> tuple[FloatArray, FloatArray]:
        """Join single perturbations: noisy-or of P(DE), direction weighted by P(DE)."""
        if not blocks:
            prior = self._evidence.de.prior[line].astype(np.float64)
            return prior, self._evidence.up.prior[line].astype(np.float64)
        if len(blocks) == 1:
            return blocks[0].p_de, blocks[0].p_up
        p_de = np.stack([block.p_de for block in blocks])
        direction = np.average(logit([block.p_up for block in blocks]), axis=0, weights=p_de)
        return 1 - np.prod(1 - p_de, axis=0), expit(direction)

    def _query(self, gene: int, line: int) -> Query:
        genes = np.array([gene])
        own = self._own[genes]
        return Query(line, genes, own, similarity_to(self._relatives, self._between, genes, own))

    @cached_property
    def _between(self) -> NDArray[np.float32]:
        return self._relatives.between(self._pert_gene)

    @cached_property
    def _kin(self) -> Kin:
        return kin_of(self._relatives, self._readout_gene, len(self._pert_gene))

    def _predict_block(
        self, gene: str, line: int, only: tuple[int, ...] | None = None
    ) -> _Block | None:
        """Return the prediction over the whole vocabulary of readouts; None: unknown gene.

        Args:
            gene: Approved symbol.
            line: Index of the line.
            only: Readouts to be sure of; the others may hold the prior.
        """
        index = self._gene.get(gene)
        if index is None:
            return None
        query = self._query(index, line)
        here = self._measured_here[line]
        if only is not None:
            here = np.intersect1d(here, np.array(only, np.int64))
        table = self._table(query)[here]
        changed, up = self._trees
        probabilities: list[FloatArray] = []
        for name, trees, task in (
            ("de", changed, self._evidence.de),
            ("up", up, self._evidence.up),
        ):
            full = task.prior[line].astype(np.float64)
            if len(here):
                score = trees.raw_score(table, TREE_THREADS)
                full[here] = self._calibration[name].probability(score, line)
            probabilities.append(full)
        own = int(query.own[0])
        if own != UNKNOWN:
            self._as_held_out(own, line, probabilities)
        seen = own != UNKNOWN and bool(self._evidence.de.n_rows[:, own].any())
        nearest = float(query.similarity.max(initial=0))
        return _Block(probabilities[0], probabilities[1], nearest, seen)

    def features(self, gene: str, cell_line: str) -> NDArray[np.float32]:
        """Return what the trees see of a perturbation, `(readouts of any line, features)`.

        Raises:
            KeyError: The gene is not in the vocabulary.
        """
        return self._table(self._query(self._gene[gene], self._line(cell_line)))

    @property
    def feature_names(self) -> list[str]:
        """Return the names of the columns of `features`."""
        return list(self._checkpoint.config.features)

    def _table(self, query: Query) -> NDArray[np.float32]:
        n = len(self._readout_gene)
        known = set(self.feature_names)
        found = planes(query, self._evidence, self._facts, self._readout_gene, self._kin)
        columns = [np.broadcast_to(plane, (1, n))[0] for name, plane in found if name in known]
        return np.column_stack(columns)

    def _as_held_out(self, own: int, line: int, probabilities: list[FloatArray]) -> None:
        """Put the held-out predictions where the pair itself was trained on."""
        at, row = self._experiments.rows_of(own, line)
        stored = self._checkpoint.arrays["held_out"][:, row].astype(np.float64)
        for name, values, score in zip(("de", "up"), probabilities, stored, strict=True):
            use = np.isfinite(score)
            values[at[use]] = self._calibration[name].probability(score[use], line)

    @cached_property
    def _trees(self) -> tuple[Ensemble, Ensemble]:
        texts = self._checkpoint.texts
        return Ensemble.from_text(texts["changed"]), Ensemble.from_text(texts["up"])

    def _heaviest(self, genes: Sequence[str], at: int, line: int, k: int) -> tuple[Analogue, ...]:
        found = [
            (gene, row)
            for gene in genes
            if gene in self._gene
            for row in self._voters(gene, at, line)
        ]
        found.sort(key=lambda pair: -abs(pair[1].contribution))
        return tuple(row for gene, one in found[:k] for row in self._explained(gene, [one]))

    def _voters(self, gene: str, at: int, line: int) -> list[Analogue]:
        query = self._query(self._gene[gene], line)
        return self._experiments.voters(query.similarity[0], int(query.own[0]), at, line)

    def _explained(self, gene: str, rows: Sequence[Analogue]) -> tuple[Analogue, ...]:
        """Add to each row what its perturbation shares with `gene`."""
        out = []
        for row in rows:
            if row.perturbation == gene:
                reasons: tuple[str, ...] = (f"the same perturbation in {row.cell_line}",)
            else:
                reasons = self._relatives.why(self._gene[gene], self._own_index(row.perturbation))
            out.append(row.model_copy(update={"reasons": reasons}))
        return tuple(out)


def _rows(arrays: Mapping[str, NDArray[Any]]) -> Rows:
    """Unpack the training rows: readout indices in blocks of one perturbation in one line."""
    size = arrays["block_size"].astype(np.int64)
    outcome = arrays["row_outcome"].astype(np.int64)
    return Rows(
        line=np.repeat(arrays["block_line"].astype(np.int64), size),
        pert=np.repeat(arrays["block_pert"].astype(np.int64), size),
        readout=arrays["row_readout"].astype(np.int64),
        de=(outcome > 0).astype(np.int64),
        up=outcome - 1,
    )


def _evidence(
    rows: Rows,
    arrays: Mapping[str, NDArray[Any]],
    settings: Mapping[str, FieldSettings],
    shape: tuple[int, int],
    own: NDArray[np.bool_] | None = None,
) -> FittedEvidence:
    """Rebuild what was fitted from the duals and loadings it was stored as."""
    tasks = {}
    chosen = labels(rows)
    for name in TASKS:
        mine, values = chosen[name]
        loadings = arrays[f"{name}_loadings"].astype(np.float32)
        duals = arrays[f"{name}_duals"].astype(np.float32)
        matrices = tuple(mine.matrix(line, duals, shape) for line in range(N_LINES))
        factors = np.stack([matrix @ loadings for matrix in matrices]).astype(np.float32)
        field = Field(settings[name], loadings, matrices, factors)
        part = own if own is None or len(mine) == len(rows) else own[rows.up != UNKNOWN]
        tasks[name] = assemble_task(mine, values, field, shape, part)
    return FittedEvidence(tasks["de"], tasks["up"], tasks["signed"])
