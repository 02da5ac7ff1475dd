"""Every tool of Knockwise in one box."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from knowledge.base import Knowledge
from tools.base import Tool, Toolbox
from tools.effects import EffectPredictor
from tools.experiments import analogous_experiments_tool
from tools.expression import predict_expression_tool, shipped_expression
from tools.genes import gene_tool
from tools.literature import TextSearch, search_text_tool
from tools.memberships import memberships_tool, set_members_tool
from tools.network import neighbours_tool, paths_tool
from tools.response import predict_effects_tool

if TYPE_CHECKING:
    from models.app.model import ExpressionModel


def build_toolbox(
    knowledge: Knowledge,
    predictor: EffectPredictor,
    index: TextSearch | None,
    expression: "Callable[[], ExpressionModel]" = shipped_expression,
) -> Toolbox:
    """Return the tools over these collaborators; without an index there is no text search.

    `expression` is called when its tool first is, so that a session opens without that model.
    """
    tools: list[Tool[Any]] = [
        gene_tool(knowledge),
        neighbours_tool(knowledge),
        paths_tool(knowledge, predictor),
        memberships_tool(knowledge),
        set_members_tool(knowledge),
        analogous_experiments_tool(knowledge, predictor.response),
        predict_effects_tool(knowledge, predictor),
        predict_expression_tool(knowledge, expression),
    ]
    if index is not None:
        tools.append(search_text_tool(knowledge, index))
    return Toolbox(tools)
