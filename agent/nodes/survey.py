"""Answer a question that no single cascade answers: a comparison, a search, a dependency."""

from collections.abc import Callable, Mapping

from langgraph.runtime import Runtime

from agent.answers.compare import compared
from agent.answers.epistasis import interacting
from agent.answers.essentiality import needed
from agent.answers.expressed import expressed
from agent.answers.findings import Findings
from agent.answers.morphology import appearing
from agent.answers.reverse import sought
from agent.context import AgentContext
from agent.events import emit
from agent.numbering import Numbering
from agent.state import AgentState, AgentUpdate
from knowledge.schema import Answer, Intent, Lead, Question, Side

Answering = Callable[[Question, AgentContext], Findings]
SURVEYS: Mapping[Intent, Answering] = {
    "compare": compared,
    "epistasis": interacting,
    "reverse": sought,
    "essentiality": needed,
    "morphology": appearing,
}


async def survey(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Return the finished answer."""
    question, context = state.asked, runtime.context
    answering = expressed if question.context else SURVEYS[question.intent]
    found = answering(question, context)
    numbering = Numbering(found.evidence)
    if question.context or question.intent == "morphology":
        numbering.cite(fact.id for fact in found.evidence)
    sides = tuple(_side(side, numbering) for side in found.sides)
    leads = tuple(_lead(lead, numbering) for lead in found.leads)
    dependencies = tuple(
        one.model_copy(update={"evidence_ids": numbering.cite(one.evidence_ids)})
        for one in found.dependencies
    )
    answer = Answer(
        run=context.run,
        question=question,
        summary=found.summary,
        effects=(),
        hypotheses=(),
        steps=(),
        sides=sides,
        leads=leads,
        dependencies=dependencies,
        likenesses=found.likenesses,
        drugs=found.drugs,
        evidence=numbering.cited(),
        unknown=tuple(dict.fromkeys((*state.unknown, *found.unknown))),
        reasoner=context.reasoner.name,
        versions=context.versions,
        timings_s=state.timings_s,
        tokens={
            "prompt": state.usage.prompt,
            "cached": state.usage.cached,
            "completion": state.usage.completion,
            "requests": state.usage.requests,
        },
    )
    counts = {
        ("side", "sides"): len(sides),
        ("lead", "leads"): len(leads),
        ("dependency", "dependencies"): len(dependencies),
        ("like perturbation", "like perturbations"): len(found.likenesses),
    }
    said = [f"{n} {one if n == 1 else many}" for (one, many), n in counts.items() if n]
    emit(runtime, "survey", ", ".join(said) or f"{len(found.evidence)} facts")
    return {"answer": answer}


def _side(side: Side, numbering: Numbering) -> Side:
    effects = tuple(numbering.effect(effect) for effect in side.effects)
    return side.model_copy(update={"effects": effects})


def _lead(lead: Lead, numbering: Numbering) -> Lead:
    ids = numbering.cite(lead.evidence_ids)
    return lead.model_copy(update={"effect": numbering.effect(lead.effect), "evidence_ids": ids})
