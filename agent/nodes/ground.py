"""Words to a question: genes, readouts, the cell line and what had to be assumed."""

from langgraph.runtime import Runtime

from agent.context import AgentContext
from agent.events import emit
from agent.question.telling import as_words
from agent.state import AgentState, AgentUpdate
from agent.wording import listed, perturbation_words
from tools.essentiality import Essentiality, dropout


async def ground(state: AgentState, runtime: Runtime[AgentContext]) -> AgentUpdate:
    """Read the question, and say what the cell line makes pointless about it."""
    context = runtime.context
    question = await context.reasoner.read(state.text, context.knowledge, state.cell_line)
    perturbation = question.perturbation
    about = f"; readouts: {listed(question.readouts)}" if question.readouts else ""
    if question.intent in ("forward", "why"):
        emit(runtime, "ground", f"{perturbation_words(perturbation)}{about}")
    else:
        emit(runtime, "ground", as_words(question))
    unknown = list(context.knowledge.warnings)
    screened = {line.name for line in context.knowledge.cell_lines}
    if question.context or perturbation.cell_line not in screened:
        # Nothing is known of the lesions of a line that has an expression screen alone.
        return {"question": question, "unknown": unknown}
    cell = context.predictor.cell_of(perturbation)
    for gene in perturbation.genes:
        lacking = cell.lacks(gene)
        if perturbation.drugged:
            continue
        if lacking and perturbation.kind != "activation":
            unknown.append(f"Perturbing {gene} is expected to change little: {lacking}")
        elif (doubt := cell.doubtful(gene)) and perturbation.kind != "activation":
            unknown.append(f"Perturbing {gene} may change little: {doubt}")
    for gene in question.readouts:
        reason = cell.lacks(gene)
        if reason:
            unknown.append(f"A fall of {gene} could not be seen: {reason}")
    if perturbation.kind == "knockout" and question.intent in ("forward", "why"):
        known = Essentiality(context.data, context.knowledge.symbols)
        unknown += dropout(known, perturbation.genes, perturbation.cell_line)
    return {"question": question, "unknown": unknown}
