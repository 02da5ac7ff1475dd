"""Take what was verified into the world, and decide whether the cascade goes on."""

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.events import emit
from agent.state import AgentState, AgentUpdate


async def commit(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Commit the verified steps; stop when nothing new was, or the rounds are spent."""
    verified = [step for step in state.judged if step.status == "verified"]
    refused = [step for step in state.judged if step.status != "verified"]
    committed = [*state.committed, *verified]
    explained = {
        step.target.node for step in committed if step.target.quantity == "expression"
    } & set(state.targets)
    spent = state.round >= runtime.context.cascade.max_rounds
    # A refuted step still deserves another turn: the reasoner may know a way round it.
    finished = not state.judged or spent
    if finished:
        emit(
            runtime,
            "commit",
            f"the cascade ends after {state.round} rounds: {len(committed)} steps that databases "
            f"or the built-in pathways assert, {len(explained)} of {len(state.targets)} readouts "
            "reached",
        )
    return {
        "committed": committed,
        "rejected": [*state.rejected, *refused],
        "proposals": [],
        "judged": [],
        "finished": finished,
    }
