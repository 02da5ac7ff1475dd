"""What a run needs and a checkpoint must not hold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.reasoners.base import Reasoner
from agent.settings import CascadeSettings
from knowledge.base import Knowledge
from knowledge.schema import Versions
from tools.base import Toolbox
from tools.effects import EffectPredictor
from tools.literature import TextSearch
from tools.phenotypes import shipped_phenotypes

if TYPE_CHECKING:
    from models.genepheno.model import GenePhenoModel


@dataclass(frozen=True)
class AgentContext:
    """Live collaborators, injected by the session."""

    knowledge: Knowledge
    predictor: EffectPredictor
    toolbox: Toolbox
    reasoner: Reasoner
    cascade: CascadeSettings
    versions: Versions
    run: str = ""
    text_index: TextSearch | None = None
    data: Path = Path()
    phenotypes: "Callable[[], GenePhenoModel]" = shipped_phenotypes
