"""Lays perturbations side by side: genes, kinds, lines or backgrounds."""

from collections.abc import Sequence

from agent.answers.drugs import accounts, basis_words, opening
from agent.answers.findings import Findings, chance, with_facts
from agent.context import AgentContext
from knowledge.schema import Evidence, Perturbation, Question, Side
from tools.comparison import labels, leading, overlap


def compared(question: Question, context: AgentContext) -> Findings:
    """Return the effects of every side on the same readouts, and which moves each more."""
    ways = (question.perturbation, *question.against)
    return side_by_side(
        question, context, [(label, way) for label, way in zip(labels(ways), ways, strict=True)]
    )


def side_by_side(
    question: Question, context: AgentContext, ways: Sequence[tuple[str, Perturbation]]
) -> Findings:
    """Return the labelled perturbations with their effects on the same readouts."""
    predictor = context.predictor
    everything = [predictor.effects(way, question.readouts or None) for _, way in ways]
    readouts = question.readouts or leading(everything)
    sides, facts = [], list[Evidence]()
    for (label, way), effects in zip(ways, everything, strict=True):
        by_gene = {effect.gene: effect for effect in effects}
        kept = [by_gene[gene] for gene in readouts if gene in by_gene]
        cited, behind = with_facts(predictor, way, kept)
        facts += behind
        sides.append(Side(label=label, perturbation=way, effects=cited))
    if question.readouts:
        said = [_about(gene, sides) for gene in readouts]
    else:
        said = overlap([label for label, _ in ways], everything)
    unique = {fact.id: fact for fact in facts}
    told = [one for side in sides for one in accounts(side.perturbation, side.effects, context)[0]]
    drugs = tuple(
        {one.drug: one.model_copy(update={"steps": ()}) for one in reversed(told)}.values()
    )[::-1]
    return Findings(
        summary=" ".join([*opening(drugs), *said, *basis_words(drugs)]),
        sides=tuple(sides),
        drugs=drugs,
        evidence=tuple(unique.values()),
    )


def _about(gene: str, sides: Sequence[Side]) -> str:
    """Return a sentence on one readout: each side's call, then which moves it more."""
    calls, known = [], list[tuple[float, str]]()
    for side in sides:
        effect = next((one for one in side.effects if one.gene == gene), None)
        if effect is None or effect.call == "unknown":
            calls.append(f"{side.label}: not predicted")
            continue
        calls.append(f"{side.label}: {effect.call} ({chance(effect)})")
        if effect.p_de is not None:
            known.append((effect.p_de, side.label))
    said = f"{gene}: {'; '.join(calls)}."
    if len(known) == len(sides) > 1:
        (most, who), (next_most, _) = sorted(known, reverse=True)[:2]
        if most - next_most >= _TELLING:
            said += f" It changes most probably with {who}."
        else:
            said += " The two cannot be told apart." if len(known) == 2 else " No side stands out."
    return said


# P(changes) of two sides must differ by this much to be told apart, about a 90 % interval.
_TELLING = 0.1
