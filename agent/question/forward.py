"""Reads what happens after a perturbation: who is perturbed, how, on what background, and readouts."""

import re
from collections.abc import Iterable, Sequence

from agent.question import words as vocabulary
from agent.question.draft import EXAMPLE, MOST_PERTURBED, Draft, Unreadable
from agent.question.items import Vocabulary, unknown_gene
from agent.question.listing import listed
from agent.question.pieces import Item
from agent.question.skeleton import matches
from agent.question.words import skeleton_pattern
from agent.question.roles import Assigned, Perturbed, Roles
from knowledge.errors import QuestionError
from knowledge.schema import (
    Asks,
    Direction,
    Manner,
    NamedSet,
    Perturbation,
    PerturbationKind,
    Question,
)

# "Increase HSPA5", but not "does it increase HSPA5".
_WISH = r"(?:^|\b(?:i|we|you|to)\s+)(?:{})\b"
_WISHES: dict[PerturbationKind, re.Pattern[str]] = {
    "activation": re.compile(_WISH.format("increase|raise|elevate|enhance"), re.IGNORECASE),
    "knockdown": re.compile(_WISH.format("decrease|reduce|lower|diminish"), re.IGNORECASE),
}
_JOINTS = frozenset(["and", "&", "+", "/", ","])
_NO_GENES = vocabulary.KNOWN
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
# A gene alone is taken as lost where no more is said, and where its loss is what the words mean.
_BARE = re.compile(
    r"^(?:in l[,:]? )?g(?: gene)?[,:]?(?: (?:in )?l)?(?: cells?)?[?.!]*$|^l(?: cells?)?[:,]? g[?.!]*$|"
    r"\bwhat (?:does|would|do|will|could) g do\b|"
    r"\b(?:effects?|role|impact|consequences?|influence|importance) of g\b|"
    r"\b(?:if|when|were|without|with no|no) g\b|\bg (?:was|were|is) (?:not|n't)\b|"
    r"\bg (?:levels? )?(?:(?:drops?|falls?|decreases?|goes down)|"
    r"(?:was|were|is|are|gets?|got) (?:reduced|halved|lowered|decreased|lower))\b|"
    r"\bgenes? .*\bby g\b"
)
# Words between two genes by which one acts on the other.
_RELATES = skeleton_pattern(
    r">|\b{act}\b|\b(?:effects?|role|impact|influence|consequences?|function) (?:of|on)\b|\bdepend\w*\b|"
    r"\btargets?\b|\b(?:requires?|required|needs?|needed|links?|linked|connects?|controlled|regulated|"
    r"repressed|activated|induced|driven|silenced|explain\w*|mediates?|upstream|downstream|"
    r"if|when|no|without|do to|does to)\b"
)
# A question of fewer words than this is a label: "HSPA5 K562 DDIT3".
_TERSE = 2
MANNERS: dict[Manner, str] = {
    "partial loss": "A partial loss of {} is read as a knockdown; how much is left is not modelled.",
    "degron": "The degron of {} is read as a knockdown; it takes the protein away, not the mRNA.",
    "degradation": "The degradation of {} is read as a knockdown; its mRNA need not change.",
    "dominant negative": "A dominant negative {} is read as a knockdown of it.",
    "inhibition": "The inhibition of {} is read as a knockdown; its own mRNA need not change.",
    "constitutively active": "A constitutively active {} is read as an activation.",
}
_IN_BACKGROUND = re.compile(r"\b(?:cells?|lines?|background|setting|context|clones?)\b", re.I)


