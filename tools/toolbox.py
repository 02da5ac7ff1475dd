"""Every tool of Knockwise in one box."""

from typing import Any

from knowledge.base import Knowledge
from tools.base import Tool, Toolbox
from tools.effects import EffectPredictor
from tools.experiments import analogous_experiments_tool
from tools.genes import gene_tool
from tools.literature import TextSearch, search_text_tool
from tools.memberships import memberships_tool, set_members_tool
from tools.network import neighbours_tool, paths_tool
from tools.response import predict_effects_tool


def build_toolbox(
    knowledge: Knowledge, predictor: EffectPredictor, index: TextSearch | None
) -> Toolbox:
    """Return the tools over these collaborators; without an index there is no text search."""
    tools: list[Tool[Any]] = [
        gene_tool(knowledge),
        neighbours_tool(knowledge),
        paths_tool(knowledge, predictor),
        memberships_tool(knowledge),
        set_members_tool(knowledge),
        analogous_experiments_tool(knowledge, predictor.response),
        predict_effects_tool(knowledge, predictor),
    ]
    if index is not None:
        tools.append(search_text_tool(knowledge, index))
    return Toolbox(tools)
