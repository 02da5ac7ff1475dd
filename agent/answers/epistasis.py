"""Two perturbations alone and together, beside what independence would give."""

from itertools import combinations

import numpy as np
from scipy.special import expit, logit

from agent.answers.compare import side_by_side
from agent.answers.findings import Findings, chance
from agent.context import AgentContext
from agent.wording import listed
from knowledge.schema import Effect, Perturbation, Question, Side

NOT_MEASURED = (
    "No screen here measured pairs: the double is predicted, its order of events by the cascade."
)
EXPECTED = "expected if independent"
# Further from independence than this is told as an interaction.
APART = 0.15


def interacting(question: Question, context: AgentContext) -> Findings:
    """Return the single and the joint perturbations, what independence gives, and a verdict."""
    both = question.perturbation
    singles = [both.model_copy(update={"genes": (gene,), "named": ()}) for gene in both.genes]
    ways = [(one.genes[0], one) for one in singles]
    if len(singles) > 2:
        pairs = combinations(both.genes, 2)
        ways += [("+".join(p), both.model_copy(update={"genes": p, "named": ()})) for p in pairs]
    ways.append(("+".join(both.genes), both))
    found = side_by_side(question, context, ways)
    alone, together = found.sides[: len(singles)], found.sides[-1]
    expected = _expected(alone, together, both)
    said = [_verdict(effect, expected, alone) for effect in together.effects if question.readouts]
    summary = " ".join(said) if said else found.summary
    return Findings(
        summary=summary,
        sides=(*found.sides, expected),
        evidence=found.evidence,
        unknown=(NOT_MEASURED,),
    )


def _expected(alone: tuple[Side, ...], together: Side, both: Perturbation) -> Side:
    """Return the noisy-or of P(changes), and P(up) weighted by it: what independence gives."""
    effects = []
    for effect in together.effects:
        singles = [
            one
            for side in alone
            for one in side.effects
            if one.gene == effect.gene and not one.abstained
        ]
        if len(singles) < len(alone) or effect.abstained:
            continue
        known = [one.p_de for one in singles if one.p_de is not None]
        p_de = 1 - float(np.prod([1 - p for p in known])) if len(known) == len(singles) else None
        ups = np.clip([one.p_up for one in singles], 1e-4, 1 - 1e-4)
        weights = np.array([max(one.p_de or 0.0, 1e-6) for one in singles])
        p_up = float(expit(np.average(logit(ups), weights=weights)))
        call = effect.call
        if any(one.call in ("up", "down") for one in singles):
            call = "up" if p_up >= 0.5 else "down"
        elif all(one.call == "unchanged" for one in singles):
            call = "unchanged"
        effects.append(
            effect.model_copy(
                update={
                    "p_de": p_de,
                    "p_up": p_up,
                    "call": call,
                    "evidence_ids": (),
                    "reason": "",
                    "subtle": False,
                }
            )
        )
    return Side(label=EXPECTED, perturbation=both, effects=tuple(effects))


def _verdict(effect: Effect, expected: Side, alone: tuple[Side, ...]) -> str:
    """Return whether the joint effect on one readout is that of independence, and the reason."""
    gene = effect.gene
    wanted = next((one for one in expected.effects if one.gene == gene), None)
    if wanted is None:
        return f"{gene}: not known, since one of the perturbations is not predicted."
    calls = listed([f"{side.label} alone {_call(side, gene)}" for side in alone])
    through = next((part for part in effect.reason.split("; ") if "acts on it through" in part), "")
    said = f"{gene}: {calls}; together {effect.call} ({chance(effect)})"
    differs = wanted.call != effect.call
    if effect.p_de is not None and wanted.p_de is not None:
        differs = differs or abs(effect.p_de - wanted.p_de) >= APART
    if through:
        return f"{said}. Not independent: {through}."
    if differs:
        return f"{said}, where independence gives {wanted.call} ({chance(wanted)}): they interact."
    return f"{said}, as independence gives ({chance(wanted)}): no interaction is predicted."


def _call(side: Side, gene: str) -> str:
    effect = next((one for one in side.effects if one.gene == gene), None)
    return effect.call if effect is not None else "unknown"
