"""Reads the other kinds of question: why, reverse, compare, epistasis, essentiality, planning."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from agent.question.assigned import Assigned, Perturbed
from agent.question.compare import read_compare
from agent.question.crossed import DONE
from agent.question.draft import EXAMPLE, Draft
from agent.question.forward import read_forward, read_out, reading_notes
from agent.question.kinds import members, perturbed
from agent.question.listing import listed
from agent.question.pieces import Item
from agent.question.roles import Roles
from agent.question.skeleton import matches
from agent.question.words import PARTICLES, Cue, IntentRow
from knowledge.errors import QuestionError
from knowledge.schema import Asks, Intent, Perturbation, PerturbationKind, Question

# Says what a gene does while it is there, so that its loss does the opposite.
_REGULATES = re.compile(
    r"\b(?:repressing|activating|inducing|silencing|driving|represses|silences|restrains|suppresses|inhibits|blocks|activates|induces|drives|"
    r"promotes|maintains|(?:negative|positive) regulators?|repressors?|activators?|inducers?|"
    r"suppressors?|required for|needed for)\b"
)
_GIVEN = re.compile(
    r"\b(?:positive regulators?|activators?|inducers?|drivers?|required for|needed for|"
    r"necessary for|important for|essential for)\b"
)
_TAKEN = re.compile(r"\b(?:negative regulators?|repressors?|suppressors?|silencers?)\b")
_MORE = re.compile(
    r"\b(?:more|higher|up|rises?|rose|risen|jumps?|jumped)\b|"
    r"\bg (?:is |was )?(?:increased|induced|elevated|up-?regulated)\b"
)
_LESS = re.compile(
    r"\b(?:less|lower|down|falls?|fell|fallen|drops?|dropped)\b|"
    r"\bg (?:is |was )?(?:decreased|reduced|repressed|down-?regulated)\b"
)
_NAMES = frozenset(["what", "which", "gene", "genes", "target", "targets", "factor", "factors"])
_MODALS = frozenset(["would", "could", "can", "will", "might", "may", "should"])
Reader = Callable[[Draft, IntentRow], Question]
# What one perturbation must go through for another to have its effect.
_THROUGH = re.compile(
    r"^(?:required|needed|necessary|essential|mediates?|epistatic|(?:through|via|requires?|needs?|"
    r"depends?|dependent)$)"
)


def _why(draft: Draft, row: IntentRow) -> Question:
    question = read_forward(draft)
    asks: Asks = question.asks if question.asks in ("why", "phenotype") else "why"
    if question.asks in ("direction", "what_happens") and not re.search(
        r"\bwhy\b|\bhow\b|explain|mechanis|pathway|through|via", draft.bones
    ):
        asks = "direction"
    return question.model_copy(update={"intent": "why", "asks": asks})


def _reverse(draft: Draft, row: IntentRow) -> Question:
    """Read which perturbation is sought: by its effect on genes, or by its likeness to another."""
    genes = [item for item in draft.found if item.kind == "gene"]
    if not genes:
        raise QuestionError(f"The question names no gene; ask for example {EXAMPLE}")
    roles = Roles(draft.found).assigned()
    if row.seeks in ("phenocopies", "rescuers"):
        like = roles if roles.cues else Assigned(perturbed=tuple(genes), readouts=())
        like = replace(like, cues=_nearest(like.cues))
        reference, notes = perturbed(like, _of_reference(draft, like))
        open_one = reference.model_copy(update={"genes": (), "manner": "", "named": ()})
        return Question(
            perturbation=open_one,
            against=(reference,),
            readouts=members(like.readouts),
            text=draft.text,
            assumptions=(*draft.notes, *notes, *reading_notes(draft.found, like)),
            intent="reverse",
            seeks=row.seeks,
        )
    lost = _beside_lines(roles, draft)
    sought = [item for item in genes if item not in lost]
    if not sought:
        sought, lost = lost, []
    readouts, sets = read_out(sought)
    kinds = [
        item.cue.kind or _particle(draft.found[i + 1 : i + 4])
        for i, item in enumerate(draft.found)
        if item.cue
        and (item.cue.strength == 3 or item.cue.kind != "activation")
        and not any(i == one.at and set(one.genes) <= set(lost) for one in roles.cues)
    ]
    aim = _aim(draft)
    if process := _process(draft):
        kinds = [kind for kind in kinds if kind != process.kind]
        aim = None
    wished = re.search(r"\b(activat|overexpress|inhibit|silenc)\w* (?:for|to)\b", draft.plain)
    if wished:
        kinds, aim = ["activation" if wished[1][0] in "ao" else "knockdown"], None
    if aim is not None:
        kinds = [kind for kind in kinds if kind != aim.kind or kinds.count(kind) > 1]
    named = [kind for kind in kinds if kind is not None]
    kind: PerturbationKind = named[0] if named else "knockout"
    up, down = matches("up", draft.bones), matches("down", draft.bones)
    more, less = _MORE.search(draft.bones), _LESS.search(draft.bones)
    rising, falling = bool(up or more), bool(down or less)
    if aim is not None:
        rising = aim.kind == "activation"
        falling = not rising
    if aim is None and not rising and not falling:
        rising = _GIVEN.search(draft.bones) is not None
        falling = not rising and _TAKEN.search(draft.bones) is not None
    notes = list(draft.notes)
    if process is not None:
        # What keeps a gene silent raises it when it is lost.
        rising, falling = process.kind != "activation", process.kind == "activation"
    elif rising != falling and not kinds and (talk := _REGULATES.search(draft.bones)):
        rising, falling = falling, rising
        way = "raises" if rising else "lowers"
        notes.append(f"What '{talk[0]}' a gene is sought as what {way} it when it is lost.")
    if lost:
        notes.append(f"Among cells that lack {listed(members(lost))}.")
    return Question(
        perturbation=Perturbation(
            genes=(), kind=kind, cell_line=draft.line, background=members(lost)
        ),
        readouts=readouts,
        readout_sets=sets,
        asks="direction" if kinds else "what_happens",
        text=draft.text,
        assumptions=(*notes, *reading_notes(draft.found, Assigned((), tuple(sought)))),
        intent="reverse",
        seeks="regulators",
        direction=None if rising == falling else "up" if rising else "down",
    )


def _nearest(cues: tuple[Perturbed, ...]) -> tuple[Perturbed, ...]:
    """Return the last of the words that say the same genes' perturbation."""
    return tuple(one for one in cues if not any(o.span == one.span and o.at > one.at for o in cues))


