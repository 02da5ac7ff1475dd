"""Ask the trained models, and decide which readouts the cascade should explain."""

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.events import emit
from agent.phenotypes import foreseen, organism_alone
from agent.state import AgentState, AgentUpdate
from agent.strategies.case import build_case
from knowledge.schema import Effect
from tools.effects import EXPLICABLE

# With no readout asked about, the cascade sets out to explain this many of the likeliest changes.
OPEN_TARGETS = 8
# A language model judges this many readouts; each costs some requests.
MOST_JUDGED = 10


async def consult(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Predict phenotypes and effects, and name the targets of the cascade."""
    context, question = runtime.context, state.asked
    outlooks, notes = foreseen(question, context)
    for one in outlooks:
        known, told = sum(one.known_counts.values()), len(one.predicted)
        emit(runtime, "consult", f"phenotypes of {one.subject}: {known:,} known, {told} predicted")
    found: AgentUpdate = {
        "outlooks": outlooks,
        "evidence": [fact for one in outlooks for fact in one.evidence],
        "unknown": [*state.unknown, *notes],
    }
    if organism_alone(question, outlooks):
        return found
    asked = question.readouts or None
    effects = context.predictor.effects(question.perturbation, asked)
    if asked:
        targets = list(asked)
    else:
        reached = context.predictor.reach(question.perturbation)
        explicable = [one.gene for one in ranked(effects) if reached.best(one.gene) >= EXPLICABLE]
        targets = explicable[:OPEN_TARGETS]
    answered = sum(not effect.abstained for effect in effects)
    emit(
        runtime,
        "consult",
        f"response model and cascade: {answered} of {len(effects)} readouts predicted",
    )
    if not question.perturbation.drugged:
        targets = [gene for gene in targets if gene not in question.perturbation.genes]
    predicted = {effect.gene for effect in effects if not effect.abstained}
    judgements = await context.reasoner.judge(
        [gene for gene in targets if gene in predicted][:MOST_JUDGED],
        lambda gene: build_case(context.knowledge, context.predictor, question.perturbation, gene),
    )
    if judgements:
        usable = sum(not judgement.failed for judgement in judgements.values())
        emit(runtime, "consult", f"language model: {usable} of {len(judgements)} readouts judged")
    return {**found, "targets": targets, "judgements": judgements}


def ranked(effects: list[Effect]) -> list[Effect]:
    """Return the effects that were predicted, what is specific to the perturbation first."""
    predicted = [effect for effect in effects if not effect.abstained]
    return sorted(predicted, key=lambda effect: (-effect.specific, effect.gene))
