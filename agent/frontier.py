"""The frontier of a cascade: what has changed so far, and what the graph offers next."""

from agent.belief import arriving
from agent.context import AgentContext
from agent.reasoners.base import Frontier
from agent.state import AgentState
from knowledge.cascade import Candidate, Reach, RelationKey, next_steps, start
from knowledge.schema import CascadeStep, Change


def world(state: AgentState) -> dict[Change, float]:
    """Return every change that is taken to have happened, with the confidence of its best path.

    A step from a change that nothing leads to, as where only some steps are looked at, leads on to
    nothing.
    """
    changes = dict.fromkeys(start(state.asked.perturbation), 1.0)
    for step in state.committed:
        if step.source not in changes:
            continue
        found = arriving(step, changes[step.source])
        changes[step.target] = max(found, changes.get(step.target, 0.0))
    return changes


def refuted(steps: list[CascadeStep]) -> frozenset[RelationKey]:
    """Return the relations of the graph that were judged and not verified.

    What a language model made up and was wrong about says nothing against the graph.
    """
    return frozenset(
        (step.source.node, step.target.node, step.target.quantity == "expression")
        for step in steps
        if step.status != "verified" and step.proposed_by == "graph"
    )


def outlook(state: AgentState, context: AgentContext, *, lesions: bool = True) -> Reach:
    """Return the best paths from the perturbation: open ones, or (`lesions=False`) all of them."""
    without = refuted(state.rejected) if lesions else frozenset()
    return context.predictor.reach(state.asked.perturbation, lesions=lesions, without=without)


def frontier(state: AgentState, context: AgentContext) -> Frontier:
    """Return what a reasoner needs to choose the next steps."""
    changes = world(state)
    one = state.asked.perturbation
    held = set(one.genes)
    judged = {(step.source, step.target) for step in [*state.committed, *state.rejected]}
    candidates: list[Candidate] = []
    for change, confidence in changes.items():
        if change.quantity == "expression" and change.node in held:
            continue
        candidates += [
            step
            for step in next_steps(context.knowledge.graph, change, confidence)
            if (step.target.node not in held or (one.drugged and step.relation.expression))
            and (step.source, step.target) not in judged
            and step.confidence >= context.cascade.min_confidence
        ]
    candidates.sort(key=lambda step: (-step.confidence, step.source.node, step.target.node))
    return Frontier(
        question=state.asked,
        targets=tuple(state.targets),
        changes=changes,
        candidates=tuple(candidates),
        outlook=outlook(state, context),
        ideal=outlook(state, context, lesions=False),
        width=context.cascade.width,
    )
