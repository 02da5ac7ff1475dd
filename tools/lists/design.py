"""Plans the next perturbations: those that serve a goal, spread out, with controls and a panel.

Four goals. *Modifiers*: perturbations that move a gene or a set (`tools.lists.search`). *Cover*:
the fewest perturbations that together move most of a set. *Phenotype*: losses
known or expected to cause one in mice or people. *Learn*: perturbations that tell a model
of all perturbations most, which are those that stand for many genes that nothing measured stands
for yet; a facility-location objective, whose greedy maximum is at least 1 - 1/e of the best
(Nemhauser, Wolsey and Fisher 1978). Lists are never padded: a plan ends where nothing is gained.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import QuestionError
from knowledge.schema import Direction, Frozen, PerturbationKind, Probability
from models.response import ResponseModel
from tools.effects import EffectPredictor
from tools.lists.assay import controls, panel_of
from tools.lists.atlas import Atlas, decoding, perturbable
from tools.lists.choosing import (
    FEEDBACK,
    REPEATED,
    diverse,
    feedback_of,
    nearness,
    profiles,
    spread,
)
from tools.lists.listed import ResultList
from tools.lists.phenotypic import PhenotypeHits
from tools.lists.search import FoundPerturbation, found

Floats = NDArray[np.float64]
Goal = Literal["modifiers", "cover", "learn", "phenotype"]
MOST_BUDGET = 1000
# So many candidates of a search per place of a plan of modifiers.
POOL = 6
ESSENTIAL = 0.8


class PlannedPerturbation(Frozen):
    """A perturbation to make.

    Attributes:
        gene: What is perturbed.
        reason: Why it is chosen, in words.
        gain: What it adds to the goal, given those before it; the order goes by it.
        expected: How many readouts of the line it is expected to change; None without an atlas.
        essential: Share of cancer lines that need the gene; None where that is not known.
        notes: What to be careful of.
    """

    gene: str
    reason: str
    gain: float
    expected: float | None = None
    essential: Probability | None = None
    notes: tuple[str, ...] = ()


class Plan(Frozen):
    """The next perturbations for a goal.

    Attributes:
        goal: What they are for.
        cell_line: Where.
        kind: How genes are perturbed.
        rows: What to perturb, the most useful first.
        positive: Controls that have moved most where they were measured.
        negative: Controls that moved nothing where they were measured.
        panel: Readouts that tell the planned perturbations apart; empty without an atlas.
        essential_share: Share of the rows that most cancer lines need.
        candidates: How many perturbations were looked through.
        notes: What to be careful of.
    """

    goal: Goal
    cell_line: str
    kind: PerturbationKind
    rows: tuple[PlannedPerturbation, ...]
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    panel: tuple[str, ...]
    essential_share: Probability
    candidates: int
    notes: tuple[str, ...] = ()


def planned(
    predictor: EffectPredictor,
    atlas: Atlas,
    goal: Goal,
    cell_line: str,
    budget: int,
    *,
    readouts: Sequence[str] = (),
    direction: Direction | None = None,
    kind: PerturbationKind = "knockdown",
    measured: Mapping[str, float] | None = None,
    panel: int = 20,
    hits: PhenotypeHits | None = None,
) -> Plan:
    """Return the next perturbations.

    Args:
        predictor: Response model, graph and fusion.
        atlas: All predictions; an empty one is done without, and said.
        goal: What the perturbations are for.
        cell_line: One of the screened lines.
        budget: How many at most.
        readouts: The gene or set that modifiers move or that is to be covered.
        direction: Which way modifiers must move it; None for either.
        kind: How genes are perturbed.
        measured: What is done already: gene -> how well it answered the goal (1 a hit, 0 none);
            those are not planned again, and their relatives gain or lose by it.
        panel: How many readouts a targeted assay reads.
        hits: Of the goal `phenotype`: how probably each gene's loss causes it.

    Raises:
        QuestionError: The goal needs readouts and there are none, or the budget is out of range.
    """
    if not 1 <= budget <= MOST_BUDGET:
        raise QuestionError(f"A budget is of 1 to {MOST_BUDGET:,} perturbations; {budget} is not.")
    if goal in ("modifiers", "cover") and not readouts:
        raise QuestionError("Name the gene or the set that the perturbations are to move.")
    if (goal == "phenotype") != (hits is not None):
        raise QuestionError("Name the phenotype that the perturbations are to cause.")
    done = dict(measured or {})
    if goal == "modifiers":
        rows, looked = _modifiers(
            predictor, atlas, readouts, cell_line, direction, kind, budget, done
        )
    elif goal == "cover":
        rows, looked = _covering(predictor, atlas, readouts, cell_line, kind, budget, done)
    elif hits is not None:
        rows, looked = _phenotypic(predictor.response, hits, budget, done)
    else:
        rows, looked = _learning(predictor.response, cell_line, budget, done)
    rows = _told(rows, predictor, atlas, cell_line)
    positive, negative = controls(predictor, cell_line, readouts)
    needed = [row for row in rows if row.essential is not None and row.essential >= ESSENTIAL]
    return Plan(
        goal=goal,
        cell_line=cell_line,
        kind=kind,
        rows=tuple(rows),
        positive=positive,
        negative=negative,
        panel=panel_of(predictor, atlas, cell_line, [row.gene for row in rows], panel),
        essential_share=len(needed) / len(rows) if rows else 0.0,
        candidates=looked,
        notes=tuple(_notes(rows, atlas, cell_line, budget, kind, needed)),
    )


def answers(result: ResultList) -> dict[str, float]:
    """Return how well each gene that was perturbed answered: its effect's size, or hit or not."""
    return {
        one.gene: abs(one.effect) if one.effect is not None else float(one.state == "changed")
        for one in result.genes
        if one.known
    }


