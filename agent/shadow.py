"""What the evidence policy would find alone: the numbers of an answer rest on that.

A language model may follow any step of the graph, and one that is refuted on its way says nothing
about the paths that the prediction is made from.
"""

from agent.context import AgentContext
from agent.frontier import frontier
from agent.nodes.verify import judge
from agent.reasoners.evidence import EvidenceReasoner
from agent.state import AgentState


async def evidence_alone(state: AgentState, context: AgentContext) -> AgentState:
    """Return the state in which the cascade would have ended without a language model."""
    policy = EvidenceReasoner()
    alone = AgentState(text=state.text, question=state.question, targets=state.targets)
    for _ in range(context.cascade.max_rounds):
        proposals = await policy.choose(frontier(alone, context))
        steps = [judge(proposal, alone, context)[0] for proposal in proposals]
        if not steps:
            break
        verified = [step for step in steps if step.status == "verified"]
        refused = [step for step in steps if step.status != "verified"]
        alone = alone.model_copy(
            update={
                "committed": [*alone.committed, *verified],
                "rejected": [*alone.rejected, *refused],
            }
        )
    return alone
