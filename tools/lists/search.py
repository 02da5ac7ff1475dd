"""Searches every perturbation for those that move a gene or a set, specific ones first.

`found` is the one door: the command `find`, the tool of a language model and the reverse questions
of `ask` call it. `tools.likeness` looks for perturbations with the same or opposite consequences.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.cascade import Candidate
from knowledge.errors import QuestionError
from knowledge.schema import Direction, Frozen, PerturbationKind, Probability
from models.fusion import PathKind, Support
from models.response.schema import Outcome
from tools.effects import EffectPredictor, informed
from tools.lists.atlas import Atlas, decoding
from tools.lists.explanation import path_told
from tools.lists.promoters import shared_promoters
from tools.lists.rows import MOST_ROWS, PathTold
from tools.lists.upstream import Upstream, upstream

Floats = NDArray[np.float64]
# A perturbation that changes more than this share of everything says little about one readout.
BROAD = 0.25
# What a candidate is worth that no path of the graph links to the readout.
UNLINKED = 0.6
# How likely a change is taken to be, for the order only, where no screen read the readout.
UNREAD = 0.4
ESSENTIAL = 0.8
# Without an atlas, only so many candidates are predicted, the best supported ones.
PREDICTED = 60


class FoundPerturbation(Frozen):
    """A perturbation that moves what was asked about.

    Attributes:
        gene: What is perturbed.
        call: Which way the readout goes; of a set, which way most of it does.
        p_de: P(changes), of a set on average; None where no screen read the readout.
        p_up: P(up if it changes), likewise.
        moved: Of a set, how many members go the wanted way more probably than not.
        measured: What a screen of the line measured; of a set, of its first member measured.
        linked: Whether signed paths lead from it to a readout.
        breadth: Share of the line's readouts that it is expected to change.
        worth: What the order goes by.
        path: The best signed path to the readout, of a set to its first member with one.
        essential: Share of cancer lines that need the gene; None where that is not known.
        notes: Essentiality, off-target effects and what else to be careful of.
    """

    gene: str
    call: Direction
    p_de: Probability | None
    p_up: Probability
    moved: int = 1
    measured: Outcome | None = None
    linked: bool = False
    breadth: Probability | None = None
    worth: float
    path: PathTold | None = None
    essential: Probability | None = None
    notes: tuple[str, ...] = ()


class SearchResult(Frozen):
    """What a search found.

    Attributes:
        readouts: What was asked about.
        cell_line: Where.
        kind: How the genes found are perturbed.
        rows: The best first, at most 1,000.
        searched: Perturbations that were looked through.
        measured: Those of them that a screen of the line read on the readout.
        notes: What to be careful of.
    """

    readouts: tuple[str, ...]
    cell_line: str
    kind: PerturbationKind
    rows: tuple[FoundPerturbation, ...]
    searched: int
    measured: int
    notes: tuple[str, ...] = ()


def found(
    predictor: EffectPredictor,
    atlas: Atlas,
    readouts: Sequence[str],
    cell_line: str,
    direction: Direction | None = None,
    kind: PerturbationKind = "knockdown",
    top: int = 20,
    data: Path | None = None,
) -> SearchResult:
    """Return the perturbations that move a readout, or most of a set, the wanted way.

    Args:
        predictor: Response model, graph and fusion.
        atlas: All predictions; an empty one is done without.
        readouts: Approved symbols.
        cell_line: One of the screened lines.
        direction: Which way they must go; None for either.
        kind: How the genes sought are perturbed; an activation is the mirror of a knockdown.
        top: How many are returned.
        data: The data folder, for notes on shared promoters.

    Raises:
        QuestionError: No readout is given.
    """
    if not readouts:
        raise QuestionError("Name a gene or a set whose change is wanted.")
    columns = [_Column(predictor, atlas, readout, cell_line) for readout in readouts]
    genes = tuple(sorted(set().union(*(column.genes for column in columns)) - set(readouts)))
    p_de = np.array([[column.p_de.get(gene, np.nan) for gene in genes] for column in columns])
    p_up = np.array([[column.p_up.get(gene, 0.5) for gene in genes] for column in columns])
    p_up = p_up.reshape(len(columns), len(genes))
    if kind == "activation":
        p_up = 1 - p_up
    likely = np.where(np.isfinite(p_de.reshape(p_up.shape)), p_de.reshape(p_up.shape), UNREAD)
    rising, falling = likely * p_up, likely * (1 - p_up)
    up, down = rising.mean(axis=0), falling.mean(axis=0)
    breadth = _breadth(predictor, atlas, cell_line)
    broad = np.array([breadth.get(gene, BROAD / 2) for gene in genes])
    linked = np.array([any(gene in column.linked for column in columns) for gene in genes])
    wanted = {"up": up, "down": down, None: np.maximum(up, down)}[direction]
    against = {"up": down, "down": up, None: np.minimum(up, down)}[direction]
    worth = (wanted - against) * np.where(linked, 1.0, UNLINKED)
    worth = worth * (1 - np.minimum(1.0, broad / BROAD) / 2)
    order = np.argsort(-worth, kind="stable")[: min(top, MOST_ROWS)]
    promoters = shared_promoters(data) if data else {}
    rows = []
    for at in order:
        if worth[at] <= 0:
            break
        way: Direction = direction or ("up" if up[at] >= down[at] else "down")
        sides = rising[:, at] if way == "up" else falling[:, at]
        others = falling[:, at] if way == "up" else rising[:, at]
        known = p_de.reshape(p_up.shape)[:, at]
        rows.append(
            _row(
                predictor, columns, genes[at], way, kind,
                p_de=float(np.nanmean(known)) if np.isfinite(known).any() else None,
                p_up=float(p_up[:, at].mean()),
                moved=int(np.sum(sides > others)),
                worth=float(worth[at]),
                breadth=breadth.get(genes[at]),
                promoter=promoters.get(genes[at], ()),
            )
        )  # fmt: skip
    return SearchResult(
        readouts=tuple(readouts),
        cell_line=cell_line,
        kind=kind,
        rows=tuple(rows),
        searched=len(genes),
        measured=len(set().union(*(column.outcomes for column in columns))),
        notes=tuple(_notes(predictor, atlas, columns, cell_line, kind)),
    )


class _Column:
    """One readout over all candidates: predicted, fused with paths and with what was measured."""

    def __init__(
        self, predictor: EffectPredictor, atlas: Atlas, readout: str, cell_line: str
    ) -> None:
        self.readout = readout
        self.up = upstream(predictor.knowledge.graph, readout)
        self.outcomes = _outcomes(predictor, readout, cell_line)
        graph = predictor.knowledge.graph
        self.linked = {
            node: max(self.up.confidence(node, "up"), self.up.confidence(node, "down"))
            for node in self.up.nodes()
            if graph.kind(node) == "gene" and self.up.direction(node) is not None
        }
        predicted = _predicted(predictor, atlas, readout, cell_line, self.linked, self.outcomes)
        self.genes = tuple(sorted({*predicted, *self.linked, *self.outcomes} - {readout}))
        pairs = np.array([predicted.get(gene, (np.nan, np.nan)) for gene in self.genes])
        pairs = pairs.reshape(-1, 2)
        support = self._support(predictor, pairs)
        told = np.array([{"up": 1, "down": 1, "unchanged": -1}.get(self.outcomes.get(g, ""), 0)
                         for g in self.genes])  # fmt: skip
        way = np.array([{"up": 1, "down": -1}.get(self.outcomes.get(g, ""), 0)
                        for g in self.genes])  # fmt: skip
        # What was measured and not predicted starts from the readout's habit.
        usual = predictor.response.habit(cell_line).get(readout)
        alone = predictor.fusion.p_de(support)
        if usual is not None:
            alone = np.where(np.isnan(alone) & (told != 0), usual.p_de, alone)
        p_de = informed(alone, told)
        p_up = informed(predictor.fusion.p_up(support), way)
        self.p_de = dict(zip(self.genes, p_de.tolist(), strict=True))
        self.p_up = dict(zip(self.genes, p_up.tolist(), strict=True))

    def _support(self, predictor: EffectPredictor, pairs: Floats) -> Support:
        grounds = [predictor.response.ground(gene) for gene in self.genes]
        n = len(self.genes)
        habit = predictor.fusion.habit
        return Support(
            p_de=pairs[:, 0],
            p_up=pairs[:, 1],
            known=np.array([one.known for one in grounds], bool),
            essential=np.array([one.essential for one in grounds]),
            regulator=np.array([gene in habit.regulators for gene in self.genes], bool),
            up=np.array([self.up.confidence(gene, "up") for gene in self.genes]),
            down=np.array([self.up.confidence(gene, "down") for gene in self.genes]),
            kind=np.array([_kind(self.up, gene) for gene in self.genes], np.int64),
            habit=np.full(n, float(habit.log_odds([self.readout])[0])),
        )

    def path(self, gene: str) -> tuple[tuple[Candidate, ...], Direction] | None:
        """Return the best path from a loss and which way it says, None without one."""
        way = self.up.direction(gene)
        return (self.up.path(gene, way), way) if way else None


def _kind(up: Upstream, gene: str) -> int:
    way = up.direction(gene)
    if way is None:
        return int(PathKind.NONE)
    steps = up.path(gene, way)
    if not all(step.relation.curated for step in steps):
        return int(PathKind.DATABASE)
    relayed = any(step.relation.expression for step in steps[:-1])
    return int(PathKind.RELAYED if relayed else PathKind.DIRECT)


def _outcomes(predictor: EffectPredictor, readout: str, cell_line: str) -> dict[str, Outcome]:
    """Return what the line's screen measured of a readout: perturbed gene -> outcome."""
    response = predictor.response
    column = response._readout.get(readout)
    if column is None:
        return {}
    line = response.cell_lines.index(cell_line)
    rows = response._rows
    mine = np.flatnonzero((rows.readout == column) & (rows.line == line))
    symbols = _symbols(predictor)
    names: tuple[Outcome, ...] = ("unchanged", "down", "up")
    return {
        symbols[response._pert_gene[rows.pert[i]]]: names[
            0 if not rows.de[i] else 2 if rows.up[i] == 1 else 1
        ]
        for i in mine
    }


