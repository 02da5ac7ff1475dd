"""Which perturbations raise or lower a gene, or regulate it."""

from agent.answers.findings import Findings, with_facts
from agent.context import AgentContext
from agent.wording import listed
from knowledge.schema import Evidence, Lead, Question
from tools.reverse import LEADS, leads

TOLD = 5
MIRRORED = "Screens measured knockdowns; an activation is taken as the mirror of one."


def sought(question: Question, context: AgentContext) -> Findings:
    """Return the perturbations that move the readouts the way that is asked about."""
    one, predictor = question.perturbation, context.predictor
    found: list[Lead] = []
    facts: list[Evidence] = []
    said, unknown = [], list[str]()
    for readout in question.readouts:
        best, read = leads(
            predictor, readout, one.cell_line, one.kind, question.direction, question.top or LEADS
        )
        for lead in best:
            way = one.model_copy(update={"genes": (lead.gene,)})
            (effect,), behind = with_facts(predictor, way, [lead.effect])
            facts += behind
            found.append(
                lead.model_copy(update={"effect": effect, "evidence_ids": effect.evidence_ids})
            )
        said.append(_sentence(question, readout, best, read))
        if not read:
            unknown.append(
                f"No screen of {one.cell_line} read {readout}: only the graph was searched."
            )
    if one.kind == "activation":
        unknown.append(MIRRORED)
    unique = {fact.id: fact for fact in facts}
    return Findings(
        summary=" ".join(said),
        leads=tuple(found),
        evidence=tuple(unique.values()),
        unknown=tuple(unknown),
    )


def _sentence(question: Question, readout: str, best: list[Lead], read: int) -> str:
    one = question.perturbation
    verb = {"up": "raises", "down": "lowers", None: "changes"}[question.direction]
    where = f"in {one.cell_line}"
    if not best:
        return f"No {one.kind} that {verb} {readout} {where} was found ({read:,} were measured)."
    measured = [lead.gene for lead in best if lead.measured][:TOLD]
    predicted = [lead.gene for lead in best if not lead.measured][:TOLD]
    parts = []
    if measured:
        parts.append(f"measured {where}: {listed(measured)}")
    if predicted:
        parts.append(f"by the graph alone: {listed(predicted)}")
    return (
        f"A {one.kind} that {verb} {readout}, known regulators and specific ones first: "
        f"{'; '.join(parts)}; {read:,} were measured."
    )