def _of_reference(draft: Draft, roles: Assigned) -> Draft:
    """Return the draft without the words that say how what is sought is perturbed.

    "Whose depletion mimics EIF4E loss" says nothing of how EIF4E is lost.
    """
    first = min((one.at for one in roles.cues), default=0)
    found = [replace(item, cue=None) if at < first else item for at, item in enumerate(draft.found)]
    return replace(draft, found=found)


def _particle(after: list[Item]) -> PerturbationKind | None:
    """Return the kind that the particle of "knocking something down" says."""
    if not after or after[0].lower not in {"something", "anything", "someone", "it", "one", "them"}:
        return None
    return next((PARTICLES[item.lower] for item in after[1:] if item.lower in PARTICLES), None)


def _process(draft: Draft) -> Cue | None:
    """Return the word of "required for HBG1 silencing" that says what a gene goes through."""
    for i, item in enumerate(draft.found[2:], start=2):
        gene, ahead = draft.found[i - 1], draft.found[i - 2]
        if item.cue and item.cue.kind and gene.kind == "gene" and ahead.lower == "for":
            return item.cue
    return None


def _aim(draft: Draft) -> Cue | None:
    """Return the word of "to turn on HBG1" that says what is sought, not what is done."""
    for i, item in enumerate(draft.found[1:], start=1):
        ahead = draft.found[i - 1].lower
        names_it = ahead == "to" and (
            DONE.match(item.text) or (i > 1 and draft.found[i - 2].lower in _NAMES)
        )
        gene = draft.found[i + 1].kind == "gene" if i + 1 < len(draft.found) else False
        does = ahead in _MODALS and item.cue is not None and item.cue.form == "verb" and gene
        opens = does or (ahead in {"what", "who"} and item.cue and item.cue.form != "noun")
        if item.cue and item.cue.kind and ((ahead == "to" and not names_it) or opens):
            return item.cue
    return None