def read_forward(draft: Draft) -> Question:
    """Return a question about what a perturbation does.

    Raises:
        QuestionError: It does not say what is perturbed, or mixes what is asked one at a time.
    """
    _refuse_unread(draft.found, draft.knowledge)
    roles = Roles(draft.found).assigned()
    if not roles.perturbed:
        raise nothing_perturbed(draft.found, draft.knowledge)
    if not roles.cues:
        _refuse_bare(draft, roles)
    roles, background, lost_notes = _background(roles, draft)
    perturbation, kind_notes = perturbed(roles, draft, background)
    readouts, sets = read_out(roles.readouts)
    rest = " ".join(item.text for i, item in enumerate(draft.found) if i not in roles.words)
    asks, phenotypes = _asks(rest, readouts)
    notes = [*roles.notes, *lost_notes, *draft.notes, *kind_notes]
    return Question(
        perturbation=perturbation,
        readouts=readouts,
        readout_sets=sets,
        phenotypes=phenotypes,
        asks=asks,
        text=draft.text,
        assumptions=(*notes, *reading_notes(draft.found, roles)),
        direction=_by_loss(direction_asked(rest, draft.bones), roles) if not readouts else None,
        top=top_asked(rest),
    )


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
            told = listed(list(item.members))
            notes.append(f"{item.text} is perturbed through {told}.")
    # What the cells lack already is lost with the rest; an activation cannot carry a loss along.
    lost = tuple(background) if kind != "activation" else ()
    one = Perturbation(
        genes=tuple(dict.fromkeys((*genes[:MOST_PERTURBED], *lost))),
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


def read_out(found: Sequence[Item]) -> tuple[tuple[str, ...], tuple[NamedSet, ...]]:
    """Return the readouts, and the named sets among them."""
    sets = {
        item.symbol: NamedSet(name=item.symbol, members=item.members)
        for item in found
        if item.members
    }
    return members(found), tuple(sets.values())


def nothing_perturbed(found: list[Item], knowledge: Vocabulary) -> QuestionError:
    """Return why no gene is perturbed: none named, one misspelt, or only readouts."""
    genes = [item for item in found if item.kind == "gene"]
    if genes:
        names = listed(list(dict.fromkeys(item.symbol or item.text for item in genes)))
        return Unreadable(
            f"The question asks about {names} but does not say which gene is perturbed; add for "
            "example 'when HSPA5 is knocked out'."
        )
    for item in found:
        if item.note:
            return _english_word(item.note)
    for i, item in enumerate(found):
        if item.cue is None:
            continue
        for near in (*found[i + 1 : i + 2], *reversed(found[max(0, i - 1) : i])):
            if near.kind == "word" and near.lower not in _NO_GENES and len(near.text) > 2:
                return unknown_gene(near.text, knowledge.symbols)
    return Unreadable(f"The question names no gene; ask for example {EXAMPLE}")


def _refuse_bare(draft: Draft, roles: Assigned) -> None:
    """Refuse "What is HSPA5?": a gene alone, about which no change is asked."""
    wished = any(pattern.search(draft.plain) for pattern in _WISHES.values())
    said = any(item.cue and item.cue.strength > 1 for item in draft.found)
    others = [item for item in draft.found if item.kind == "word" and not item.described]
    terse = len(others) <= _TERSE
    related = bool(roles.readouts) and (terse or _RELATES.search(draft.bones) is not None)
    if not (related or wished or said or _BARE.search(draft.bones)):
        gene = listed([item.symbol for item in roles.perturbed])
        raise Unreadable(
            f"The question asks about {gene} but not what changing it does; ask for example 'Knock "
            f"out {gene} in {draft.line}: which genes change?'"
        )


def _refuse_unread(found: list[Item], knowledge: Vocabulary) -> None:
    """Refuse "knock out foo and HSPA5" rather than knock out HSPA5 alone."""
    for i, item in enumerate(found):
        j = i + 1 + (found[i + 1 : i + 2] != [] and found[i + 1].lower == "of")
        group = found[j : j + 3]
        if item.cue is None or item.cue.form not in ("verb", "noun") or len(group) < 3:
            continue
        word, joint, gene = group
        if word.kind != "word" or gene.kind != "gene" or joint.lower not in _JOINTS:
            continue
        if word.note:
            raise _english_word(word.note)
        if word.lower not in vocabulary.KNOWN and not word.described:
            raise unknown_gene(word.text, knowledge.symbols)
    for i, item in enumerate(found[2:], start=2):
        after = found[i + 1] if i + 1 < len(found) else None
        ends = after is None or after.kind in ("mark", "line") or after.lower == "in"
        joined = found[i - 1].lower in _JOINTS - {","} and found[i - 2].kind == "gene"
        if item.kind == "word" and joined and ends and item.note:
            raise _english_word(item.note)


def _english_word(word: str) -> QuestionError:
    return QuestionError(
        f"'{word}' was read as an English word; if you mean the gene, write gene:{word.upper()}."
    )


def _background(roles: Assigned, draft: Draft) -> tuple[Assigned, list[str], list[str]]:
    """Return the roles without what only describes the cells, the genes lost there, and notes.

    "p53-null K562" beside another perturbation is a lesion of the line, "MDM2 knockdown in ATF4
    knockout K562" and "in the absence of NRF2" make one for this question.
    """
    cell = draft.knowledge.cell_lines.ground(draft.line)
    others = [one for one in roles.cues if not _describes_cells(one, draft.found)]
    described = [one for one in roles.cues if _describes_cells(one, draft.found)]
    kept_genes = {item.symbol for one in others for item in one.genes}
    described = [one for one in described if not kept_genes & {i.symbol for i in one.genes}]
    known = {
        item.symbol
        for one in roles.cues
        if one.cue.form == "mark"
        for item in one.genes
        if cell.lesion(item.symbol) is not None
    }
    done = {item.symbol for one in roles.cues if one.cue.form != "mark" for item in one.genes}
    known -= done
    if known and done:
        rest = [one for one in roles.cues if not {i.symbol for i in one.genes} <= known]
        kept = Assigned(
            perturbed=tuple(item for item in roles.perturbed if item.symbol not in known),
            readouts=roles.readouts,
            cues=tuple(rest),
            notes=(*roles.notes, f"The loss of {listed(sorted(known))} is a lesion of {draft.line}."),
        )
        return _background(kept, draft)
    if not described or not any(one.cue.form != "mark" for one in others):
        return roles, [], []
    gained = [one for one in described if one.cue.kind == "activation"]
    if gained:
        raise QuestionError(
            f"Cells that overexpress {listed(members(gained[0].genes))} cannot be the background of "
            "another perturbation yet; ask about a line that lacks a gene, or about one of the two."
        )
    lost = members(item for one in described for item in one.genes)
    note = (
        f"The cells lack {listed(lost)} already: answered as losing all of it, against {draft.line} "
        "as it is."
    )
    kept = Assigned(
        perturbed=tuple(item for one in others for item in one.genes),
        readouts=tuple(item for item in roles.readouts if item.symbol not in lost),
        cues=tuple(others),
        notes=roles.notes,
    )
    return kept, list(lost), [note]


def _describes_cells(one: Perturbed, found: list[Item]) -> bool:
    """Whether a perturbation word describes the cells: "TP53-null RPE1", "in the absence of NRF2"."""
    end = max(one.at, *one.span)
    after = found[end + 1] if end + 1 < len(found) else None
    if one.cue.form in ("mark", "noun", "participle") and one.at == end and after is not None:
        if after.kind == "line" or (after.kind == "word" and _IN_BACKGROUND.fullmatch(after.text)):
            start = min(one.span)
            before = [item.lower for item in found[max(0, start - 3) : start]]
            return one.cue.form == "mark" or not before or before[-1] in {"in", "of", "on", "a", "an", "the", "using", "within"}
    before = [item.lower for item in found[max(0, one.at - 3) : one.at]]
    if found[one.at].lower in {"absence", "background"} and {"in", "the"} <= set(before):
        return True
    return found[one.at].lower in {"lacking", "without", "lack"} and bool(
        before and (_IN_BACKGROUND.fullmatch(before[-1]) or before[-1] in {"that", "which", "in"} or found[one.at - 1].kind == "line")
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
    # "Loss of A by siRNA": another word tells the kind.
    told = [i.cue.kind for i in draft.found if i.cue and i.cue.kind and i.cue.strength == 3]
    if roles.cues:
        unnamed = "The kind of perturbation was not named: knockout assumed."
        return (told[0], []) if told else ("knockout", [unnamed])
    for said, pattern in _WISHES.items():
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
            abs(i - at) <= 3 and (one.cue.kind == "activation" or one.cue.kind is None)
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


def _asks(text: str, readouts: tuple[str, ...]) -> tuple[Asks, tuple[str, ...]]:
    named = tuple(
        name for name, words in vocabulary.PHENOTYPES.items() if re.search(words, text, re.I)
    )
    if vocabulary.ASKS_PHENOTYPE.search(text):
        return "phenotype", named
    if vocabulary.ASKS_HOW_MANY.search(text):
        return "how_many", ()
    if vocabulary.ASKS_WHY.search(text):
        return "why", named
    if vocabulary.ASKS_WHICH.search(text):
        return "which_genes", ()
    if readouts and vocabulary.ASKS_DIRECTION.search(text):
        return "direction", named
    if named and not readouts:
        return "phenotype", named
    return "what_happens", named


def _by_loss(direction: Direction | None, roles: Assigned) -> Direction | None:
    """Return which way genes go at a loss: those "repressed by BCL11A" go up without it."""
    if roles.cues or direction is None:
        return direction
    return "down" if direction == "up" else "up"


def direction_asked(text: str, bones: str) -> Direction | None:
    """Return which way the genes go that a question asks for: "which go up", "does A KO lower"."""
    made = re.search(r"\b(?:which|what) (?:[a-z-]+ )?(?:genes?|transcripts?).*\b(?:k g|g k)\b", bones)
    after = bones[made.end() :] if made else ""
    up = vocabulary.ASKS_UP.search(text) or matches("up", after)
    down = vocabulary.ASKS_DOWN.search(text) or matches("down", after)
    if bool(up) == bool(down):
        return None
    return "up" if up else "down"


def top_asked(text: str) -> int | None:
    """Return how many genes a question asks for."""
    match = vocabulary.ASKS_TOP.search(text)
    return int(match[1] or match[2]) if match else None


def reading_notes(found: list[Item], roles: Assigned) -> list[str]:
    """Return what to tell about names that were not written as the symbol, or not as genes."""
    notes = [item.note for item in found if item.kind == "gene" and item.note]
    used = {item.text for item in (*roles.perturbed, *roles.readouts)}
    for item in found:
        if item.kind == "word" and item.note and item.text not in used and item.text.isupper():
            notes.append(
                f"{item.text} was read as an English word; write gene:{item.note.upper()} for the "
                "gene."
            )
    for item in roles.readouts:
        if item.members:
            notes.append(f"{item.text} is read out as {listed(item.members)}.")
    return notes


def _unique(words: list[str]) -> list[str]:
    return list(dict.fromkeys(words))
