"""What a run needs and a checkpoint must not hold."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
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
from tools.programmes import Programmes

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

    @cached_property
    def programmes(self) -> Programmes:
        """Return what finds the programmes of the screens behind a readout."""
        return Programmes(self.predictor.response, self.knowledge.graph)
