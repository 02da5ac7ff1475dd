"""Put the answer together: effects, hypotheses and the evidence that each of them cites."""

from collections.abc import Collection, Sequence

from langgraph.runtime import Runtime

from agent.accounting import settled
from agent.answers.drugs import accounts, basis_words, opening, resistances
from agent.answers.sets import set_effects, set_words
from agent.answers.verdict import counted, honoured, verdict
from agent.context import AgentContext
from agent.events import emit
from agent.frontier import refuted
from agent.hypotheses import disputed, hypotheses
from agent.nodes.consult import ranked
from agent.numbering import Numbering
from agent.phenotypes import organism_alone
from agent.programmes import programme_paths, programme_words
from agent.question.treatments import begun
from agent.reasoners.evidence import EvidenceReasoner
from agent.shadow import evidence_alone
from agent.state import AgentState, AgentUpdate
from agent.wording import listed, outlook_words, path_words, reached_words
from knowledge.cascade import RelationKey
from knowledge.schema import (
    Answer,
    CascadeStep,
    Effect,
    Evidence,
    Hypothesis,
    Question,
    Versions,
)
from tools.effects import EXPLICABLE

# Without readouts asked about, this many of the likeliest changes are listed in the answer;
# effects.csv of the run has every gene.
LISTED_EFFECTS = 20


