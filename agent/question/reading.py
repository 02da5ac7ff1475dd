"""Reads a biologist's question by rules: its kind, what is perturbed, where and what is asked.

The stages: the text is cleaned and spelt right (`pieces`, `spelling`), refused where it is another
language (`languages`); drugs, stimuli and states of the cell are found (`drugs`, `treatments`); it
is cut into genes, sets, lines and perturbation words (`items`), told by kind (`skeleton`), read as
that kind (`forward`, `others`, `drugs`), and every word is accounted for (`accounting`). Phrases
are data, in the folder `phrases`; drugs are `knowledge.drugs`.
"""

import re

from agent.question import words as vocabulary
from agent.question.accounting import account
from agent.question.appearance import read_appearance
from agent.question.cells import (
    cell_lines,
    expression_context,
    lesions_of,
    refuse_dates,
    unscreened,
)
from agent.question.draft import EXAMPLE, Draft, Unreadable
from agent.question.drugs import (
    as_words,
    drugs_sought,
    mentions,
    not_drugs,
    read_drugs,
    refuse_unnamed,
    seeking_drugs,
    under_drugs,
    without_doses,
)
from agent.question.follow_up import alone, continued, follows_on, goes_on
from agent.question.form import as_sentence
from agent.question.forward import read_forward
from agent.question.items import Vocabulary, items
from agent.question.languages import refuse_foreign
from agent.question.others import READERS
from agent.question.pieces import Item, cleaned
from agent.question.roles import Roles
from agent.question.sets import names_of, opens_set
from agent.question.skeleton import intent_row, refusal, skeleton
from agent.question.spelling import corrected
from agent.question.topics import without_spared, without_topic
from agent.question.treatments import (
    no_stimulus,
    of_stimulus,
    stimulated,
    stimulus,
    stimulus_spans,
)
from agent.question.words import IntentRow, Stimulus
from knowledge.errors import QuestionError
from knowledge.schema import Question
from tools.essentiality import OTHER_LINES

LONGEST_QUESTION = 2_000
_ALL_LINES = re.compile(
    r"\b(?:all|every|each|both)(?: of)?(?: the)?(?: four| 4| screened)?(?: cell)? lines?\b", re.I
)
_ARROW = re.compile("[↑↓▲▼⬆⬇]")
_ANY_LINE = re.compile(r"\b(?:which|what) (?:of (?:the|these) )?(?:cell )?lines?\b")

ASKABLE = "what a knockout, knockdown or activation does to transcripts, why, and how two compare"


