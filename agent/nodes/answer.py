"""Put the answer together: effects, hypotheses and the evidence that each of them cites."""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from agent.accounting import settled
from agent.answers.verdict import counted, honoured, verdict
from agent.context import AgentContext
from agent.events import emit
from agent.frontier import refuted
from agent.hypotheses import disputed, hypotheses
from agent.nodes.consult import ranked
from agent.numbering import Numbering
from agent.phenotypes import organism_alone
from agent.reasoners.evidence import EvidenceReasoner
from agent.shadow import evidence_alone
from agent.state import AgentState, AgentUpdate
from agent.wording import listed, outlook_words, reached_words
from knowledge.schema import Answer, CascadeStep, Effect, Evidence, Hypothesis, Versions

# Without readouts asked about, this many of the likeliest changes are listed in the answer;
# effects.csv of the run has every gene.
LISTED_EFFECTS = 20


async def answer(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Return the finished answer."""
    if state.question is None:
        raise ValueError("the question has not been grounded yet")
    context, question = runtime.context, state.question
    perturbation = question.perturbation
    own_policy = context.reasoner.name == EvidenceReasoner.name
    reference = state if own_policy else await evidence_alone(state, context)
    without = refuted(reference.rejected)
    alone = organism_alone(question, state.outlooks)
    predicted = (
        []
        if alone
        else context.predictor.effects(perturbation, question.readouts or None, without=without)
    )
    listed_effects = predicted
    if not question.readouts:
        wanted = honoured(question, predicted)
        led = _leading(wanted, state.targets)
        listed_effects = ranked(wanted)[: question.top] if question.top else led
    found = hypotheses(state, listed_effects)
    evidence = list(state.evidence)
    effects = []
    for effect in listed_effects:
        judgement = state.judgements.get(effect.gene)
        fused = context.reasoner.fuse(question, effect, judgement) if judgement else None
        if fused is not None:
            effect = context.predictor.revised(
                perturbation, effect, fused.p_de, fused.p_up, without=without
            )
        facts = _facts(effect, state, context)
        if fused is not None:
            facts.append(fused.evidence)
        evidence += [fact for fact in facts if fact.id not in {item.id for item in evidence}]
        path = [
            (
                *one.supporting,
                *(i for path in one.branches for step in path for i in step.evidence_ids),
            )
            for one in found
            if one.readout == effect.gene
        ]
        ids = dict.fromkeys([*(fact.id for fact in facts), *(i for ids in path for i in ids)])
        effects.append(effect.model_copy(update={"evidence_ids": tuple(ids)}))
    effects = tuple(effects)
    found = [
        one.model_copy(
            update={
                "steps": disputed(one.steps, effects),
                "branches": tuple(disputed(path, effects) for path in one.branches),
            }
        )
        for one in found
    ]
    steps = disputed([*state.committed, *state.rejected], effects)
    unknown = [*state.unknown, *_unknown(state, reference.rejected, effects, found)]
    numbering = Numbering(evidence)
    told = [outlook_words(one) for one in state.outlooks]
    told += filter(None, (verdict(question, effects), counted(question, predicted)))
    if not alone:
        told.append(await context.reasoner.tell(question, effects, found, unknown))
    last = settled(runtime, "answer")
    usage = state.usage + last.usage
    unknown += [*state.notes, *last.notes]
    result = Answer(
        run=context.run,
        question=question,
        summary=" ".join(told),
        known_phenotypes=tuple(
            numbering.phenotype(one) for outlook in state.outlooks for one in outlook.known
        ),
        phenotypes=tuple(
            numbering.phenotype(one) for outlook in state.outlooks for one in outlook.predicted
        ),
        hypotheses=tuple(numbering.hypothesis(one) for one in found),
        steps=tuple(numbering.step(step) for step in steps),
        effects=tuple(numbering.effect(effect) for effect in effects),
        evidence=_numbered(state, numbering),
        unknown=tuple(dict.fromkeys(unknown)),
        reasoner=context.reasoner.name,
        versions=_versions(state, context),
        timings_s=state.timings_s,
        tokens={
            "prompt": usage.prompt,
            "cached": usage.cached,
            "completion": usage.completion,
            "requests": usage.requests,
        },
    )
    counts = {"effect": len(result.effects)}
    if result.phenotypes:
        counts["phenotype"] = len(result.phenotypes)
    said = [f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items()]
    if state.targets:
        said.append(reached_words(effects, found, len(state.targets)))
    emit(runtime, "answer", "; ".join(said))
    return {"answer": result, "usage": last.usage, "notes": list(last.notes)}


def _versions(state: AgentState, context: AgentContext) -> Versions:
    """Return what the answer is made with, the phenotype model among it if it was asked."""
    if not state.outlooks:
        return context.versions
    models = {**context.versions.models, "genepheno": state.outlooks[0].version}
    return context.versions.model_copy(update={"models": models})


def _leading(effects: Sequence[Effect], targets: Sequence[str]) -> list[Effect]:
    order = ranked(list(effects))
    return [
        effect
        for place, effect in enumerate(order)
        if place < LISTED_EFFECTS or effect.gene in targets
    ]


def _facts(effect: Effect, state: AgentState, context: AgentContext) -> list[Evidence]:
    """Return what stands behind one effect: the measurement, the analogues, the model."""
    if state.question is None:
        return []
    perturbation = state.question.perturbation
    facts = []
    row = context.predictor.measured(perturbation, effect.gene)
    if row is not None:
        facts.append(row.evidence)
    facts += context.predictor.analogues(perturbation, effect.gene)
    if not effect.abstained:
        facts.append(context.predictor.model_fact(perturbation, effect))
    return facts


def _numbered(state: AgentState, numbering: Numbering) -> tuple[Evidence, ...]:
    """Return all evidence in order: what is cited, then what was retrieved for the reader."""
    numbering.cite(item.id for item in state.evidence if item.kind in ("annotation", "text"))
    return numbering.cited()


def _unknown(
    state: AgentState,
    rejected: Sequence[CascadeStep],
    effects: Sequence[Effect],
    found: Sequence[Hypothesis],
) -> list[str]:
    notes = []
    explained = {one.readout: one.direction for one in found}
    missing = [target for target in state.targets if target not in explained]
    blocked = [step for step in rejected if step.status == "unsupported" and step.note]
    if missing and blocked:
        notes.append(f"The cascade stops: {blocked[0].note}")
    if missing:
        notes.append(f"No signed path reaches {listed(missing)}.")
    for effect in effects:
        direction = explained.get(effect.gene)
        if effect.call in ("up", "down") and direction and direction != effect.call:
            why = f": {effect.conflict}" if effect.conflict else ""
            notes.append(
                f"For {effect.gene} a path says {direction}, the prediction is {effect.call}{why}."
            )
    silent = [effect.gene for effect in effects if effect.abstained]
    if silent:
        notes.append(f"No prediction for {listed(silent)}: see the reason beside each.")
    return notes
