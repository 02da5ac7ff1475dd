"""Wiring only: which node follows which. Read this file first."""

from typing import Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.accounting import accounted
from agent.context import AgentContext
from agent.nodes.answer import answer
from agent.nodes.commit import commit
from agent.nodes.consult import consult
from agent.nodes.ground import ground
from agent.nodes.propose import propose
from agent.nodes.retrieve import retrieve
from agent.nodes.survey import SURVEYS, survey
from agent.nodes.verify import verify
from agent.state import AgentState
from agent.timing import timed

Graph = CompiledStateGraph[AgentState, AgentContext, AgentState, AgentState]


# Coroutines: LangGraph runs plain functions in a thread, between what a node writes and what its
# edge does, and an interruption in that moment left a run that could not go on.
async def after_commit(state: AgentState) -> Literal["propose", "answer"]:
    """Take another turn of the world model unless the last one ended the cascade."""
    return "answer" if state.finished else "propose"


async def after_ground(state: AgentState) -> Literal["retrieve", "survey"]:
    """Follow a cascade, unless the question is of a kind that no single one answers."""
    question = state.question
    if question is None:
        return "retrieve"
    return "survey" if question.context or question.intent in SURVEYS else "retrieve"


def build_graph(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """Compile ground -> retrieve -> consult -> [propose -> verify -> commit]* -> answer.

    Comparisons, searches and dependencies go ground -> survey.
    """
    builder = StateGraph(AgentState, context_schema=AgentContext)
    builder.add_node("ground", timed(accounted(ground)))
    builder.add_node("retrieve", timed(accounted(retrieve)))
    builder.add_node("consult", timed(accounted(consult)))
    builder.add_node("propose", timed(accounted(propose)))
    builder.add_node("verify", timed(accounted(verify)))
    builder.add_node("commit", timed(accounted(commit)))
    builder.add_node("answer", timed(accounted(answer)))
    builder.add_edge(START, "ground")
    builder.add_node("survey", timed(accounted(survey)))
    builder.add_conditional_edges("ground", after_ground)
    builder.add_edge("survey", END)
    builder.add_edge("retrieve", "consult")
    builder.add_edge("consult", "propose")
    builder.add_edge("propose", "verify")
    builder.add_edge("verify", "commit")
    builder.add_conditional_edges("commit", after_commit)
    builder.add_edge("answer", END)
    return builder.compile(checkpointer=checkpointer, name="knockwise")
