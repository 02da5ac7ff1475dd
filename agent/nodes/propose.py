"""One look at the frontier: what could happen next, and which of it is worth checking."""

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.events import emit
from agent.frontier import frontier
from agent.state import AgentState, AgentUpdate


async def propose(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Let the reasoner choose among the steps that the graph offers from here."""
    view = frontier(state, runtime.context)
    judged = {(step.source, step.target) for step in [*state.committed, *state.rejected]}
    proposals = [
        proposal
        for proposal in await runtime.context.reasoner.choose(view)
        if (proposal.source, proposal.target) not in judged
    ]
    if proposals:
        own = sum(proposal.proposed_by == "llm" for proposal in proposals)
        chosen = f"{len(proposals) - own} of {len(view.candidates)} possible steps"
        more = f" and {own} of the language model's own" if own else ""
        reasons = [proposal.rationale for proposal in proposals if proposal.rationale]
        because = {"because": reasons} if reasons else {}
        emit(runtime, "propose", f"round {state.round + 1}: {chosen}{more}", **because)
    return {"proposals": proposals, "round": state.round + 1}
