"""Every tool of Knockwise in one box."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.base import Knowledge
from knowledge.plugins import plugins
from tools.base import Tool, Toolbox
from tools.drugs import predict_drug_tool
from tools.effects import EffectPredictor
from tools.experiments import analogous_experiments_tool
from tools.expression import predict_expression_tool, shipped_expression
from tools.genes import gene_tool
from tools.lists.comparing import compare_perturbations_tool
from tools.lists.tools import (
    causes_of_list_tool,
    explain_list_tool,
    find_perturbations_tool,
)
from tools.literature import TextSearch, search_text_tool
from tools.memberships import memberships_tool, set_members_tool
from tools.morphology import predict_morphology_tool
from tools.network import neighbours_tool, paths_tool
from tools.phenotypes import predict_phenotypes_tool, shipped_phenotypes
from tools.properties import gene_properties_tool, shipped_properties
from tools.response import predict_effects_tool

if TYPE_CHECKING:
    from models.expression.model import ExpressionModel
    from models.genen.model import GenenModel
    from models.genepheno.model import GenePhenoModel


def build_toolbox(
    knowledge: Knowledge,
    predictor: EffectPredictor,
    index: TextSearch | None,
    expression: "Callable[[], ExpressionModel]" = shipped_expression,
    phenotypes: "Callable[[], GenePhenoModel]" = shipped_phenotypes,
    properties: "Callable[[], GenenModel]" = shipped_properties,
    data: Path | None = None,
) -> Toolbox:
    """Return the tools over these collaborators; without an index there is no text search.

    What other packages register as `knockwise.tools` comes last.

    `expression`, `phenotypes` and `properties` are called when their tools first are, so that a
    session opens without those models.
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
        predict_phenotypes_tool(knowledge, phenotypes),
        gene_properties_tool(knowledge, properties),
        predict_drug_tool(knowledge),
        predict_morphology_tool(knowledge),
    ]
    if index is not None:
        tools.append(search_text_tool(knowledge, index))
    tools += [build(knowledge, predictor) for _, build in plugins("tools")]
    if data is not None:
        tools += [
            explain_list_tool(knowledge, predictor),
            causes_of_list_tool(knowledge, predictor, data),
            find_perturbations_tool(knowledge, predictor, data),
            compare_perturbations_tool(knowledge, predictor),
        ]
    return Toolbox(tools)
