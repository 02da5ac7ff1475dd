"""Which perturbations raise or lower a gene, or regulate it."""

from agent.answers.findings import Findings, with_facts
from agent.context import AgentContext
from agent.wording import listed
from knowledge.drugs import given
from knowledge.schema import Direction, Evidence, Lead, Perturbation, Question
from tools.druggable import THROUGH_TARGETS, drugs_like, drugs_moving
from tools.effects import EffectPredictor
from tools.likeness import SHOWN, alike, mediators
from tools.lists.atlas import atlas_of
from tools.lists.search import FoundPerturbation
from tools.lists.search import found as searched

LEADS = 12
# Of what a search finds, so many are looked at for those whose effect is called.
LOOKED_AT = 40
TOLD = 5
# So many times more knockdowns are looked through where only those that a drug does are told.
WIDER = 40
NO_RESCUE_SCREEN = (
    "No screen of rescues is here: an opposite signature or a mediator is a candidate to test."
)
MIRRORED = "Screens measured knockdowns; an activation is taken as the mirror of one."


def sought(question: Question, context: AgentContext) -> Findings:
    """Return the perturbations that move the readouts the way that is asked about."""
    if question.seeks in ("phenocopies", "rescuers"):
        return likened(question, context)
    one, predictor = question.perturbation, context.predictor
    if one.manner == "drug":
        return drugs_sought(question, context)
    atlas = atlas_of(context.data, predictor.response)
    found: list[Lead] = []
    facts: list[Evidence] = []
    said, unknown = [], list[str]()
    for readout in question.readouts:
        search = searched(
            predictor, atlas, [readout], one.cell_line, question.direction, one.kind, LOOKED_AT
        )
        best = list[Lead]()
        for row in search.rows:
            if len(best) == (question.top or LEADS):
                break
            lead = _lead(predictor, one, readout, row, question.direction)
            if lead is not None:
                (effect,), behind = with_facts(predictor, _of(one, row.gene), [lead.effect])
                facts += behind
                new = {"effect": effect, "evidence_ids": effect.evidence_ids}
                best.append(lead.model_copy(update=new))
        found += best
        said.append(_sentence(question, readout, best, search.measured))
        unknown += [note for note in search.notes if note not in unknown]
    unique = {fact.id: fact for fact in facts}
    return Findings(
        summary=" ".join(said),
        leads=tuple(found),
        evidence=tuple(unique.values()),
        unknown=tuple(unknown),
    )


def _lead(
    predictor: EffectPredictor,
    one: Perturbation,
    readout: str,
    row: FoundPerturbation,
    direction: Direction | None,
) -> Lead | None:
    """Return a perturbation that a search found, None where its effect is not called that way."""
    (effect,) = predictor.effects(_of(one, row.gene), [readout])
    if effect.call not in ("up", "down") or direction not in (None, effect.call):
        return None
    return Lead(
        gene=row.gene,
        effect=effect,
        measured=row.measured is not None,
        linked=row.linked,
        breadth=row.breadth,
    )


def _of(one: Perturbation, gene: str) -> Perturbation:
    return one.model_copy(update={"genes": (gene,)})


def drugs_sought(question: Question, context: AgentContext) -> Findings:
    """Return the drugs that move the readouts the way that is asked about, by their targets."""
    one, drugs = question.perturbation, context.knowledge.drugs
    found, facts, said = [], dict[str, Evidence](), []
    for readout in question.readouts:
        best, looked = drugs_moving(
            context.predictor, drugs, readout, one.cell_line, question.direction,
            question.top or LEADS,
        )  # fmt: skip
        for lead in best:
            way = given((lead.drug.split(",")[0].split(" and ")[0],), drugs, one.cell_line)
            (effect,), behind = with_facts(context.predictor, way, [lead.effect])
            facts.update((fact.id, fact) for fact in behind)
            found.append(
                lead.model_copy(update={"effect": effect, "evidence_ids": effect.evidence_ids})
            )
        verb = {"up": "raise", "down": "lower", None: "change"}[question.direction]
        names = listed([f"{lead.drug.split(',')[0]} ({lead.gene})" for lead in best[:TOLD]])
        said.append(
            f"Drugs that would {verb} {readout} in {one.cell_line}, by their targets: {names}; "
            f"{looked:,} kinds of drugs were looked through."
            if best
            else f"No drug that would {verb} {readout} in {one.cell_line} was found among "
            f"{looked:,} kinds."
        )
    return Findings(
        summary=" ".join(said),
        leads=tuple(found),
        evidence=tuple(facts.values()),
        unknown=(THROUGH_TARGETS,),
    )


def likened(question: Question, context: AgentContext) -> Findings:
    """Return the perturbations whose signature is like that of another, or opposite to it."""
    (one, *_), rescue = question.against, question.seeks == "rescuers"
    limit = question.top or SHOWN
    atlas = atlas_of(context.data, context.predictor.response)
    druggable = question.perturbation.manner == "drug"
    wide = limit if not druggable else limit * WIDER
    found, compared = alike(context.predictor, one, opposite=rescue, limit=wide, atlas=atlas)
    carrying = mediators(context.predictor, one, TOLD) if rescue else []
    name = one.label if one.drugged else f"{'+'.join(one.genes)} {one.kind}"
    if druggable:
        drugs = context.knowledge.drugs
        own = one.model_copy(update={"genes": ()}) if rescue else one
        found = drugs_like(drugs, found, own, limit)
        carrying = drugs_like(drugs, carrying, own.model_copy(update={"genes": ()}), TOLD)
    where = f"in {one.cell_line}"
    said = []
    if carrying:
        said.append(
            f"By the graph, much of what {name} does {where} goes through a rise of "
            f"{listed([row.gene for row in carrying])}: losing one of them as well should undo it."
        )
    if found and druggable:
        told = listed(
            [f"{row.drug.split(',')[0]} ({row.action} of {row.gene})" for row in found[:TOLD]]
        )
        what = "would undo" if rescue else "would be like"
        said.append(f"By their targets, what {what} {name} {where}: {told}.")
    elif found:
        told = listed([f"{row.gene} ({row.likeness:+.2f})" for row in found[:TOLD]])
        what = "most opposite to" if rescue else "most like"
        said.append(
            f"The signatures {what} the predicted one of {name} {where} are those of the "
            f"knockdowns of {told}; {compared:,} were compared."
        )
    if not said:
        said.append(f"Nothing {'opposite to' if rescue else 'like'} {name} {where} was found.")
    unknown = [NO_RESCUE_SCREEN] if rescue else []
    if druggable:
        unknown.append(THROUGH_TARGETS)
    if one.kind == "activation":
        unknown.append(MIRRORED)
    return Findings(summary=" ".join(said), likenesses=(*carrying, *found), unknown=tuple(unknown))


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
