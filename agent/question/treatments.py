"""Reads stimuli and states of the whole cell; refuses what no pathway begins with."""

import re
from dataclasses import replace

from agent.question import words as vocabulary
from agent.question.draft import Draft
from agent.question.forward import read_out
from agent.question.listing import listed
from agent.question.pieces import Item
from agent.question.telling import as_words
from agent.question.words import Stimulus
from knowledge.drugs import Drugs, given
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation, Question

CONDITIONAL = (
    "No screen looked at cells {}: directions follow from the built-in pathways alone, a "
    "hypothesis without a calibrated number."
)

_STIMULATED = (
    r"(?:stimulat\w+|treat\w*|expos(?:ed|ure|ing)|challeng\w+|primed|induced|activated)"
    r"(?:\s+\w+){0,2}?\s+(?:with|by|to)\s+(?:the\s+)?"
)
_BESIDE = (
    r"(?:\bplus|\bunder|\bupon|\bin response to|\bafter(?: adding)?|\bfollowing|\bgiven|"
    r"\bin the presence of|\bwith|\+)\s+"
)
_AFTER = r"[ -](?:stimulat\w+|treat\w*|expos\w+|challeng\w+|primed|signal?ling is on|addition)\b"
_PERTURBED = (
    r"(?!\S*\s*(?:ko|kd|knock\w*|loss|null|delet\w+|deplet\w+|silenc\w+|-/-|deficien\w+|over))"
)
_STIMULI = tuple(
    (
        one,
        re.compile(
            rf"(?:{_STIMULATED}|{_BESIDE})(?:{one.pattern})\b{_PERTURBED}|"
            rf"\b(?:{one.pattern}){_AFTER}|"
            rf"^(?:{one.pattern})\s*(?:\+|plus|and|in|on|with)\s(?!.*\bdouble\b)(?=.*\w)",
            re.IGNORECASE,
        ),
    )
    for one in vocabulary.STIMULI
)
_TOPIC = re.compile(r"^[^,.?!:]{1,40}:\s+\S")


def stimulus_spans(text: str) -> list[tuple[int, int]]:
    """Return where a text names a stimulus or a state of the cell."""
    patterns = (pattern for _, pattern in (*_STIMULI, *vocabulary.STATES))
    return [match.span() for pattern in patterns for match in pattern.finditer(text)]


def stimulus(text: str, found: list[Item]) -> tuple[Stimulus | None, list[Item]]:
    """Return the stimulus or state of the cell, None where none is named, and the other pieces.

    Args:
        text: The cleaned question.
        found: Its pieces; those of a stimulus come back as mere words.
    """
    start = 0
    heading = text.partition(":")[0]
    inside = [item for item in found if item.at[0] < len(heading)]
    if _TOPIC.match(text) and any(item.cue for item in found):
        start = 0 if any(item.cue or item.kind == "line" for item in inside) else len(heading)
    for one, pattern in (*_STIMULI, *vocabulary.STATES):
        if (match := pattern.search(text, start)) and not _in_set(match, found):
            inside = [
                replace(
                    item, kind="word", note="", cue=None, members=(), named=None, described=True
                )
                if match.start() <= item.at[0] < match.end() and item.kind != "line"
                else item
                for item in found
            ]
            return one, inside
    return None, found


def _in_set(match: re.Match[str], found: list[Item]) -> bool:
    """Whether the words belong to the name of a set: "interferon-stimulated genes"."""
    return any(
        item.named is not None
        and item.named.readout
        and item.at[0] <= match.start()
        and match.end() <= item.at[1]
        for item in found
    )


def stimulated(question: Question, given: Stimulus | None) -> Question:
    """Return the question with its stimulus, where the built-in pathways know where that begins.

    Raises:
        QuestionError: They do not, or the kind of question has no answer under a stimulus.
    """
    if given is None:
        return question
    if not given.genes or question.intent not in ("forward", "why"):
        raise no_stimulus(given, as_words(question))
    one = question.perturbation.model_copy(update={"stimuli": (given.name,)})
    notes = (*question.assumptions, CONDITIONAL.format(f"under {given.name}"))
    return question.model_copy(update={"perturbation": one, "assumptions": notes})


def of_stimulus(draft: Draft, given: Stimulus) -> Question:
    """Return the question what a stimulus alone does, as the changes that it begins with."""
    genes = [item for item in draft.found if item.kind == "gene"]
    readouts, sets = read_out(genes)
    known = tuple(gene for gene in given.genes if gene in draft.knowledge.symbols)
    if not known:
        raise no_stimulus(given, "")
    start = f"{listed(known)} {'activated' if given.kind == 'activation' else 'lost'}"
    return Question(
        perturbation=Perturbation(
            genes=known,
            kind=given.kind,
            cell_line=draft.line,
            manner="stimulus",
            stimuli=(given.name,),
        ),
        readouts=tuple(gene for gene in readouts if gene not in known),
        readout_sets=sets,
        text=draft.text,
        asks="direction" if readouts else "what_happens",
        assumptions=(
            *draft.notes,
            f"{given.name} is followed from where the built-in pathways take it up: {start}.",
            CONDITIONAL.format(f"under {given.name}"),
        ),
    )


def begun(one: Perturbation, drugs: Drugs) -> list[tuple[str, Perturbation]]:
    """Return each stimulus or drug beside a perturbation with what it begins with by itself."""
    if one.manner == "drug":
        return []
    beside = [(name, given((name,), drugs, one.cell_line)) for name in one.drugs]
    rows = {row.name: row for row in (*vocabulary.STIMULI, *(row for row, _ in vocabulary.STATES))}
    return beside + [
        (
            name,
            Perturbation(
                genes=rows[name].genes,
                kind=rows[name].kind,
                cell_line=one.cell_line,
                background=one.background,
                manner="stimulus",
                stimuli=(name,),
            ),
        )
        for name in one.stimuli
        if name in rows and one.manner != "stimulus"
    ]


def no_stimulus(given: Stimulus, without: str) -> QuestionError:
    """Return why a stimulus or a state of the cell is refused, with what can be asked instead."""
    hint = f"; without it, ask '{without}'" if without else "; ask about the loss of a gene"
    return QuestionError(
        f"Stimuli and states of the cell such as {given.name} are not handled yet: the screens are "
        f"of cells at rest{hint}."
    )