def parse_question(
    text: str,
    knowledge: Vocabulary,
    *,
    cell_line: str | None = None,
    before: Question | None = None,
) -> Question:
    """Return the question in the field's terms, with everything that had to be assumed.

    Args:
        text: The user's words.
        knowledge: Gene symbols, cell lines, the graph and gene sets.
        cell_line: A line that overrides the one in the text.
        before: The question that this one follows on, if it may.

    Raises:
        QuestionError: The question is empty, too long, in another language, about an
            unknown drug, gene or cell line, holds a word that is not understood, or does not
            say what is perturbed; says what to do next.
    """
    if not text.strip():
        raise QuestionError(f"The question is empty; ask for example {EXAMPLE}")
    if len(text) > LONGEST_QUESTION:
        raise QuestionError(
            f"The question has {len(text):,} characters; ask it in at most {LONGEST_QUESTION:,}."
        )
    plain = cleaned(as_sentence(text))
    if arrow := _ARROW.search(plain):
        raise Unreadable(
            f"'{arrow[0]}' may be what is done or what is asked; say it in words, for example "
            f"{EXAMPLE}"
        )
    refuse_foreign(plain)
    plain, spelt = corrected(plain, knowledge.symbols, knowledge.drugs)
    refuse_dates(plain)
    dosed, (plain, doses) = plain, without_doses(plain)
    given_drugs = _drugs(plain, knowledge)
    spelt += [*doses, *(item.note for item in given_drugs if item.note)]
    if not given_drugs and (turned := drugs_sought(plain)):
        sought = parse_question(turned, knowledge, cell_line=cell_line, before=before)
        return seeking_drugs(sought, text.strip())
    found = items(plain, knowledge, given_drugs)
    _refuse_controls(found)
    treated, found = stimulus(plain, found)
    if not given_drugs and treated is None:
        refuse_unnamed(dosed, knowledge.drugs)
    found, topic = without_topic(found)
    found, spared = without_spared(found)
    bones = skeleton(found)
    if given_drugs:
        found = as_words(found)
    if not given_drugs and treated is None:
        looks = read_appearance(text.strip(), plain, found, bones, knowledge)
        if looks is not None:
            return looks
    if row := refusal(bones):
        raise QuestionError(f"{row.says}; ask {ASKABLE}, for example {EXAMPLE}")
    alone_or_on = follows_on(bones, found) or (before is not None and goes_on(bones))
    if alone_or_on and not given_drugs:
        if before is None:
            raise alone(text.strip())
        named = any(item.kind in ("line", "other_line") for item in found) or cell_line
        lines = cell_lines(found, plain, knowledge, cell_line)[0] if named else []
        question = continued(before, text.strip(), bones, found, lines)
        account(found, question, knowledge)
        return question
    kind = intent_row(bones)
    elsewhere = _needs_of(kind, found) if cell_line is None else ""
    given = knowledge.cell_lines.default.name if elsewhere else cell_line
    lines, line_notes = cell_lines(
        found, plain, knowledge, given, several=kind is None or kind.intent == "compare"
    )
    if elsewhere:
        line_notes = []
    if kind is not None and kind.intent == "compare" and _ANY_LINE.search(bones):
        lines, line_notes = [line.name for line in knowledge.cell_lines], []
    if kind is None and _ALL_LINES.search(plain):
        lines, line_notes = [line.name for line in knowledge.cell_lines], []
    draft = Draft(
        text.strip(), plain, bones, found, knowledge, lines, [*spelt, *topic, *spared, *line_notes]
    )
    if kind is None and len(lines) > 1:
        kind = next(row for row in vocabulary.INTENTS.intents if row.intent == "compare")
    plainly = kind is None or kind.intent == "why"
    names = list(dict.fromkeys(item.symbol for item in given_drugs))
    if names:
        question = _given(draft, kind, treated, names)
    elif treated and treated.genes and plainly and not Roles(found).assigned().cues:
        question = of_stimulus(draft, treated)
    else:
        question = _read(draft, kind, treated)
    told = account(found, question, knowledge) if question.intent != "planning" else []
    notes = tuple(dict.fromkeys([*question.assumptions, *told]))
    question = question.model_copy(update={"assumptions": notes})
    if elsewhere:
        if question.intent != "essentiality":
            raise unscreened(elsewhere, knowledge)
        there = question.perturbation.model_copy(update={"cell_line": elsewhere})
        return question.model_copy(update={"perturbation": there})
    context = _context(question, found, cell_line)
    if not context:
        return _borrowing(question, found, cell_line)
    line = next(item.text for item in found if item.kind == "other_line")
    there = question.perturbation.model_copy(update={"cell_line": line})
    return question.model_copy(update={"context": context, "perturbation": there})


def _drugs(plain: str, knowledge: Vocabulary) -> list[Item]:
    """Return the drugs that a text names as pieces of it.

    None stands inside the name of a stimulus, or opens that of a set: "antioxidant genes".
    """
    stimuli = stimulus_spans(plain)
    names = names_of(knowledge.symbols, knowledge.graph, knowledge.gene_sets)
    return [
        Item("drug", plain[one.start : one.end], one.name, note=one.note, at=(one.start, one.end))
        for one in mentions(plain, knowledge.drugs, knowledge.symbols)
        if not any(start < one.end and one.start < end for start, end in stimuli)
        and not opens_set(names, plain[one.start : one.end], plain[one.end :])
    ]