def _modifiers(
    predictor: EffectPredictor,
    atlas: Atlas,
    readouts: Sequence[str],
    cell_line: str,
    direction: Direction | None,
    kind: PerturbationKind,
    budget: int,
    done: Mapping[str, float],
) -> tuple[list[PlannedPerturbation], int]:
    search = found(
        predictor, atlas, readouts, cell_line, direction, kind, POOL * budget + len(done)
    )
    rows = [row for row in search.rows if row.gene not in done]
    known = [row for row in rows if row.gene in predictor.response._gene]
    place = {row.gene: at for at, row in enumerate(known)}
    near = profiles(predictor.response, [row.gene for row in known])
    alike = np.asarray((near @ near.T).todense()) if known else np.zeros((0, 0))
    answered = feedback_of(predictor.response, near, done)
    worth = {
        row.gene: row.worth
        * (1 + FEEDBACK * (answered[place[row.gene]] if row.gene in place else 0))
        for row in rows
    }
    chosen = diverse(worth, place, alike, budget)
    at = {row.gene: row for row in rows}
    return [
        PlannedPerturbation(
            gene=gene, reason=_why(at[gene], readouts), gain=gain, essential=at[gene].essential,
            notes=at[gene].notes,
        )
        for gene, gain in chosen
    ], search.searched  # fmt: skip


def _why(one: FoundPerturbation, readouts: Sequence[str]) -> str:
    what = readouts[0] if len(readouts) == 1 else f"{one.moved} of {len(readouts)} members"
    said = f"expected to move {what} {one.call}"
    if one.measured in ("up", "down"):
        said += f"; measured {one.measured}"
    if one.path is not None:
        said += f"; {one.path.words}"
    return said


def _covering(
    predictor: EffectPredictor,
    atlas: Atlas,
    readouts: Sequence[str],
    cell_line: str,
    kind: PerturbationKind,
    budget: int,
    done: Mapping[str, float],
) -> tuple[list[PlannedPerturbation], int]:
    search = found(predictor, atlas, readouts, cell_line, None, kind, 1000)
    rows = [row for row in search.rows if row.gene not in done and row.gene not in readouts]
    moves = np.zeros((len(readouts), len(rows)))
    block = atlas.read(cell_line, readouts) if atlas.perturbations(cell_line) else None
    if block is not None and block.readouts:
        p = np.nan_to_num(decoding().astype(np.float64), nan=0.0)
        column = {gene: at for at, gene in enumerate(block.perturbations)}
        line = {gene: at for at, gene in enumerate(readouts)}
        for at, row in enumerate(rows):
            if row.gene in column:
                for place, gene in enumerate(block.readouts):
                    moves[line[gene], at] = p[block.p_de[place, column[row.gene]]]
    else:
        for at, row in enumerate(rows):
            moves[:, at] = (row.p_de or 0.0) * row.moved / len(readouts)
    order, gains = spread(
        sparse.csr_array(moves),
        np.zeros(len(readouts)),
        np.ones(len(readouts)),
        np.ones(len(rows), bool),
        budget,
    )
    return [
        PlannedPerturbation(
            gene=rows[at].gene,
            reason=f"adds {gain:.1f} of {len(readouts)} members that nothing before it moves",
            gain=gain,
            essential=rows[at].essential,
            notes=rows[at].notes,
        )
        for at, gain in zip(order, gains, strict=True)
    ], search.searched