@lru_cache(maxsize=1)
def _symbols(predictor: EffectPredictor) -> tuple[str, ...]:
    return tuple(predictor.response._gene)


def _predicted(
    predictor: EffectPredictor,
    atlas: Atlas,
    readout: str,
    cell_line: str,
    linked: Mapping[str, float],
    outcomes: Mapping[str, Outcome],
) -> dict[str, tuple[float, float]]:
    """Return P(changes) and P(up if it changes) of a readout, without path and measurement."""
    if atlas.perturbations(cell_line):
        block = atlas.read(cell_line, [readout])
        if not block.readouts:
            return {}
        p = decoding().astype(np.float64)
        pairs = zip(p[block.p_de[0]].tolist(), p[block.p_up[0]].tolist(), strict=True)
        kept = dict(zip(block.perturbations, pairs, strict=True))
        return {gene: pair for gene, pair in kept.items() if np.isfinite(pair[0])}
    moving = [gene for gene, outcome in outcomes.items() if outcome != "unchanged"]
    first = set(moving)
    chosen = sorted(
        {*first, *linked}, key=lambda gene: (gene not in first, -linked.get(gene, 0.0), gene)
    )
    out = {}
    for gene in chosen[:PREDICTED]:
        (one,) = predictor.response.predict([gene], [readout], cell_line)
        if not one.abstained:
            out[gene] = (one.p_de, one.p_up)
    return out


