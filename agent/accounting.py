"""Keeps with the run what each node asked of the language model."""

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.events import emit
from agent.llm.chat import Usage
from agent.metering import Settled
from agent.state import AgentState, AgentUpdate
from agent.timing import Node


def settled(runtime: Runtime[AgentContext], node: str) -> Settled:
    """Return what has been asked since the last time, with every request put in the trace."""
    account = runtime.context.reasoner.settle()
    for request in account.requests:
        runtime.stream_writer({"node": node, "request": request})
    if account.lookups:
        refused = f", {account.refused} refused" if account.refused else ""
        looked = f"{account.lookups} look-up{'' if account.lookups == 1 else 's'}"
        emit(runtime, node, f"{looked} by the language model{refused}")
    return account


def accounted(node: Node) -> Node:
    """Return `node` with what it asked added to the state: cost, notes and what was looked up."""
    name = getattr(node, "__name__", "node")

    async def run(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
        update = await node(state, runtime)
        account = settled(runtime, name)
        found = [*update.get("evidence", ()), *account.evidence]
        return {
            **update,
            "evidence": found,
            "usage": update.get("usage", Usage()) + account.usage,
            "notes": [*update.get("notes", ()), *account.notes],
        }

    run.__name__ = name
    return run