def _phenotypic(
    response: ResponseModel, hits: PhenotypeHits, budget: int, done: Mapping[str, float]
) -> tuple[list[PlannedPerturbation], int]:
    """Return genes whose loss is known or expected to cause a phenotype, relatives spread out."""
    likely = {gene: 1.0 if gene in hits.known else p for gene, p in hits.probability.items()}
    likely |= dict.fromkeys(hits.known, 1.0)
    open_to = [gene for gene in likely if gene in response._gene and gene not in done]
    pool = sorted(open_to, key=lambda gene: (-likely[gene], gene))[: POOL * budget + len(done)]
    near = profiles(response, pool)
    answered = feedback_of(response, near, done)
    worth = {gene: likely[gene] * (1 + FEEDBACK * answered[at]) for at, gene in enumerate(pool)}
    # One that is no likelier than any gene adds nothing.
    worth = {gene: value - hits.prior for gene, value in worth.items() if value > hits.prior}
    place = {gene: at for at, gene in enumerate(pool)}
    alike = np.asarray((near @ near.T).todense())
    rows = []
    for gene, gain in diverse(worth, place, alike, budget):
        said = f"P({hits.name}) {hits.probability.get(gene, 1.0):.2f} from its known functions"
        if gene in hits.known:
            said = f"{hits.name} was observed"
        rows.append(
            PlannedPerturbation(
                gene=gene, reason=said, gain=gain, essential=response.ground(gene).essential
            )
        )
    return rows, len(open_to)


def _learning(
    response: ResponseModel, cell_line: str, budget: int, done: Mapping[str, float]
) -> tuple[list[PlannedPerturbation], int]:
    genes = perturbable(response)
    near = profiles(response, genes)
    rows = response._rows
    line = rows.line == response.cell_lines.index(cell_line)
    screened = {tuple(response._gene)[response._pert_gene[at]] for at in np.unique(rows.pert[line])}
    known = screened | set(done)
    at = {gene: place for place, gene in enumerate(genes)}
    there = [at[gene] for gene in known if gene in at]
    covered = np.zeros(len(genes))
    stood = nearness(near, near[there]).max(axis=1)
    covered = np.maximum(covered, np.asarray(stood.todense()).ravel())
    # Candidates that something measured stands for all but wholly teach nothing.
    open_to = np.flatnonzero(covered < 1 - REPEATED / 2)
    allowed = np.array([genes[place] not in known for place in open_to], bool)
    kept = near[open_to]
    close = nearness(near, kept)
    order, gains = spread(close, covered, np.ones(len(genes)), allowed, budget)
    columns = close.tocsc()
    planned_rows = []
    for place, gain in zip(order, gains, strict=True):
        gene = genes[open_to[place]]
        begin, end = columns.indptr[place], columns.indptr[place + 1]
        heavy = columns.indices[begin:end][np.argsort(-columns.data[begin:end], kind="stable")]
        others = [genes[one] for one in heavy if genes[one] != gene][:3]
        stands = f"stands for {gain:.1f} genes that nothing measured stands for"
        planned_rows.append(
            PlannedPerturbation(
                gene=gene,
                reason=stands + (f", such as {', '.join(others)}" if others else ""),
                gain=gain,
                essential=response.ground(gene).essential,
            )
        )
    return planned_rows, int(allowed.sum())


def _told(
    rows: Sequence[PlannedPerturbation], predictor: EffectPredictor, atlas: Atlas, cell_line: str
) -> list[PlannedPerturbation]:
    """Return the rows with how much each is expected to change, and what to be careful of."""
    names = atlas.perturbations(cell_line)
    totals = dict(zip(names, atlas.totals(cell_line).tolist(), strict=True)) if names else {}
    out = []
    for row in rows:
        notes = list(row.notes)
        if row.essential is not None and row.essential >= ESSENTIAL and not notes:
            notes.append(f"{100 * row.essential:.0f} % of cancer lines need it: cells drop out")
        if doubt := predictor.cell_state(cell_line).doubtful(row.gene):
            notes.append(doubt)
        out.append(row.model_copy(update={"expected": totals.get(row.gene), "notes": tuple(notes)}))
    return out


def _notes(
    rows: Sequence[PlannedPerturbation],
    atlas: Atlas,
    cell_line: str,
    budget: int,
    kind: PerturbationKind,
    needed: Sequence[PlannedPerturbation],
) -> list[str]:
    notes = []
    if len(rows) < budget:
        notes.append(
            f"Only {len(rows)} of {budget} are planned: nothing else adds to the goal, and a list "
            "is not padded."
        )
    if needed and kind == "knockout":
        notes.append(
            f"Most cancer lines need {len(needed)} of them: knock them down, or read early."
        )
    if not atlas.perturbations(cell_line):
        notes.append(
            f"There is no atlas of {cell_line}: effect sizes and the panel are missing; "
            f"`knockwise atlas build --cell-line {cell_line}` makes one."
        )
    return notes
