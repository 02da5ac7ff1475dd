"""Ten cascades chosen by rule: the surest, the least sure, and those that screens contradict."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.context import AgentContext
from evals.mechanism.agent import ask
from evals.mechanism.facts import Shown
from knowledge.schema import CascadeStep, Evidence
from models.inputs.screens import CELL_LINES
from tools.evidence import opposing_evidence, relation_evidence

LEAST_SURE = 2
TRIED = 8
RULES = {
    "surest": "The most confident cascade of each line, whatever was measured.",
    "least sure": "The two least confident cascades of all lines that the tuned rule believes.",
    "contradicted": "The most confident cascade of each line that the measurement contradicts.",
}


def slots(pairs: pd.DataFrame, use: NDArray[np.bool_]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Iterate over the places of the gallery: the rule, and the rows for it, the best first.

    Official test rows come first where a line has labels of them.

    Args:
        pairs: From `evals.mechanism.direction.changed_pairs`.
        use: Which of them the tuned rule believes.
    """
    order = pairs.assign(use=use).sort_values(
        ["split", "confidence", "cell_line", "pert", "gene"],
        ascending=[True, False, True, True, True],
    )
    for line in CELL_LINES:
        yield "surest", order[order.cell_line == line]
    unsure = order[order.use].sort_values("confidence", kind="stable")
    for _ in range(LEAST_SURE):
        yield "least sure", unsure
    for line in CELL_LINES:
        yield "contradicted", order[(order.cell_line == line) & (order.right == 0)]


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
    """Return the chosen cascades as the agent tells them, blind to the measurement.

    A perturbation is shown once, so that ten cascades are ten stories; a row about which the agent
    does not come to the search's conclusion leaves its place to the next.
    """
    shown: list[Shown] = []
    for why, rows in slots(pairs, use):
        taken = {one.pert for one in shown}
        fresh = rows[~rows.pert.isin(taken)].drop_duplicates("pert").head(TRIED)
        for _, row in fresh.iterrows():
            if (one := _shown(why, row, context)) is not None:
                shown.append(one)
                break
    return tuple(shown)


def _shown(why: str, row: "pd.Series[Any]", context: AgentContext) -> Shown | None:
    """Return a row's cascade, or None if the agent does not point where the search does."""
    pert, line, gene = (str(row[name]) for name in ("pert", "cell_line", "gene"))
    asked = asyncio.run(ask(context, pert, line, [gene]))
    hypothesis, effect = asked.hypothesis(gene), asked.effect(gene)
    if hypothesis is None or hypothesis.direction != ("up" if row["way"] > 0 else "down"):
        return None
    cited = {i for step in hypothesis.steps for i in step.evidence_ids}
    evidence = _evidence(asked.state.committed, context)
    return Shown.model_validate(
        {
            "why": why,
            "pert": pert,
            "cell_line": line,
            "split": row["split"],
            "readout": gene,
            "measured": "up" if row["is_up"] else "down",
            "direction": hypothesis.direction,
            "confidence": float(row["confidence"]),
            "believed": bool(row["use"]),
            "p_de": effect.p_de,
            "p_up": effect.p_up,
            "steps": hypothesis.steps,
            "evidence": tuple(item for item in evidence if item.id in cited),
        }
    )