def _breadth(predictor: EffectPredictor, atlas: Atlas, cell_line: str) -> dict[str, float]:
    """Return the share of a line's readouts that each perturbation is expected to change."""
    names = atlas.perturbations(cell_line)
    if names:
        of = len(predictor.response.readouts(cell_line))
        return dict(zip(names, np.minimum(1.0, atlas.totals(cell_line) / of).tolist(), strict=True))
    response = predictor.response
    line = response.cell_lines.index(cell_line)
    task = response._evidence.de
    symbols = _symbols(predictor)
    rows, changed = (
        task.n_rows[line],
        np.bincount(
            response._rows.pert[(response._rows.line == line) & (response._rows.de == 1)],
            minlength=len(response._pert_gene),
        ),
    )
    known = np.flatnonzero(rows)
    # Screens' rows are chosen so that changes are frequent among them; the share is an upper bound.
    return {symbols[response._pert_gene[i]]: float(changed[i] / rows[i]) for i in known}


def _row(
    predictor: EffectPredictor,
    columns: Sequence[_Column],
    gene: str,
    way: Direction,
    kind: PerturbationKind,
    *,
    p_de: float | None,
    p_up: float,
    moved: int,
    worth: float,
    breadth: float | None,
    promoter: tuple[str, ...],
) -> FoundPerturbation:
    ground = predictor.response.ground(gene)
    measured = next((out for col in columns if (out := col.outcomes.get(gene))), None)
    told = None
    if kind != "activation":
        held = next((path for col in columns if (path := col.path(gene))), None)
        if held is not None:
            told = path_told(predictor.knowledge.graph, *held, frozenset({gene}))
    notes = []
    if ground.essential >= ESSENTIAL:
        notes.append(f"{100 * ground.essential:.0f} % of cancer lines need it")
    if promoter:
        notes.append(f"CRISPRi may silence {' and '.join(promoter)} too: a shared promoter")
    if told is not None and told.hub:
        notes.append(f"its path runs through the hub {told.hub}")
    if told is not None and told.direction != way:
        notes.append(f"a path would move it {told.direction}")
    if breadth is not None and breadth >= BROAD:
        notes.append(f"changes {100 * breadth:.0f} % of the line's readouts")
    return FoundPerturbation(
        gene=gene,
        call=way,
        p_de=p_de,
        p_up=p_up,
        moved=moved,
        measured=measured,
        linked=any(gene in column.linked for column in columns),
        breadth=breadth,
        worth=worth,
        path=told,
        essential=ground.essential if gene in predictor.response._gene else None,
        notes=tuple(notes),
    )


def _notes(
    predictor: EffectPredictor,
    atlas: Atlas,
    columns: Sequence[_Column],
    cell_line: str,
    kind: PerturbationKind,
) -> list[str]:
    read = set(predictor.response.readouts(cell_line))
    unread = [column.readout for column in columns if column.readout not in read]
    notes = []
    if unread:
        notes.append(
            f"No screen of {cell_line} read {', '.join(unread)}: only the graph was searched."
        )
    if not atlas.perturbations(cell_line):
        notes.append(
            f"There is no atlas of {cell_line}, so only what was measured or is linked by the "
            f"graph was searched; `knockwise atlas build --cell-line {cell_line}` makes one."
        )
    if kind == "activation":
        notes.append("Screens measured knockdowns; an activation is taken as the mirror of one.")
    return notes
