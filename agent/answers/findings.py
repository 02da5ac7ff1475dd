"""What an answer of another kind than a cascade consists of."""

from dataclasses import dataclass, field

from knowledge.schema import (
    Dependency,
    DrugAccount,
    Effect,
    Evidence,
    Lead,
    Likeness,
    Perturbation,
    Side,
)
from tools.effects import EffectPredictor


@dataclass(frozen=True)
class Findings:
    """The parts of an answer; facts are numbered when the answer is put together."""

    summary: str
    sides: tuple[Side, ...] = ()
    leads: tuple[Lead, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    likenesses: tuple[Likeness, ...] = ()
    drugs: tuple[DrugAccount, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    unknown: tuple[str, ...] = field(default_factory=tuple)


def chance(effect: Effect) -> str:
    """Return P(changes) in words, or that only a direction is known."""
    return "direction only" if effect.p_de is None else f"P(changes) {effect.p_de:.2f}"


def with_facts(
    predictor: EffectPredictor, perturbation: Perturbation, effects: list[Effect]
) -> tuple[tuple[Effect, ...], list[Evidence]]:
    """Return the effects with what stands behind each: the measurement and the model."""
    out, facts = [], list[Evidence]()
    for effect in effects:
        behind = []
        row = predictor.measured(perturbation, effect.gene)
        if row is not None:
            behind.append(row.evidence)
        if not effect.abstained:
            behind.append(predictor.model_fact(perturbation, effect))
        facts += behind
        ids = tuple(fact.id for fact in behind)
        out.append(effect.model_copy(update={"evidence_ids": ids}))
    return tuple(out), facts
