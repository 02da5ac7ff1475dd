"""Reads a biologist's question by rules: what is perturbed, where, and which readouts are meant."""

import re

from agent.question import words as vocabulary
from agent.question.items import Unreadable, Vocabulary, items, unknown_gene
from agent.question.pieces import Item, cleaned
from agent.question.roles import Assigned, Roles
from knowledge.errors import QuestionError
from knowledge.schema import Asks, Perturbation, PerturbationKind, Question

LONGEST_QUESTION = 2_000
MOST_PERTURBED = 5

EXAMPLE = "'Knock down HSPA5 in K562: what happens to DDIT3?'"
_COMPARES = re.compile(r"\b(?:versus|vs|compar\w+|difference|rather than|or)\b", re.IGNORECASE)
# "Increase HSPA5", but not "does it increase HSPA5".
_WISH = r"(?:^|\b(?:i|we|you|to)\s+)(?:{})\b"
_WISHES: dict[PerturbationKind, re.Pattern[str]] = {
    "activation": re.compile(_WISH.format("increase|raise|elevate|enhance"), re.IGNORECASE),
    "knockdown": re.compile(_WISH.format("decrease|reduce|lower|diminish"), re.IGNORECASE),
}
_JOINTS = frozenset(["and", "&", "+", "/", ","])
_NO_GENES = (
    vocabulary.ENGLISH
    | vocabulary.ABBREVIATIONS
    | vocabulary.BESIDE
    | vocabulary.READOUT_VERBS
    | vocabulary.EXPRESSION
    | vocabulary.CONDITIONS
    | vocabulary.words("compare describe discuss explain predict summarise summarize thanks")
)
_DONE = {"knockout": "knocked out", "knockdown": "knocked down", "activation": "activated"}


def parse_question(text: str, knowledge: Vocabulary, *, cell_line: str | None = None) -> Question:
    """Return the question in the field's terms, with everything that had to be assumed.

    Args:
        text: The user's words.
        knowledge: Gene symbols and cell lines.
        cell_line: A line that overrides the one in the text.

    Raises:
        QuestionError: The question is empty, too long, about a drug, an unknown gene or an unknown
            cell line, or does not say what is perturbed; says what to do next.
    """
    if not text.strip():
        raise QuestionError(f"The question is empty; ask for example {EXAMPLE}")
    if len(text) > LONGEST_QUESTION:
        raise QuestionError(
            f"The question has {len(text):,} characters; ask it in at most {LONGEST_QUESTION:,}."
        )
    plain = cleaned(text)
    _refuse_drugs(plain)
    found = items(plain, knowledge)
    line, line_notes = _cell_line(found, plain, knowledge, cell_line)
    _refuse_unread(found, knowledge)
    roles = Roles(found).assigned()
    if not roles.perturbed:
        raise _nothing_perturbed(found, knowledge)
    _refuse_drug_words(plain, roles)
    roles = _without_background(roles, found, line, knowledge)
    kind, kind_note = _kind(roles, found, plain)
    perturbed = _distinct(roles.perturbed)
    if len(perturbed) > MOST_PERTURBED:
        raise QuestionError(
            f"The question perturbs {len(perturbed)} genes at once; name at most {MOST_PERTURBED}."
        )
    readouts = _distinct(roles.readouts)
    rest = " ".join(item.text for i, item in enumerate(found) if i not in roles.words)
    asks, phenotypes = _asks(rest, readouts)
    notes = [*roles.notes, *line_notes, *kind_note, *_reading_notes(found, roles)]
    return Question(
        perturbation=Perturbation(genes=perturbed, kind=kind, cell_line=line),
        readouts=readouts,
        phenotypes=phenotypes,
        asks=asks,
        text=text.strip(),
        assumptions=tuple(dict.fromkeys(notes)),
    )


def _refuse_drugs(text: str) -> None:
    for word in re.findall(r"[\w-]+", text):
        plain = word.lower()
        if plain in vocabulary.DRUG_NAMES or vocabulary.DRUG_SUFFIX.fullmatch(plain):
            raise _drug(word)
    if match := vocabulary.TREATMENT.search(text):
        raise _drug(match[0].strip())


def _refuse_drug_words(text: str, roles: Assigned) -> None:
    """Refuse "an HSPA5 inhibitor", but not "the CDK inhibitor CDKN1A" next to a knockout."""
    if not roles.cues and (match := vocabulary.DRUG_WORDS.search(text)):
        raise _drug(match[0])


