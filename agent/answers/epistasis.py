"""Two perturbations alone and together, beside what independence would give."""

from agent.answers.compare import side_by_side
from agent.answers.findings import Findings, chance
from agent.context import AgentContext
from agent.wording import listed
from knowledge.schema import Effect, Question, Side
from tools.comparison import EXPECTED, PAIR_PREDICTED, independent, with_singles

NOT_MEASURED = f"{PAIR_PREDICTED} Its order of events is that of the cascade."
# Further from independence than this is told as an interaction.
APART = 0.15


def interacting(question: Question, context: AgentContext) -> Findings:
    """Return the single and the joint perturbations, what independence gives, and a verdict."""
    both = question.perturbation
    ways = [("+".join(one.genes), one) for one in with_singles(both)]
    found = side_by_side(question, context, ways)
    alone, together = found.sides[: len(both.genes)], found.sides[-1]
    joint = independent([side.effects for side in alone], together.effects)
    expected = Side(label=EXPECTED, perturbation=both, effects=tuple(joint))
    said = [_verdict(effect, expected, alone) for effect in together.effects if question.readouts]
    summary = " ".join(said) if said else found.summary
    return Findings(
        summary=summary,
        sides=(*found.sides, expected),
        evidence=found.evidence,
        unknown=(NOT_MEASURED,),
    )


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
        differs = differs or abs((effect.p_de or 0.0) - (wanted.p_de or 0.0)) >= APART
    if through:
        return f"{said}. Not independent: {through}."
    if differs:
        return f"{said}, where independence gives {wanted.call} ({chance(wanted)}): they interact."
    return f"{said}, as independence gives ({chance(wanted)}): no interaction is predicted."


def _call(side: Side, gene: str) -> str:
    effect = next((one for one in side.effects if one.gene == gene), None)
    return effect.call if effect is not None else "unknown"
