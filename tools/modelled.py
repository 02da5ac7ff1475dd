"""The shipped drug model as the predictor of effects asks it: in the cells that it knows."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from knowledge.base import Knowledge
from knowledge.drugs import written
from knowledge.errors import DataError
from knowledge.schema import Evidence, Perturbation
from tools.druggable import DrugNumbers
from tools.drugs import drug_effects, shipped_drug_model

if TYPE_CHECKING:
    from models.drugs.model import DrugModel

# Measured outcomes of related drugs that are told.
OUTCOMES = 8
MEANT = "P(changes) there is that the gene is among the tenth that a drug moves most"


class ShippedDrugs:
    """Answers for drugs in cells in which other drugs were screened; elsewhere it is silent.

    Numbers are given only where a measured drug shares a target or a mode of action, and where they
    say something: elsewhere the knockdown of the target is all there is.

    Args:
        knowledge: Where the drugs are known, read when one is asked about.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def numbers(self, perturbation: Perturbation, genes: Sequence[str]) -> dict[str, DrugNumbers]:
        """Return gene -> numbers, for the genes that the model tells in these cells."""
        model = self._for(perturbation)
        if model is None:
            return {}
        read = frozenset(model.readouts(perturbation.cell_line))
        known = [gene for gene in genes if gene in read]
        if not known:
            return {}
        drug = self._knowledge.drugs.find(perturbation.drugs[0])
        found = model.predict(drug, known, perturbation.cell_line)
        if not found.in_scope:
            return {}
        return {
            effect.gene: DrugNumbers(
                p_de=effect.p_de,
                p_up=effect.p_up,
                interval=effect.interval,
                p_up_interval=effect.p_up_interval,
                call=effect.call,
                context=f"{found.context} ({found.screen})",
                reason=f"{effect.reason}; {MEANT}",
            )
            for effect in drug_effects(found)
            if effect.p_de is not None and effect.call != "unknown"
        }

    def outcomes(self, perturbation: Perturbation, gene: str) -> list[Evidence]:
        """Return what related drugs did to a gene in these cells, the most alike first."""
        model = self._for(perturbation)
        if model is None or gene not in frozenset(model.readouts(perturbation.cell_line)):
            return []
        drug = self._knowledge.drugs.find(perturbation.drugs[0])
        near = model.relatives(drug, perturbation.cell_line, gene, OUTCOMES)
        return [
            Evidence(
                id=f"obs:drug:{one.drug}>{gene}:{perturbation.cell_line}",
                kind="measured",
                statement=(
                    f"{written(one.drug)} in {perturbation.cell_line}: {gene} {one.did}; it shares "
                    f"{', '.join(one.shares)} with {written(drug.name)}"
                ),
                source="drug screens",
                reference=perturbation.cell_line,
                weight=one.likeness,
                genes=(gene,),
                sign=1 if "raised" in one.did else -1 if "lowered" in one.did else 0,
            )
            for one in near
            if one.shares and one.did
        ]

    def _for(self, perturbation: Perturbation) -> "DrugModel | None":
        """Return the model, if it speaks about one drug in these cells as they are."""
        plain = len(perturbation.drugs) == 1 and not perturbation.background
        if not plain or self._model is None or perturbation.cell_line not in self._model:
            return None
        return self._model

    @cached_property
    def _model(self) -> "DrugModel | None":
        try:
            return shipped_drug_model()
        except DataError:
            return None  # no weights are shipped with this build
