"""Check every proposed step against the graph, the cell line and the measurements."""

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.events import emit
from agent.frontier import world
from agent.state import AgentState, AgentUpdate, Proposal
from agent.wording import change_words, step_words
from knowledge.graph import Relation, changed
from knowledge.schema import CascadeStep, Evidence, StepStatus
from tools.evidence import edge_evidence, opposing_evidence, relation_evidence


async def verify(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Say of each proposal whether it is verified, contradicted or unsupported, and by what."""
    judged: list[CascadeStep] = []
    gathered: list[Evidence] = []
    for proposal in state.proposals:
        step, evidence = judge(proposal, state, runtime.context)
        judged.append(step)
        gathered += evidence
        emit(runtime, "verify", f"{step.status}: {step_words(step)}", status=step.status)
    return {"judged": judged, "evidence": gathered}


def judge(
    proposal: Proposal, state: AgentState, context: AgentContext
) -> tuple[CascadeStep, list[Evidence]]:
    """Return the proposal as a step with its status, and the evidence that decided it."""
    relation, status, note, evidence = _by_graph(proposal, context)
    if outside := _outside(proposal, state):
        relation, status, note = None, "unsupported", outside
    if status == "verified":
        perturbation = state.asked.perturbation
        cell = context.predictor.cell_of(perturbation)
        blocked = cell.blocks(proposal.target)
        if perturbation.drugged and proposal.source.node in perturbation.genes:
            # A drug needs its target; a transcript that answers at the end needs none.
            blocked = cell.lacks(proposal.source.node) or blocked
        if blocked:
            status, note = "unsupported", blocked
        elif proposal.target.quantity == "expression":
            row = context.predictor.measured(perturbation, proposal.target.node)
            if row is not None:
                evidence.append(row.evidence)
                if row.outcome not in (proposal.target.direction, "changed"):
                    status = "contradicted"
                    note = f"measured in this line: {proposal.target.node} {row.outcome}"
    step = CascadeStep(
        source=proposal.source,
        relation=proposal.relation,
        target=proposal.target,
        mechanism=proposal.mechanism,
        confidence=_confidence(proposal, relation),
        evidence_ids=tuple(item.id for item in evidence),
        status=status,
        proposed_by=proposal.proposed_by,
        note=note,
    )
    return step, evidence


def _outside(proposal: Proposal, state: AgentState) -> str:
    """Return why a step is none of this cascade, whatever the databases say; nothing if it is."""
    if proposal.source not in world(state):
        return f"it has not been shown that {change_words(proposal.source)}"
    one, target = state.asked.perturbation, proposal.target
    if target.node in one.genes and not (one.drugged and target.quantity == "expression"):
        return f"the perturbation holds {proposal.target.node} where it is"
    return ""


def _confidence(proposal: Proposal, relation: Relation | None) -> float:
    """Return the trust in the step; a language model's own step has that of the databases."""
    if proposal.proposed_by == "graph":
        return proposal.confidence
    return relation.trust if relation is not None else 0.0


def _by_graph(
    proposal: Proposal, context: AgentContext
) -> tuple[Relation | None, StepStatus, str, list[Evidence]]:
    """Judge by the edges between the two nodes alone; return the relation behind a true step."""
    source, target = proposal.source, proposal.target
    graph = context.knowledge.graph
    expression = target.quantity == "expression"
    for relation in graph.relations(source.node, target.node):
        if relation.expression is not expression:
            continue
        if changed(source.direction, relation.sign) == target.direction:
            evidence = relation_evidence(relation)
            if not relation.opposed_by:
                return relation, "verified", "", evidence
            databases = ", ".join(sorted({edge.database for edge in relation.opposed_by}))
            note = f"the opposite sign is claimed by {databases}"
            return relation, "verified", note, [*evidence, *opposing_evidence(relation.opposed_by)]
        note = f"the databases say that {source.node} {relation.effect} {target.node}"
        return None, "contradicted", note, relation_evidence(relation)
    between = graph.edges_between(source.node, target.node)
    if not between:
        return None, "unsupported", "no database links the two", []
    note = "the databases link the two, but not with this sign and kind of change"
    return None, "unsupported", note, [edge_evidence(edge, 0.3) for edge in between[:3]]