def _drug(word: str) -> QuestionError:
    return QuestionError(
        f"Drugs and other treatments are not handled yet ('{word}'); ask for the knockout of the "
        "drug's target instead."
    )


def _cell_line(
    found: list[Item], text: str, knowledge: Vocabulary, given: str | None
) -> tuple[str, list[str]]:
    """Return the cell line, and what to tell about it."""
    named = list(dict.fromkeys(item.symbol for item in found if item.kind == "line"))
    strange = [item.text for item in found if item.kind == "other_line"]
    organism = vocabulary.ASKS_PHENOTYPE.search(text) is not None
    strange += [
        match[0]
        for match in vocabulary.CELL_TYPES.finditer(text)
        if not (organism and vocabulary.ORGANISMS.fullmatch(match[0]))
    ]
    if given is not None:
        line = knowledge.cell_lines.ground(given).name
        others = [word for word in [*named, *strange] if word != line]
        return line, [f"{line} was given as the cell line, so {_listed(others)} is ignored."][
            : len(others)
        ]
    if len(named) > 1:
        raise QuestionError(
            f"The question names several cell lines ({_listed(named)}); ask about one at a time."
        )
    if named:
        return named[0], []
    if strange:
        knowledge.cell_lines.ground(strange[0])
    line = knowledge.cell_lines.default.name
    return line, [f"No cell line was named: {line} assumed."]


def _nothing_perturbed(found: list[Item], knowledge: Vocabulary) -> QuestionError:
    """Return why no gene is perturbed: none named, one misspelt, or only readouts."""
    genes = [item for item in found if item.kind == "gene"]
    if genes:
        names = _listed(list(dict.fromkeys(item.symbol or item.text for item in genes)))
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
            word = near.lower
            plain = vocabulary.ENGLISH | vocabulary.BESIDE | vocabulary.ABBREVIATIONS
            if near.kind == "word" and word not in plain and len(word) > 2:
                return unknown_gene(near.text, knowledge.symbols)
    return Unreadable(f"The question names no gene; ask for example {EXAMPLE}")


def _refuse_unread(found: list[Item], knowledge: Vocabulary) -> None:
    """Refuse "knock out foo and HSPA5" rather than knock out HSPA5 alone."""
    for i, item in enumerate(found):
        j = i + 1 + (found[i + 1 : i + 2] != [] and found[i + 1].lower == "of")
        listed = found[j : j + 3]
        if item.cue is None or item.cue.form not in ("verb", "noun") or len(listed) < 3:
            continue
        word, joint, gene = listed
        if word.kind != "word" or gene.kind != "gene" or joint.lower not in _JOINTS:
            continue
        if word.note:
            raise _english_word(word.note)
        if word.lower not in vocabulary.ENGLISH | vocabulary.BESIDE | vocabulary.AHEAD:
            raise unknown_gene(word.text, knowledge.symbols)


def _english_word(word: str) -> QuestionError:
    return QuestionError(
        f"'{word}' was read as an English word; if you mean the gene, write gene:{word.upper()}."
    )


def _read_as_english(item: Item) -> str:
    return f"{item.text} was read as an English word; write gene:{item.note.upper()} for the gene."


def _unread(found: list[Item]) -> list[str]:
    """Return what to tell about words that stand beside a gene as a gene would: "HSPA5 and foo"."""
    notes = []
    for i, item in enumerate(found[2:], start=2):
        after = found[i + 1] if i + 1 < len(found) else None
        ends = after is None or after.kind in ("mark", "line") or after.lower == "in"
        joined = found[i - 1].lower in _JOINTS - {","} and found[i - 2].kind == "gene"
        if item.kind != "word" or not (joined and ends):
            continue
        if item.note:
            notes.append(_read_as_english(item))
        elif item.lower not in _NO_GENES:
            notes.append(f"'{item.text}' was not read as a gene.")
    return notes


def _without_background(
    roles: Assigned, found: list[Item], line: str, knowledge: Vocabulary
) -> Assigned:
    """Read "p53-null K562" beside another perturbation as a remark about the line."""
    cell = knowledge.cell_lines.ground(line)
    lost = {item.symbol for cue, span in roles.cues if cue.form == "mark" for item in span}
    others = {item.symbol for cue, span in roles.cues if cue.form != "mark" for item in span}
    known = {gene for gene in lost - others if cell.lesion(gene) is not None}
    if not known or not others:
        return roles
    return Assigned(
        perturbed=tuple(item for item in roles.perturbed if item.symbol not in known),
        readouts=roles.readouts,
        cues=tuple((c, s) for c, s in roles.cues if not {item.symbol for item in s} <= known),
        notes=(*roles.notes, f"The loss of {_listed(sorted(known))} is a lesion of {line}."),
    )