async def answer(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Return the finished answer."""
    context, question = runtime.context, state.asked
    own_policy = context.reasoner.name == EvidenceReasoner.name
    reference = state if own_policy else await evidence_alone(state, context)
    without = refuted(reference.rejected)
    alone = organism_alone(question, state.outlooks)
    predicted: Sequence[Effect] = []
    if not alone:
        asked = question.readouts or None
        predicted = context.predictor.effects(question.perturbation, asked, without=without)
    wanted = _wanted(question, predicted, state.targets)
    found = hypotheses(state, wanted)
    effects, facts = _supported(wanted, found, state, context, without)
    found = _disputed(found, effects)
    shifted, measured = programme_paths(question, effects, found, context)
    explained = {one.readout for one in shifted}
    unknown = [*state.unknown, *_unknown(state, reference.rejected, effects, found, explained)]
    drugs, said_of_drugs = accounts(question.perturbation, effects, context, found)
    facts += said_of_drugs
    unknown += resistances(drugs)
    told = [outlook_words(one) for one in state.outlooks]
    told += [*opening(drugs), *basis_words(drugs)]
    sets = set_effects(question, effects)
    told += set_words(sets)
    told += filter(None, (verdict(question, effects), counted(question, predicted)))
    if not alone:
        told.append(await context.reasoner.tell(question, effects, found, unknown))
        told += filter(None, [programme_words(shifted)])
    told += _stimulated(question, context)
    last = settled(runtime, "answer")
    usage = state.usage + last.usage
    unknown += [*state.notes, *last.notes]
    numbering = Numbering([*state.evidence, *facts, *measured])
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
        steps=tuple(
            numbering.step(step) for step in disputed([*state.committed, *state.rejected], effects)
        ),
        programmes=tuple(map(numbering.programme, shifted)),
        effects=tuple(numbering.effect(effect) for effect in effects),
        drugs=tuple(map(numbering.drug, drugs)),
        sets=sets,
        evidence=_numbered(state, numbering),
        unknown=tuple(dict.fromkeys(unknown)),
        reasoner=context.reasoner.name,
        versions=_versions(state, context, programmes=bool(shifted)),
        timings_s=state.timings_s,
        tokens={
            "prompt": usage.prompt,
            "cached": usage.cached,
            "completion": usage.completion,
            "requests": usage.requests,
        },
    )
    emit(runtime, "answer", _said(result, effects, found, state.targets))
    return {"answer": result, "usage": last.usage, "notes": list(last.notes)}


def _stimulated(question: Question, context: AgentContext) -> list[str]:
    """Return what each stimulus does to the readouts by itself, as the pathways have it."""
    said = []
    for name, alone in begun(question.perturbation, context.knowledge.drugs):
        reached = context.predictor.reach(alone)
        for gene in question.readouts:
            up, down = reached.confidence(gene, "up"), reached.confidence(gene, "down")
            if max(up, down) >= EXPLICABLE:
                path = reached.path(gene, "up" if up >= down else "down")
                verb = "raise" if up >= down else "lower"
                said.append(f"By itself {name} would {verb} {gene}: {path_words(path)}.")
    return said


def _wanted(
    question: Question, predicted: Sequence[Effect], targets: Sequence[str]
) -> Sequence[Effect]:
    """Return the effects that the answer lists: those asked about, or those that lead."""
    if question.readouts:
        return predicted
    going = honoured(question, predicted)
    return ranked(going)[: question.top] if question.top else _leading(going, targets)


def _supported(
    wanted: Sequence[Effect],
    found: Sequence[Hypothesis],
    state: AgentState,
    context: AgentContext,
    without: frozenset[RelationKey],
) -> tuple[tuple[Effect, ...], list[Evidence]]:
    """Return the effects, the reasoner's own judgement in them, with the facts behind them."""
    facts: dict[str, Evidence] = {}
    effects = []
    for effect in wanted:
        judgement = state.judgements.get(effect.gene)
        fused = context.reasoner.fuse(state.asked, effect, judgement) if judgement else None
        if fused is not None:
            effect = context.predictor.revised(
                state.asked.perturbation, effect, fused.p_de, fused.p_up, without=without
            )
        own = _facts(effect, state, context)
        if fused is not None:
            own.append(fused.evidence)
        for fact in own:
            facts.setdefault(fact.id, fact)
        steps = [
            step
            for one in found
            if one.readout == effect.gene
            for path in (one.steps, *one.branches)
            for step in path
        ]
        ids = dict.fromkeys(
            [*(fact.id for fact in own), *(i for step in steps for i in step.evidence_ids)]
        )
        effects.append(effect.model_copy(update={"evidence_ids": tuple(ids)}))
    return tuple(effects), list(facts.values())


def _disputed(found: Sequence[Hypothesis], effects: Sequence[Effect]) -> list[Hypothesis]:
    return [
        one.model_copy(
            update={
                "steps": disputed(one.steps, effects),
                "branches": tuple(disputed(path, effects) for path in one.branches),
            }
        )
        for one in found
    ]


def _said(
    result: Answer,
    effects: Sequence[Effect],
    found: Sequence[Hypothesis],
    targets: Sequence[str],
) -> str:
    counts = {"effect": len(result.effects), "phenotype": len(result.phenotypes)}
    said = [f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items() if n]
    if targets:
        said.append(reached_words(effects, found, len(targets)))
    return "; ".join(said)


def _versions(state: AgentState, context: AgentContext, *, programmes: bool) -> Versions:
    """Return what the answer is made with, models that only some answers ask among it."""
    models = dict(context.versions.models)
    if state.outlooks:
        models["genepheno"] = state.outlooks[0].version
    if programmes:
        models["programmes"] = context.programmes.model().version
    return context.versions.model_copy(update={"models": models})


def _leading(effects: Sequence[Effect], targets: Sequence[str]) -> list[Effect]:
    """Return the changes that are most specific to the perturbation, or what comes nearest."""
    order = ranked(list(effects))
    changes = [effect for effect in order if effect.call in ("up", "down")]
    return [
        effect
        for place, effect in enumerate(changes or order)
        if place < LISTED_EFFECTS or effect.gene in targets
    ]


def _facts(effect: Effect, state: AgentState, context: AgentContext) -> list[Evidence]:
    """Return what stands behind one effect: the measurement, the analogues, the model."""
    perturbation = state.asked.perturbation
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
    measured: Collection[str],
) -> list[str]:
    notes = []
    explained = {one.readout: one.direction for one in found}
    missing = [target for target in state.targets if target not in explained]
    blocked = [step for step in rejected if step.status == "unsupported" and step.note]
    if missing and blocked:
        notes.append(f"The cascade stops: {blocked[0].note}")
    if missing:
        notes.append(f"No signed path reaches {listed(missing)}.")
        if also := [target for target in missing if target in measured]:
            notes[-1] = f"{notes[-1][:-1]}; measured programmes explain {listed(also)}."
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
