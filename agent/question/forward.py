"""Reads what happens after a perturbation: who is perturbed, how, in which cells, and readouts."""

import re
from collections.abc import Sequence
from dataclasses import replace

from agent.question import words as vocabulary
from agent.question.assigned import Assigned
from agent.question.backgrounds import background
from agent.question.draft import EXAMPLE, Draft, Unreadable
from agent.question.items import Vocabulary, unknown_gene
from agent.question.kinds import WISHES, members, perturbed
from agent.question.listing import listed
from agent.question.pieces import Item
from agent.question.roles import Roles
from agent.question.skeleton import matches
from agent.question.words import skeleton_pattern
from knowledge.errors import QuestionError
from knowledge.schema import Asks, Direction, NamedSet, Question

_JOINTS = frozenset(["and", "&", "+", "/", ","])
_NO_GENES = vocabulary.KNOWN
# A gene alone is taken as lost where no more is said, and where its loss is what the words mean.
_BARE = re.compile(
    r"^(?:in l[,:]? )?g(?: gene)?[,:]?(?: (?:in )?l)?(?: cells?)?[?.!]*$|"
    r"^l(?: cells?)?[:,]? g[?.!]*$|"
    r"\bwhat (?:does|would|do|will|could) g do\b|"
    r"\b(?:effects?|role|impact|consequences?|influence|importance) of g\b|"
    r"\b(?:if|when|were|without|with no|no) g\b|\bg (?:was|were|is) (?:not|n't)\b|"
    r"\bg (?:levels? )?(?:(?:drops?|falls?|decreases?|goes down)|"
    r"(?:was|were|is|are|gets?|got) (?:reduced|halved|lowered|decreased|lower))\b|"
    r"\bgenes? .*\bby g\b"
)
# Words between two genes by which one acts on the other.
_RELATES = skeleton_pattern(
    r">|\b{act}\b|\b(?:acts?|impinges?) (?:up)?on\b|\bfrom g to g\b|\b(?:effects?|role|impact|"
    r"influence|consequences?|function) (?:of|on)\b|"
    r"\bdepend\w*\b|"
    r"\btargets?\b|"
    r"\b(?:requires?|required|needs?|needed|links?|linked|connect\w*|relat\w*|controlled|regulated|"
    r"repressed|activated|induced|driven|silenced|explain\w*|mediates?|upstream|downstream|"
    r"if|when|no|without|do to|does to)\b"
)
_WANTING = frozenset(["lacking", "lacks", "without", "missing", "losing"])
# A question of fewer words than this is a label: "HSPA5 K562 DDIT3".
_TERSE = 2


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
        _refuse_unattached(draft)
        _refuse_bare(draft, roles)
    roles = _with_last_read_out(draft, roles)
    roles, lost, lost_notes = background(roles, draft)
    perturbation, kind_notes = perturbed(roles, draft, lost)
    readouts, sets = read_out(roles.readouts)
    rest = " ".join(item.text for i, item in enumerate(draft.found) if i not in roles.words)
    asks, phenotypes = forward_asks(rest, readouts)
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
    wished = any(pattern.search(draft.plain) for pattern in WISHES.values())
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


def _refuse_unattached(draft: Draft) -> None:
    """Refuse "how is HBG1 by lacking": something is lost, but not said to be what gene."""
    for i, item in enumerate(draft.found):
        if item.cue and item.cue.form == "noun" and item.cue.strength == 3:
            _refuse_no_gene(item, draft.found[i + 1 :])
        if item.cue and item.lower in _WANTING:
            raise Unreadable(
                f"'{item.text}' says a perturbation, but not of which gene; ask for example "
                f"{EXAMPLE}"
            )


def _refuse_no_gene(cue: Item, after: Sequence[Item]) -> None:
    """Refuse "knockout of the widget: ASNS", where what is perturbed is no gene."""
    if not after or after[0].lower != "of":
        return
    for item in after[1:5]:
        if item.kind in ("gene", "line") or item.kind == "mark" or item.lower in vocabulary.AHEAD:
            return
        if item.kind == "word" and item.lower not in vocabulary.BESIDE | {"which", "what"}:
            raise Unreadable(
                f"'{cue.text} of {item.text}' names no gene or set that is known; ask for example "
                f"{EXAMPLE}"
            )


def _with_last_read_out(draft: Draft, roles: Assigned) -> Assigned:
    """Return the roles with the last of "Jurkat with deletion of CD45, IL2" read out.

    Two genes with only a comma between them, at the end of a question that reads out no other,
    where the first says what cells these are.
    """
    if roles.readouts or len(roles.cues) != 1 or len(roles.perturbed) != 2:
        return roles
    (one,) = roles.cues
    if len(one.span) != 2:
        return roles
    first, last = one.span
    between = [item.text for item in draft.found[first + 1 : last]]
    rest = [item for item in draft.found[last + 1 :] if item.kind != "mark"]
    ahead = one.at > 0 and draft.found[one.at - 1].lower == "with"
    if between != [","] or rest or last < one.at or not ahead:
        return roles
    kept, read = one.genes
    cue = replace(one, span=(first,), genes=(kept,))
    note = f"{read.text} is taken as the readout; write '{kept.text} and {read.text}' to lose both."
    return Assigned((kept,), (read,), (cue,), (*roles.notes, note))


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


def forward_asks(text: str, readouts: tuple[str, ...]) -> tuple[Asks, tuple[str, ...]]:
    """Return what of an effect is asked, and the phenotypes that the words name."""
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
    made = re.search(
        r"\b(?:which|what) (?:[a-z-]+ )?(?:genes?|transcripts?).*\b(?:k g|g k)\b", bones
    )
    after = bones[made.end() :] if made else ""
    up = vocabulary.ASKS_UP.search(text) or matches("up", after)
    down = vocabulary.ASKS_DOWN.search(text) or matches("down", after)
    if bool(up) == bool(down):
        return None
    return "up" if up else "down"


def top_asked(text: str) -> int | None:
    """Return how many genes a question asks for."""
    match = vocabulary.ASKS_TOP.search(text)
    if match is None:
        return None
    number = match[1] or match[2]
    return int(number) if number.isdigit() else vocabulary.NUMBER_WORDS[number.lower()]


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
