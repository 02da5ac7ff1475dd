"""Says how genes are perturbed: the kind, the manner, and what had to be assumed about both."""

import re
from collections.abc import Iterable, Sequence

from agent.question.assigned import Assigned
from agent.question.draft import MOST_PERTURBED, Draft
from agent.question.listing import listed
from agent.question.pieces import Item
from knowledge.errors import QuestionError
from knowledge.schema import Manner, Perturbation, PerturbationKind

# "Increase HSPA5", but not "does it increase HSPA5".
_WISH = r"(?:^|\b(?:i|we|you|to)\s+)(?:{})\b"
WISHES: dict[PerturbationKind, re.Pattern[str]] = {
    "activation": re.compile(_WISH.format("increase|raise|elevate|enhance"), re.IGNORECASE),
    "knockdown": re.compile(_WISH.format("decrease|reduce|lower|diminish"), re.IGNORECASE),
}
# Says that a gene is changed, not that it is lost.
_MUTANT = re.compile(r"mutants?|mutations?|mutated|variants?", re.IGNORECASE)
_LOSS = re.compile(
    r"loss(?:[ -]of[ -]function)?|absence|lack|lof|without|lacking|deficien\w+", re.I
)
# What a line was made to do: "K562 dCas9-KRAB", "RPE1-Cas9".
_MADE_FOR: dict[PerturbationKind, re.Pattern[str]] = {
    "activation": re.compile(r"crispr ?a|vpr|vp64|suntag|\bsam\b", re.IGNORECASE),
    "knockdown": re.compile(r"krab|crispr ?i|zim3|dcas9", re.IGNORECASE),
    "knockout": re.compile(r"cas9", re.IGNORECASE),
}
_DONE = {"knockout": "knocked out", "knockdown": "knocked down", "activation": "activated"}
_PARTIAL = re.compile(
    r"\b(?:by|to|at)\s+(?:about\s+|some\s+|around\s+|~\s?)?(\d{1,2})\s?(?:%|per ?cent)|"
    r"\b(\d{1,2})\s?%\s+(?:loss|knock\w*|reduction|depletion|less|lower|of)|"
    r"\b(half|halved|partial(?:ly)?|heterozygous|one (?:copy|allele)|hypomorph\w*)\b",
    re.IGNORECASE,
)
_FALLS = re.compile(
    r"\b(?:drops?|dropped|falls?|fell|reduced?|halved|lowered|decreased?|down)\b", re.IGNORECASE
)
MANNERS: dict[Manner, str] = {
    "partial loss": "A partial loss of {} is read as a knockdown; its size is not modelled.",
    "degron": "The degron of {} is read as a knockdown; it takes the protein away, not the mRNA.",
    "degradation": "The degradation of {} is read as a knockdown; its mRNA need not change.",
    "dominant negative": "A dominant negative {} is read as a knockdown of it.",
    "inhibition": "The inhibition of {} is read as a knockdown; its own mRNA need not change.",
    "constitutively active": "A constitutively active {} is read as an activation.",
}


def perturbed(
    roles: Assigned, draft: Draft, background: Sequence[str] = ()
) -> tuple[Perturbation, list[str]]:
    """Return what the roles say is done to the cell, and what to tell about it.

    Raises:
        QuestionError: Too many genes, several kinds at once, or a mutation of no known effect.
    """
    genes = members(roles.perturbed)
    named = tuple(dict.fromkeys(item.symbol for item in roles.perturbed if item.members))
    if len(genes) > MOST_PERTURBED and not named:
        raise QuestionError(
            f"The question perturbs {len(genes)} genes at once; name at most {MOST_PERTURBED}."
        )
    kind, notes = _kind(roles, draft)
    manner = _manner(roles, draft, kind)
    if manner == "partial loss" and kind == "knockout":
        kind, notes = "knockdown", []
    if manner in MANNERS:
        notes.append(MANNERS[manner].format(listed(named or genes)))
    notes += _mutations(draft, roles)
    for item in roles.perturbed:
        if item.members:
            told = listed([gene for gene in item.members if gene in genes[:MOST_PERTURBED]])
            notes.append(f"{item.text} is perturbed through {told}.")
    one = Perturbation(
        genes=genes[:MOST_PERTURBED],
        kind=kind,
        cell_line=draft.line,
        background=tuple(background),
        manner=manner,
        named=named,
    )
    return one, notes


