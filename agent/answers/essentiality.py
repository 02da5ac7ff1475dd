"""Whether a cell line needs a gene."""

from agent.answers.findings import Findings
from agent.context import AgentContext
from agent.wording import listed
from knowledge.schema import Evidence, Question
from tools.essentiality import PULL, Essentiality

TOLD = 20


def needed(question: Question, context: AgentContext) -> Findings:
    """Return for each gene whether the line needs it, with what is known of that line."""
    one = question.perturbation
    known = Essentiality(context.data, context.knowledge.symbols)
    unknown = [] if known.known else [f"No screen of dependencies was pulled; {PULL}."]
    if not one.genes:
        genes = known.selective(one.cell_line)
        if not genes:
            return Findings(
                summary=f"Which genes {one.cell_line} needs is not known here.",
                unknown=tuple(unknown),
            )
        shown = listed(genes[: question.top or TOLD])
        return Findings(
            summary=(
                f"{one.cell_line} needs {len(genes):,} genes more than most lines do: {shown}, ..."
            )
        )
    found, facts = [], list[Evidence]()
    for gene in one.done:
        dependency, behind = known.of(gene, one.cell_line)
        found.append(dependency)
        facts += behind
        here = one.cell_line in {line.name for line in context.knowledge.cell_lines}
        reason = context.predictor.cell_of(one).lacks(gene) if here else None
        if reason and dependency.verdict != "yes":
            unknown.append(reason)
    return Findings(
        summary=" ".join(one.statement for one in found),
        dependencies=tuple(found),
        evidence=tuple(facts),
        unknown=tuple(unknown),
    )