def _given(
    draft: Draft, kind: IntentRow | None, treated: Stimulus | None, names: list[str]
) -> Question:
    """Return what drugs do, or what a perturbation does in cells under them.

    Raises:
        QuestionError: A stimulus is given too, or the question has no answer for drugs.
    """
    if treated is not None:
        raise no_stimulus(treated, "")
    plainly = kind is None or kind.intent == "why"
    if plainly and Roles(draft.found).assigned().cues:
        return under_drugs(_read(draft, kind, None), names, draft.knowledge.drugs)
    return read_drugs(draft, kind, names)


def _needs_of(kind: IntentRow | None, found: list[Item]) -> str:
    """Return a line without a screen of transcripts whose dependencies are known, if asked for."""
    if kind is None or kind.intent != "essentiality":
        return ""
    named = [item for item in found if item.kind in ("line", "other_line")]
    known = [one for one in OTHER_LINES if any(item.symbol == one for item in named)]
    return known[0] if len(named) == 1 and known else ""


def _borrowing(question: Question, found: list[Item], given: str | None) -> Question:
    """Return the question with the line that it was asked about, where another stands in."""
    others = [item for item in found if item.kind == "other_line"]
    lost = lesions_of(others)
    name = others[0].symbol if others and given is None else ""
    if not others or question.intent == "planning":
        return question
    change = {"borrowed_for": name, "lesions": lost}
    return question.model_copy(
        update={
            "perturbation": question.perturbation.model_copy(update=change),
            "against": tuple(one.model_copy(update=change) for one in question.against),
        }
    )


def _read(draft: Draft, kind: IntentRow | None, treated: Stimulus | None) -> Question:
    try:
        question = READERS[kind.intent](draft, kind) if kind else read_forward(draft)
    except Unreadable:
        if treated:
            raise no_stimulus(treated, "") from None
        not_drugs(draft.plain, draft.knowledge.drugs)
        raise
    return stimulated(question, treated)


def _context(question: Question, found: list[Item], given: str | None) -> str:
    """Return the expression screen that answers, for a question that one can answer.

    Raises:
        QuestionError: The line has an expression screen alone, which cannot answer this question.
    """
    context = "" if given else expression_context(found)
    if context and question.perturbation.drugs:
        raise QuestionError(
            "The screen of these cells is one of knockouts, and drugs are followed in K562, RPE1, "
            "HepG2 and Jurkat; name one of these lines."
        )
    if context and question.perturbation.conditional:
        raise QuestionError(
            "An expression screen is of its own cells, without a further stimulus or lesion; ask "
            f"without it, or `knockwise express --context {context}`."
        )
    if context and (question.intent not in ("forward", "why") or not question.perturbation.genes):
        raise QuestionError(
            "Read as a question that an expression screen cannot answer; ask what a perturbation "
            f"does there, or `knockwise express --context {context}`."
        )
    return context


def _refuse_controls(found: list[Item]) -> None:
    for item in found:
        if item.kind == "control":
            raise QuestionError(
                f"'{item.text}' is a control that perturbs no gene; ask about a gene, for example "
                f"{EXAMPLE}"
            )


__all__ = ["ASKABLE", "EXAMPLE", "LONGEST_QUESTION", "Unreadable", "parse_question"]


def understood(text: str, knowledge: Vocabulary) -> dict[str, list[str]]:
    """Return the parts of a question that were recognised, by what they are; none if none were."""
    plain = corrected(cleaned(text[:LONGEST_QUESTION]), knowledge.symbols, knowledge.drugs)[0]
    try:
        found = items(plain, knowledge, _drugs(plain, knowledge))
    except QuestionError:
        return {}
    parts: dict[str, list[str]] = {}
    for item in found:
        if name := _PARTS.get(item.kind):
            known = item.text if item.symbol in ("", item.text) else f"{item.text} ({item.symbol})"
            parts.setdefault(name, []).append(known)
    return parts


_PARTS = {
    "gene": "genes and sets",
    "drug": "drugs",
    "cue": "perturbation words",
    "line": "cell lines",
    "other_line": "lines without a screen",
    "control": "controls",
    "mutation": "mutations",
}
