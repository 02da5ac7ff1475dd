"""Ten cascades chosen by rule: the surest, the least sure, and those that screens contradict."""

import asyncio
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.context import AgentContext
from evals.mechanism.agent import ask
from evals.mechanism.schema import Shown
from knowledge.schema import CascadeStep, Evidence
from models.response.screens import CELL_LINES
from tools.evidence import opposing_evidence, relation_evidence

LEAST_SURE = 2
RULES = {
    "surest": "The most confident cascade of each line, whatever was measured.",
    "least sure": "The two least confident cascades of all lines that the tuned rule believes.",
    "contradicted": "The most confident cascade of each line that the measurement contradicts.",
}


def chosen_rows(pairs: pd.DataFrame, use: NDArray[np.bool_]) -> Iterator[tuple[str, int]]:
    """Iterate over rules and the index of the rows that they choose, each row once.

    Official test rows are preferred where a line has labels of them.

    Args:
        pairs: From `evals.mechanism.direction.changed_pairs`.
        use: Which of them the tuned rule believes.
    """
    order = pairs.assign(use=use).sort_values(
        ["split", "confidence", "cell_line", "pert", "gene"],
        ascending=[True, False, True, True, True],
    )
    taken: set[str] = set()

    def first(rows: pd.DataFrame, why: str) -> Iterator[tuple[str, int]]:
        # A perturbation is shown once, so that ten cascades are ten stories.
        for index, pert in zip(rows.index, rows.pert, strict=True):
            if pert not in taken:
                taken.add(pert)
                yield why, int(index)
                return

    for line in CELL_LINES:
        yield from first(order[order.cell_line == line], "surest")
    unsure = order[order.use].sort_values("confidence", kind="stable")
    for _ in range(LEAST_SURE):
        yield from first(unsure, "least sure")
    for line in CELL_LINES:
        wrong = order[(order.cell_line == line) & (order.right == 0)]
        yield from first(wrong, "contradicted")


def _evidence(steps: Sequence[CascadeStep], context: AgentContext) -> list[Evidence]:
    """Return what the databases say about the two nodes of each step."""
    graph = context.knowledge.graph
    found: dict[str, Evidence] = {}
    for step in steps:
        for relation in graph.relations(step.source.node, step.target.node):
            for item in (
                *relation_evidence(relation),
                *opposing_evidence(relation.opposed_by),
            ):
                found.setdefault(item.id, item)
    return list(found.values())


def gallery(
    pairs: pd.DataFrame, use: NDArray[np.bool_], context: AgentContext
) -> tuple[Shown, ...]:
    """Return the chosen cascades as the agent tells them, blind to the measurement."""
    believed = pd.Series(use, index=pairs.index)
    shown = []
    for why, index in chosen_rows(pairs, use):
        row = pairs.loc[index]
        pert, line, gene = (str(row[name]) for name in ("pert", "cell_line", "gene"))
        asked = asyncio.run(ask(context, pert, line, [gene]))
        hypothesis, effect = asked.hypothesis(gene), asked.effect(gene)
        if hypothesis is None:
            continue
        cited = {i for step in hypothesis.steps for i in step.evidence_ids}
        evidence = _evidence(asked.state.committed, context)
        shown.append(
            Shown(
                why=why,
                pert=pert,
                cell_line=line,
                split=row.split,
                readout=gene,
                measured="up" if row.is_up else "down",
                direction=hypothesis.direction,
                confidence=float(row.confidence),
                believed=bool(believed.loc[index]),
                p_de=effect.p_de,
                p_up=effect.p_up,
                steps=hypothesis.steps,
                evidence=tuple(item for item in evidence if item.id in cited),
            )
        )
    return tuple(shown)
