"""How long each node took, kept with the run."""

import time
from collections.abc import Coroutine
from typing import Any, Protocol

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.state import AgentState, AgentUpdate


class Node(Protocol):
    """A node of the graph, as `agent.nodes` writes them."""

    def __call__(
        self, state: AgentState, runtime: Runtime[AgentContext]
    ) -> Coroutine[Any, Any, AgentUpdate]:
        """Return what changes in the state."""
        ...


def timed(node: Node) -> Node:
    """Return `node` with its running time added to the state's `timings_s`."""

    async def run(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
        started = time.perf_counter()
        update = await node(state, runtime)
        name = getattr(node, "__name__", "node")
        return {**update, "timings_s": {name: round(time.perf_counter() - started, 4)}}

    return run