def members(found: Iterable[Item]) -> tuple[str, ...]:
    """Return the symbols once each, in order, sets by their members.

    Raises:
        QuestionError: A name stands for several genes.
    """
    found = list(found)
    symbols = {symbol for item in found for symbol in (item.members or (item.symbol,))}
    for item in found:
        if item.candidates and not symbols.intersection(item.candidates):
            raise QuestionError(
                f"'{item.text}' may mean {listed(item.candidates, 'or')}; write the symbol of the "
                "one you mean."
            )
    return tuple(
        dict.fromkeys(
            symbol for item in found for symbol in (item.members or (item.symbol,)) if symbol
        )
    )


def _kind(roles: Assigned, draft: Draft) -> tuple[PerturbationKind, list[str]]:
    """Return the kind of perturbation, with the assumption behind it.

    Raises:
        QuestionError: Several kinds are asked about at once.
    """
    kinds: dict[PerturbationKind, list[str]] = {}
    for one in roles.cues:
        if one.cue.kind is not None:
            kinds.setdefault(one.cue.kind, []).extend(members(one.genes))
    if "activation" in kinds and len(roles.cues) > 1:
        for one in roles.cues:
            if (
                one.cue.kind is None
                and one.cue.strength == 3
                and _LOSS.fullmatch(draft.found[one.at].text)
            ):
                kinds.setdefault("knockout", []).extend(members(one.genes))
    if len(kinds) > 1:
        named = {tuple(sorted(set(genes))) for genes in kinds.values()}
        if len(named) > 1:
            said = listed([f"{listed(_unique(g))} {_DONE[kind]}" for kind, g in kinds.items()])
            raise QuestionError(
                f"The question mixes kinds of perturbation ({said}); ask one question for each."
            )
        kind = next(kind for kind in ("activation", "knockdown", "knockout") if kind in kinds)
        return kind, [f"Read as {'an' if kind == 'activation' else 'a'} {kind}."]
    genes = listed([item.symbol or item.text for item in roles.perturbed])
    for kind in kinds:
        return kind, []
    for item in draft.found:
        for kind, made in _MADE_FOR.items():
            if item.kind == "line" and made.search(item.text):
                return kind, [f"{item.text} cells are made for a {kind}."]
    # "Loss of A by siRNA": another word tells the kind.
    told = [i.cue.kind for i in draft.found if i.cue and i.cue.kind and i.cue.strength == 3]
    if roles.cues:
        unnamed = "The kind of perturbation was not named: knockout assumed."
        return (told[0], []) if told else ("knockout", [unnamed])
    for said, pattern in WISHES.items():
        if pattern.search(draft.plain):
            return said, [f"Read as {'an' if said == 'activation' else 'a'} {said} of {genes}."]
    if told:
        return told[0], []
    return "knockout", [f"No perturbation of {genes} was named: knockout assumed."]


def _manner(roles: Assigned, draft: Draft, kind: PerturbationKind) -> Manner:
    for one in roles.cues:
        if one.cue.manner:
            return one.cue.manner
    near = [i.cue.manner for i in draft.found if i.cue and i.cue.manner and i.cue.kind == kind]
    if near and roles.cues:
        return near[0]
    partial = _PARTIAL.search(draft.plain)
    if partial and kind != "activation":
        lost = any(one.cue.kind != "activation" for one in roles.cues)
        if lost or _FALLS.search(draft.plain):
            return "partial loss"
    return ""


def _mutations(draft: Draft, roles: Assigned) -> list[str]:
    notes = []
    for i, item in enumerate(draft.found):
        if item.kind != "mutation":
            continue
        said = any(
            abs(i - at) <= 3
            and (one.cue.kind == "activation" or one.cue.kind is None)
            and not _MUTANT.fullmatch(draft.found[one.at].text)
            for one in roles.cues
            for at in one.span
        )
        if not said:
            raise QuestionError(
                f"Point mutations such as '{item.text}' are not handled yet; ask for the knockout, "
                "knockdown or activation of the gene."
            )
        kind = next((one.cue.kind for one in roles.cues if one.cue.kind), "knockout")
        notes.append(f"{item.text} is read as {'an' if kind == 'activation' else 'a'} {kind} only.")
    return notes


def _unique(words: list[str]) -> list[str]:
    return list(dict.fromkeys(words))