def _beside_lines(roles: Assigned, draft: Draft) -> list[Item]:
    """Return the genes that the cells lack in "what lowers LDLR in SCAP-null HepG2"."""
    found = draft.found
    lost: list[Item] = []
    for one in roles.cues:
        end = max(one.at, *one.span)
        joined = 0 < one.at - max(one.span) <= 3
        after = found[end + 1] if end + 1 < len(found) else None
        ends = after is None or after.kind in ("line", "mark") or after.lower in {"cells", "in"}
        before = [item.lower for item in found[max(0, min(one.span) - 2) : min(one.span)]]
        opens = bool(set(before) & {"in", "when", "if", "after", "upon", "of", "without", "on"})
        if one.cue.strength == 3 and joined and ends and opens:
            lost += one.genes
    return lost


def _epistasis(draft: Draft, row: IntentRow) -> Question:
    roles = Roles(draft.found).assigned()
    genes = [item for item in draft.found if item.kind == "gene"]
    acting = list(roles.perturbed) if roles.cues else []
    for i, item in enumerate(draft.found):
        if not _THROUGH.match(item.lower):
            continue
        after = [one for one in draft.found[i + 1 : i + 3] if one.kind == "gene"]
        before = [one for one in draft.found[max(0, i - 2) : i] if one.kind == "gene"]
        follows = re.fullmatch(r"through|via|requires?|needs?|depend\w*", item.lower)
        if item.lower == "dependent" and not _on(draft.found[i + 1 : i + 2]):
            follows = None
        acting += (after[:1] if follows else before[-1:]) or []
    if len({item.symbol for item in acting}) < 2:
        acting += genes[:2]
    chosen = [item for item in genes if item.symbol in {one.symbol for one in acting}]
    unique = list({item.symbol: item for item in reversed(chosen)}.values())[::-1]
    if len(unique) < 2:
        raise QuestionError(
            "The question asks how two perturbations act together but names one gene; ask for "
            "example 'Do ATF4 and HSPA5 knockdown interact for DDIT3 in K562?'"
        )
    rest = tuple(item for item in genes if item.symbol not in {one.symbol for one in unique})
    together = replace(roles, perturbed=tuple(unique), readouts=rest)
    one, notes = perturbed(together, draft)
    readouts, sets = read_out(rest)
    return Question(
        perturbation=one,
        readouts=readouts,
        readout_sets=sets,
        text=draft.text,
        assumptions=(*draft.notes, *notes, *reading_notes(draft.found, together)),
        intent="epistasis",
        asks="direction" if readouts else "what_happens",
    )


def _on(after: list[Item]) -> bool:
    """Whether "on" follows: "dependent on ATF4", but not "ATF4-dependent in K562"."""
    return bool(after) and after[0].lower in {"on", "upon"}


def _essentiality(draft: Draft, row: IntentRow) -> Question:
    genes = tuple(item for item in draft.found if item.kind == "gene")
    roles = Roles(draft.found).assigned()
    if not genes:
        return Question(
            perturbation=Perturbation(genes=(), cell_line=draft.line),
            text=draft.text,
            assumptions=tuple(draft.notes),
            intent="essentiality",
            phenotypes=("viability",),
            asks="phenotype",
        )
    who = roles.perturbed if roles.cues else genes
    if roles.cues and roles.readouts:
        return read_forward(draft)
    taken = Assigned(perturbed=who, readouts=(), cues=roles.cues)
    one, notes = perturbed(taken, draft)
    said = [note for note in notes if "was named: knockout assumed" not in note]
    asked = read_forward(draft) if roles.cues else None
    phenotypes = asked.phenotypes if asked and asked.phenotypes else ("viability",)
    return Question(
        perturbation=one,
        phenotypes=phenotypes,
        text=draft.text,
        assumptions=(*draft.notes, *said, *reading_notes(draft.found, taken)),
        intent="essentiality",
        asks="phenotype",
    )


def _planning(draft: Draft, row: IntentRow) -> Question:
    genes = [item for item in draft.found if item.kind == "gene"]
    return Question(
        perturbation=Perturbation(genes=(), cell_line=draft.line),
        readouts=members(item for item in genes if not item.candidates),
        text=draft.text,
        intent="planning",
    )


READERS: Mapping[Intent, Reader] = {
    "why": _why,
    "reverse": _reverse,
    "compare": read_compare,
    "epistasis": _epistasis,
    "essentiality": _essentiality,
    "planning": _planning,
}
