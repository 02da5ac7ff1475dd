"""Progress events: one line of plain words for each thing a node has done."""

from typing import Any

from langgraph.runtime import Runtime

from agent.context import AgentContext


def emit(runtime: Runtime[AgentContext], node: str, message: str, **details: Any) -> None:  # noqa: ANN401  # whatever JSON can hold
    """Tell the listener of this run (the terminal, the trace) what just happened."""
    runtime.stream_writer({"node": node, "message": message, **details})