def _kind(roles: Assigned, found: list[Item], text: str) -> tuple[PerturbationKind, list[str]]:
    """Return the kind of perturbation, with the assumption behind it.

    Raises:
        QuestionError: Several kinds, or alternatives, are asked about at once.
    """
    kinds: dict[PerturbationKind, list[str]] = {}
    for cue, span in roles.cues:
        if cue.kind is not None:
            kinds.setdefault(cue.kind, []).extend(item.symbol for item in span)
    _refuse_alternatives(roles, text)
    if len(kinds) > 1:
        named = {tuple(sorted(set(genes))) for genes in kinds.values()}
        if len(named) > 1:
            said = _listed([f"{_listed(_unique(g))} {_DONE[kind]}" for kind, g in kinds.items()])
            raise QuestionError(
                f"The question mixes kinds of perturbation ({said}); ask one question for each."
            )
        kind = next(kind for kind in ("activation", "knockdown", "knockout") if kind in kinds)
        return kind, [f"Read as {'an' if kind == 'activation' else 'a'} {kind}."]
    genes = _listed(_distinct(roles.perturbed))
    for kind in kinds:
        return kind, []
    # "Loss of A by siRNA": another word tells the kind.
    told = [i.cue.kind for i in found if i.cue and i.cue.kind and i.cue.strength == 3]
    if roles.cues:
        unnamed = "The kind of perturbation was not named: knockout assumed."
        return (told[0], []) if told else ("knockout", [unnamed])
    for said, pattern in _WISHES.items():
        if pattern.search(text):
            return said, [f"Read as {'an' if said == 'activation' else 'a'} {said} of {genes}."]
    kind = told[0] if told else "knockout"
    return kind, [f"No perturbation of {genes} was named: {kind} assumed."]


def _refuse_alternatives(roles: Assigned, text: str) -> None:
    genes = _distinct(roles.perturbed)
    if len(genes) < 2 or not _COMPARES.search(text):
        return
    between = {item.text for item in roles.perturbed}
    pattern = r"\b(?:or|versus|vs|compared?|rather than)\b"
    inside = any(
        re.search(rf"{re.escape(a)}.*?{pattern}.*?{re.escape(b)}", text, re.IGNORECASE)
        for a in between
        for b in between - {a}
    )
    if inside or re.search(r"\bcompar|\bdifference between", text, re.IGNORECASE):
        raise QuestionError(
            f"The question compares perturbations ({_listed(genes)}); ask one question for each, "
            "or write A+B for a double perturbation."
        )


def _asks(text: str, readouts: tuple[str, ...]) -> tuple[Asks, tuple[str, ...]]:
    named = tuple(
        name for name, words in vocabulary.PHENOTYPES.items() if re.search(words, text, re.I)
    )
    if vocabulary.ASKS_PHENOTYPE.search(text):
        return "phenotype", named
    if vocabulary.ASKS_WHY.search(text):
        return "why", named
    if vocabulary.ASKS_WHICH.search(text):
        return "which_genes", ()
    if readouts and vocabulary.ASKS_DIRECTION.search(text):
        return "direction", named
    if named and not readouts:
        return "phenotype", named
    return "what_happens", named


def _reading_notes(found: list[Item], roles: Assigned) -> list[str]:
    notes = [item.note for item in found if item.kind == "gene" and item.note]
    notes += _unread(found)
    used = {item.text for item in (*roles.perturbed, *roles.readouts)}
    for item in found:
        if item.kind == "word" and item.note and item.text not in used and item.text.isupper():
            notes.append(_read_as_english(item))
    return notes


def _distinct(genes: tuple[Item, ...]) -> tuple[str, ...]:
    """Return the symbols once each, in order.

    Raises:
        QuestionError: A name stands for several genes.
    """
    symbols = {item.symbol for item in genes}
    for item in genes:
        if item.candidates and not symbols.intersection(item.candidates):
            raise QuestionError(
                f"'{item.text}' may mean {_listed(item.candidates, 'or')}; write the symbol of the "
                "one you mean."
            )
    return tuple(dict.fromkeys(item.symbol for item in genes if item.symbol))


def _unique(words: list[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _listed(words: list[str] | tuple[str, ...], last: str = "and") -> str:
    words = list(words)
    return (
        f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
    )
