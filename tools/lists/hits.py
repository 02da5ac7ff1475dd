"""Explains the hits of a screen: perturbed genes that moved what the screen was sorted for."""

from collections import Counter
from typing import Literal

from knowledge.errors import QuestionError
from knowledge.schema import Direction, Perturbation
from tools.effects import EffectPredictor
from tools.lists.explanation import path_told
from tools.lists.listed import ListedGene, ResultList
from tools.lists.rows import (
    MOST_ROWS,
    Controls,
    ExplainedGene,
    Foresight,
    ListExplanation,
    Reason,
    Share,
)
from tools.lists.upstream import Upstream, upstream

Sorted = Literal["high", "low", "either"]
NOTES: dict[Reason, str] = {
    "gene unknown": "the graph does not hold it",
    "too far": "no signed path of at most four steps leads from it",
    "expected general response": "most cancer lines need it: its loss may act through viability",
}
# Share of cancer lines that need a gene from which its loss is expected to show in any screen.
ESSENTIAL = 0.8


def explained_hits(
    predictor: EffectPredictor, readout: str, cell_line: str, result: ResultList, sort: Sorted
) -> ListExplanation:
    """Return which hits a signed path leads from to what the screen read.

    Args:
        predictor: Response model and cascade.
        readout: The gene whose level the cells were sorted by.
        cell_line: Where.
        result: The screen's summary, of perturbed genes.
        sort: In which cells an enriched guide was found: with a high or a low level of the readout;
            `either` compares no direction.

    Raises:
        QuestionError: There is no hit.
    """
    hits = list(result.changed)
    if not hits:
        raise QuestionError(
            f"No gene of {result.source} is a hit at this threshold; raise --alpha, or look at it."
        )
    found = upstream(predictor.knowledge.graph, readout, activity=True)
    rows = [_row(predictor, one, found, sort) for one in hits]
    order = {"explained": 0, "conflicting": 1, "unexplained": 2, "perturbed": 3}
    rows.sort(key=lambda row: (order[row.verdict], -(row.path.score if row.path else 0), row.gene))
    counts = Counter([row.verdict for row in rows] + [row.reason for row in rows if row.reason])
    others = [row for row in rows if row.verdict != "perturbed"]
    quiet = [one for one in result.unchanged if one.gene != readout]
    reached = Share(count=sum(row.path is not None for row in others), of=len(others))
    reached_quiet = Share(
        count=sum(found.direction(one.gene) is not None for one in quiet), of=len(quiet)
    )
    signed = [row for row in others if row.measured and sort != "either"]
    held = [row for row in signed if row.path]
    hubs = Counter(row.path.hub for row in rows if row.path and row.path.hub)
    return ListExplanation(
        source=result.source,
        description=result.description,
        perturbation=Perturbation(genes=(readout,), kind="knockout", cell_line=cell_line),
        hits=True,
        changed=len(rows),
        tested=sum(one.known for one in result.genes),
        rows=tuple(rows[:MOST_ROWS]),
        counts=dict(counts),
        controls=Controls(
            reached=reached,
            reached_unchanged=reached_quiet,
            reached_p=_fisher(reached, reached_quiet),
            explained=Share(
                count=sum(row.verdict == "explained" for row in others), of=len(others)
            ),
            explained_unchanged=Share(count=0, of=0),
            agreeing=Share(count=sum(row.verdict == "explained" for row in held), of=len(held)),
            without_hubs=Share(
                count=sum(
                    row.verdict == "explained" and not (row.path and row.path.hub) for row in others
                ),
                of=len(others),
            ),
            hubs=dict(hubs.most_common()),
        ),
        foresight=Foresight(direction=Share(count=0, of=0)),
        notes=(
            *result.notes,
            f"The genes of {result.source} were perturbed: paths lead from each hit to {readout}.",
        ),
        versions={**predictor.knowledge.versions},
    )


def _row(
    predictor: EffectPredictor, one: ListedGene, found: Upstream, sort: Sorted
) -> ExplainedGene:
    way = moved(one, sort)
    row = ExplainedGene(gene=one.gene, measured=one.direction, effect=one.effect, padj=one.padj,
                        verdict="unexplained")  # fmt: skip
    if one.gene == found.gene:
        return row.model_copy(update={"verdict": "perturbed"})
    said = found.direction(one.gene)
    if said is not None:
        graph = predictor.knowledge.graph
        told = path_told(graph, found.path(one.gene, said), said, frozenset({one.gene}))
        agrees = way in (None, said)
        return row.model_copy(
            update={"path": told, "verdict": "explained" if agrees else "conflicting"}
        )
    reason: Reason = "too far" if one.known and one.gene in found.graph else "gene unknown"
    if one.known and predictor.response.ground(one.gene).essential >= ESSENTIAL:
        reason = "expected general response"
    return row.model_copy(update={"reason": reason, "note": NOTES[reason]})


def moved(one: ListedGene, sort: Sorted) -> Direction | None:
    """Return which way a hit's loss moved the readout; None where that is not told."""
    if sort == "either" or one.direction is None:
        return None
    if sort == "high":
        return one.direction
    return "down" if one.direction == "up" else "up"


def _fisher(one: Share, other: Share) -> float | None:
    from scipy.stats import fisher_exact

    if not one.of or not other.of:
        return None
    table = [[share.count, share.of - share.count] for share in (one, other)]
    return float(fisher_exact(table, "greater").pvalue)
