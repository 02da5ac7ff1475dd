"""Look up what is written about the genes of the question, before any model is asked."""

from collections import Counter

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.events import emit
from agent.state import AgentState, AgentUpdate
from agent.wording import listed
from knowledge.schema import Evidence, Question
from tools.genes import gene_facts
from tools.literature import TextSearch, passages
from tools.memberships import membership_facts, programme_facts

# Enough for a reader to place each gene; a reasoner that wants more has the tools.
MEMBERSHIPS = 5
PASSAGES = 3
NO_INDEX = "The texts were not searched: `knockwise index build` makes their index."
PROGRAMMES = 2
DESCRIBED_READOUTS = 6


async def retrieve(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Gather summaries, memberships and passages; without a text index, go on and say so.

    Raises:
        TextIndexError: There is an index, but it is damaged or of another encoder.
    """
    context, question = runtime.context, state.asked
    facts = _known(question, context)
    unknown = list(state.unknown)
    if context.text_index is not None:
        facts += _read(question, context.text_index)
    elif context.knowledge.scope == "full":
        unknown.append(NO_INDEX)
    unique = list({fact.id: fact for fact in facts}.values())
    kinds = Counter(fact.kind for fact in unique)
    found = {"texts": kinds["text"], "annotations": kinds["annotation"]}
    said = listed(
        [f"{n} {what.removesuffix('s') if n == 1 else what}" for what, n in found.items()]
    )
    emit(runtime, "retrieve", f"{said} about {listed(question.perturbation.genes)}", **found)
    return {"evidence": unique, "unknown": unknown}


def _known(question: Question, context: AgentContext) -> list[Evidence]:
    """Return what the knowledge says of the perturbed genes, and one summary per readout."""
    knowledge, facts = context.knowledge, list[Evidence]()
    perturbation = question.perturbation
    for gene in perturbation.genes:
        facts += gene_facts(knowledge, gene, perturbation.cell_line)
        facts += membership_facts(knowledge, gene, MEMBERSHIPS, together_with=question.readouts)
    facts += programme_facts(
        knowledge, (*perturbation.genes, *question.readouts), PROGRAMMES, of=perturbation.genes
    )
    for gene in question.readouts[:DESCRIBED_READOUTS]:
        facts += gene_facts(knowledge, gene)[:1]
    return facts


def _read(question: Question, index: TextSearch) -> list[Evidence]:
    """Return passages about each perturbed gene.

    Its symbol is enough to find them; searching by meaning would load an encoder, which takes
    longer than the rest of an answer.
    """
    return [
        fact
        for gene in question.perturbation.genes
        for fact in passages(index, question.text, PASSAGES, gene=gene, dense=False)
    ]
