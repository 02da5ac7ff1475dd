"""Reads drugs: where a question names them, what they begin with, and which drugs are sought."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from agent.question import words as vocabulary
from agent.question.draft import MOST_PERTURBED, Draft
from agent.question.forward import (
    direction_asked,
    forward_asks,
    read_out,
    reading_notes,
    top_asked,
)
from agent.question.kinds import perturbed
from agent.question.listing import listed
from agent.question.pieces import Item
from agent.question.roles import Roles
from agent.question.words import IntentRow
from knowledge.drugs import Drugs, UnknownDrug, given, plain_name, squashed
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation, Question
from knowledge.symbols import SymbolTable

GIVEN = (
    "No screen looked at cells under {}: directions follow from the built-in pathways alone, a "
    "hypothesis without a calibrated number."
)
# Names of table drugs shorter than this are words of other things too.
LEAST_LETTERS = 5
LONGEST_NAME = 6
_RUN = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[ \-'’.,()\[\]+]{0,3}")
_DOSE = re.compile(
    r"(?:\b(?:at|of|with|a|the)\s+)*(?<![\w.])\d+(?:[.,]\d+)?\s?"
    r"(?:[μµunmp]M|(?:[μµunm]g|U|IU)/m[lL]|nanomolar|micromolar|millimolar)\b"
    r"(?:\s+(?:dose|of)\b)?"
)
# What makes a compound's name a part of another: "estrogen receptor", "serine synthesis".
_PART_OF = re.compile(
    r"\s*-?\s*(?:receptors?|(?:bio)?synthes\w+|synthases?|synthetases?|metaboli\w+|catabolism|"
    r"transport\w*|uptake|oxidation|import\w*|export\w*|starv\w*|depriv\w*|withdrawal|"
    r"deplet\w*|homeostasis|sens(?:ing|ors?)|pathways?|cycle|elements?|binding|signal?ling|"
    r"\w+(?:kinase|reductase|hydroxylase|deaminase|dehydrogenase|oxidase|transferase)|kinases?)\b",
    re.IGNORECASE,
)
_TREATED = re.compile(
    r"\b(?:treat\w*|expos\w*|given|under|presence|incubat\w*|with|adding|added|plus)\b|\+", re.I
)
_TREATS = re.compile(
    r"treat\w*|expos\w+|giv(?:e|en|ing)|add(?:ed|ing|ition)?|incubat\w+|stimulat\w+|drugs?|"
    r"compounds?|small|molecules?|inhibitors?|antagonists?|agonists?|degraders?|activators?|"
    r"modulators?|dmso|vehicle|dos(?:e|es|ed|ing|age)|challeng\w+|appl(?:y|ied|ication)|"
    r"administ\w+|cells?|response|low|high|chemotherap\w+|protacs?|acute|chronic|long-term|"
    r"short-term|blockers?|chelators?",
    re.IGNORECASE,
)
_KIND_OF = re.compile(
    r"inhibitors?|antagonists?|agonists?|degraders?|activators?|modulators?|blockers?|protacs?",
    re.IGNORECASE,
)
SOUGHT = re.compile(
    r"\b(?:which|what|any|some|find|list|name|show|suggest|are there(?: any)?|is there an?)"
    r"(?:\s+(?:\w+\s+)?)(?:drugs?|compounds?|small[ -]molecules?|inhibitors?|agents?|agonists?)\b"
    r"|^(?:drugs?|compounds?|small[ -]molecules?)\b",
    re.IGNORECASE,
)


class Mention(NamedTuple):
    """A drug in a text: where it stands, its name, and what to tell about how it was read."""

    start: int
    end: int
    name: str
    note: str


def without_doses(text: str) -> tuple[str, list[str]]:
    """Return the text without its doses, and what to tell about them."""
    if match := _DOSE.search(text):
        plain = " ".join(_DOSE.sub(" ", text).split())
        return plain, [f"The dose ({match[0].strip()}) is not modelled."]
    return text, []


def mentions(text: str, drugs: Drugs, symbols: SymbolTable) -> list[Mention]:
    """Return the drugs that a text names, in order; a class by its best-known drug.

    Args:
        text: The cleaned question.
        drugs: The drugs that are known.
        symbols: A word that is a gene's approved symbol is that gene.
    """
    runs = list(_RUN.finditer(text))
    done = any(cue.strength == 3 for cue in _cues(text))
    sure = not done or _TREATED.search(text) is not None
    found: list[Mention] = []
    at = 0
    while at < len(runs):
        hit = _longest(text, runs, at, drugs, symbols)
        if hit is None:
            at += 1
            continue
        mention, taken = hit
        at += taken
        # Tables know every amino acid and hormone as a drug; beside a knockout it describes.
        known = sure or drugs.curated(mention.name)
        if known and not _PART_OF.match(text, mention.end):
            found.append(mention)
    return found


def _cues(text: str) -> Iterator[vocabulary.Cue]:
    """Iterate over the perturbation words of a text."""
    for match in re.finditer(r"\b\w", text):
        if cue := vocabulary.cue_at(text, match.start()):
            yield cue[1]


def _longest(
    text: str, runs: Sequence[re.Match[str]], at: int, drugs: Drugs, symbols: SymbolTable
) -> tuple[Mention, int] | None:
    start = runs[at].start()
    if start and text[start - 1] in "-_'" and text[:start][-2:-1].isalnum():
        return None
    for length in range(min(LONGEST_NAME, len(runs) - at), 0, -1):
        group = runs[at : at + length]
        gaps = (text[a.end() : b.start()] for a, b in pairwise(group))
        if not all(_BETWEEN.fullmatch(gap) for gap in gaps):
            continue
        end = group[-1].end()
        if text[end : end + 1] == "-" and text[end + 1 : end + 2].isalnum():
            continue
        word = text[start:end]
        if any(", " in text[a.end() : b.start()] for a, b in pairwise(group)):
            continue
        if named := _named(word, drugs, symbols):
            return Mention(start, end, *named), length
    return None


def _named(word: str, drugs: Drugs, symbols: SymbolTable) -> tuple[str, str] | None:
    """Return the drug that words name, and what to tell about it."""
    key = squashed(word)
    if len(key) < 3 or word in symbols:
        return None
    name = drugs.exact(word) or (drugs.exact(plain_name(word)) if " " in word else None)
    if name is None:
        members = drugs.members(word) if word.islower() or word.isupper() else ()
        if members and drugs.spelt_class(word):
            return members[
                0
            ], f"{word} is read as {members[0]}, one of {len(members)} of its class."
        return None
    if not drugs.curated(name):
        lower = word.lower()
        claimed = symbols.claimed(word) or vocabulary.inflected(lower)
        if len(key) < LEAST_LETTERS or claimed or lower in vocabulary.KNOWN:
            return None
    elif word.lower() in vocabulary.KNOWN - vocabulary.ABBREVIATIONS:
        return None
    told = "" if squashed(name) == key else f"{word} is read as {name}."
    return name, told


def as_words(found: list[Item]) -> list[Item]:
    """Return the pieces with drugs, what treats with them and what describes them as mere words.

    "the MEK inhibitor trametinib" perturbs no MEK beside it.
    """
    out = list(found)
    at = [i for i, item in enumerate(found) if item.kind == "drug"]
    for i in at:
        for span in (_before(found, i), _after(found, i)):
            for j in span:
                out[j] = _word(found[j])
    for i, item in enumerate(out):
        if (
            item.kind == "drug"
            or _TREATS.fullmatch(item.text)
            or (
                # "does imatinib inhibit MYC": the drug does it, to a readout.
                item.cue
                and item.cue.strength < 3
                and item.cue.form in ("verb", "participle")
                and any(one.kind == "drug" for one in found[max(0, i - 3) : i])
            )
        ):
            out[i] = _word(item)
    return out


def _word(item: Item) -> Item:
    return replace(
        item, kind="word", note="", cue=None, members=(), named=None, candidates=(), described=True
    )


def _before(found: list[Item], i: int) -> range:
    """Return the places of "MEK inhibitor" before a drug."""
    j = i - 1
    while j >= 0 and found[j].text in "(,":
        j -= 1
    if j < 0 or not _KIND_OF.fullmatch(found[j].text):
        return range(0)
    k = j - 1
    while k >= 0 and found[k].kind == "gene":
        k -= 1
    return range(k + 1, j + 1)


def _after(found: list[Item], i: int) -> range:
    """Return the places of ", a MEK inhibitor," after a drug."""
    j = i + 1
    while j < len(found) and (found[j].text in "(," or found[j].lower in ("a", "an", "the")):
        j += 1
    k = j
    while k < len(found) and found[k].kind == "gene":
        k += 1
    if k > j and k < len(found) and _KIND_OF.fullmatch(found[k].text):
        return range(j, k + 1)
    return range(0)


def read_drugs(draft: Draft, kind: IntentRow | None, names: Sequence[str]) -> Question:
    """Return a question about drugs and no other perturbation, or one beside them.

    Args:
        draft: The question; drugs are mere words in its pieces.
        kind: The kind of question, by its skeleton.
        names: The drugs that it names.

    Raises:
        QuestionError: The kind of question has no answer for drugs, or a drug begins nowhere.
    """
    drugs = draft.knowledge.drugs
    intent = kind.intent if kind is not None else "forward"
    roles = Roles(draft.found).assigned()
    beside = roles.perturbed if roles.cues else ()
    notes = list(draft.notes)
    readouts, sets = read_out(roles.readouts if beside else _genes(draft.found))
    if intent == "compare":
        return _compared(draft, names, notes)
    if intent == "reverse" and kind is not None and kind.seeks in ("phenocopies", "rescuers"):
        return Question(
            perturbation=Perturbation(genes=(), kind="knockdown", cell_line=draft.line),
            against=(given(names, drugs, draft.line),),
            text=draft.text,
            assumptions=tuple(notes),
            intent="reverse",
            seeks=kind.seeks,
        )
    if intent not in ("forward", "why") or beside:
        raise QuestionError(
            "Of drugs only what they do, why, how two compare and what is like one is answered; "
            f"ask for example 'What does {names[0]} do in {draft.line}?'"
        )
    rest = " ".join(item.text for item in draft.found)
    asks, phenotypes = forward_asks(rest, readouts)
    return Question(
        perturbation=given(names, drugs, draft.line),
        readouts=readouts,
        readout_sets=sets,
        phenotypes=phenotypes,
        asks=asks,
        text=draft.text,
        assumptions=(*notes, *reading_notes(draft.found, roles)),
        intent="why" if intent == "why" else "forward",
        direction=None if readouts else direction_asked(rest, draft.bones),
        top=top_asked(rest),
    )


def _genes(found: Iterable[Item]) -> list[Item]:
    return [item for item in found if item.kind == "gene"]


def _compared(draft: Draft, names: Sequence[str], notes: list[str]) -> Question:
    """Return drugs side by side, or one beside the perturbation of genes."""
    drugs = draft.knowledge.drugs
    roles = Roles(draft.found).assigned()
    sides = [given((name,), drugs, line) for name in names for line in draft.lines]
    readouts = _genes(draft.found)
    if roles.cues:
        one, more = perturbed(roles, draft)
        sides.append(one)
        notes += more
        readouts = list(roles.readouts)
    if len(sides) < 2:
        raise QuestionError(
            "The question compares but names one drug; ask for example 'Compare bortezomib and "
            "carfilzomib in K562: HSPA1A'."
        )
    if len(sides) > MOST_PERTURBED:
        raise QuestionError(
            f"The question compares {len(sides)} perturbations; name at most {MOST_PERTURBED}."
        )
    found, sets = read_out(readouts)
    return Question(
        perturbation=sides[0],
        against=tuple(sides[1:]),
        readouts=found,
        readout_sets=sets,
        text=draft.text,
        assumptions=tuple(notes),
        intent="compare",
        asks="direction" if found else "what_happens",
    )


def under_drugs(question: Question, names: Sequence[str], drugs: Drugs) -> Question:
    """Return the question of a perturbation in cells that are given drugs.

    Raises:
        QuestionError: The kind of question has no answer there, or a drug begins nowhere.
    """
    if question.intent not in ("forward", "why") or question.perturbation.conditional:
        raise QuestionError(
            f"Only what a perturbation does is followed in cells under {listed(names)}; ask that, "
            "or leave the drug out."
        )
    given(names, drugs, question.perturbation.cell_line)
    one = question.perturbation.model_copy(update={"drugs": tuple(names)})
    notes = (*question.assumptions, GIVEN.format(listed(names)))
    return question.model_copy(update={"perturbation": one, "assumptions": notes})


def drugs_sought(text: str) -> str:
    """Return the text with the drugs that it seeks as knockdowns; empty where it seeks none."""
    match = SOUGHT.search(text)
    if match is None:
        return ""
    return f"{text[: match.start()]}which knockdowns{text[match.end() :]}"


def seeking_drugs(question: Question, text: str) -> Question:
    """Return a search for knockdowns as one for drugs.

    Raises:
        QuestionError: It is no search.
    """
    if question.intent != "reverse":
        raise QuestionError(
            "The question asks about drugs but names none; name one, or ask for example 'Which "
            "drugs would lower MYC in K562?'"
        )
    one = question.perturbation.model_copy(update={"manner": "drug", "kind": "knockdown"})
    notes = [note for note in question.assumptions if "knockout assumed" not in note]
    return question.model_copy(
        update={
            "perturbation": one,
            "text": text,
            "asks": "what_happens",
            "assumptions": (*notes, "Drugs are sought through their targets."),
        }
    )


def refuse_unnamed(text: str, drugs: Drugs) -> None:
    """Refuse a treatment with something that is no drug that is known.

    Raises:
        QuestionError: There is one; says which drug it may be.
    """
    for word in re.findall(r"[\w-]+", text):
        plain = word.lower()
        if plain in vocabulary.KNOWN or not vocabulary.DRUG_SUFFIX.fullmatch(plain):
            continue
        raise UnknownDrug(word, drugs.nearest(word))
    if match := vocabulary.TREATMENT.search(text):
        after = re.match(r"\s*(?:the |an? )?([\w-]+)", text[match.end() :])
        for word in filter(None, [after[1] if after else ""]):
            drugs.refuse(word)
        raise QuestionError(
            f"'{match[0].strip()}' tells a treatment, but with no drug or stimulus that is known "
            "here; name one, such as bortezomib, or ask for the knockdown of its target."
        )


def not_drugs(text: str, drugs: Drugs) -> None:
    """Refuse a vehicle, a nutrient or a misspelt drug where a question names no perturbation.

    Raises:
        QuestionError: There is one; says what it is.
    """
    for match in re.finditer(r"\b(?:vitamin \w+|folic acid|ascorbic acid|[\w-]+)", text):
        drugs.refuse(match[0])
    for word in re.findall(r"[a-zA-Z][a-z-]{6,}\d*", text):
        lower = word.lower()
        known = lower in vocabulary.KNOWN or vocabulary.inflected(lower)
        if not known and (near := drugs.nearest(word, least=0.8)):
            raise UnknownDrug(word, near)
