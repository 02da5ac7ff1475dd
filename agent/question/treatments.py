"""Refuses what no gene is perturbed by: drugs, stimuli and states of the whole cell."""

import re

from agent.question import words as vocabulary
from agent.question.pieces import Item
from knowledge.errors import QuestionError

_STIMULATED = (
    r"(?:stimulat\w+|treat\w*|expos(?:ed|ure|ing)|challeng\w+|primed|induced|activated)"
    r"(?:\s+\w+){0,2}?\s+(?:with|by|to)\s+(?:the\s+)?"
)
_BESIDE = r"(?:\bplus|\bunder|\bupon|\bin response to|\bafter adding|\bin the presence of|\bwith|\+)\s+"
_AFTER = r"[ -](?:stimulat\w+|treat\w*|expos\w+|challeng\w+|primed|signal?ling is on|addition)\b"
_PERTURBED = r"(?!\S*\s*(?:ko|kd|knock\w*|loss|null|delet\w+|deplet\w+|silenc\w+|-/-|deficien\w+|over))"
_STIMULI = tuple(
    (
        name,
        re.compile(
            rf"(?:{_STIMULATED}|{_BESIDE})(?:{pattern.pattern})\b{_PERTURBED}|"
            rf"\b(?:{pattern.pattern}){_AFTER}",
            re.IGNORECASE,
        ),
    )
    for name, pattern in vocabulary.STIMULI
)
_TOPIC = re.compile(r"^[^,.?!:]{1,40}:\s+\S")


def refuse_drugs(text: str) -> None:
    """Refuse a question about a drug, naming its target where it has one.

    Raises:
        QuestionError: Always, if a drug or a treatment is named.
    """
    for word in re.findall(r"[\w-]+", text):
        plain = word.lower()
        if plain in vocabulary.DRUGS or vocabulary.DRUG_SUFFIX.fullmatch(plain):
            raise _drug(word, vocabulary.DRUGS.get(plain, ""))
    if match := vocabulary.TREATMENT.search(text):
        if _stimulus(text):
            return
        raise _drug(match[0].strip(), "")


def refuse_drug_words(text: str) -> None:
    """Refuse "which drug raises NQO1".

    Raises:
        QuestionError: Always, if a drug is asked about.
    """
    if match := re.search(r"\b(?:drugs?|compounds?|small molecules?|agonists?)\b", text, re.I):
        raise _drug(match[0], "")


def refuse_stimuli(text: str, found: list[Item], without: str) -> None:
    """Refuse a stimulus or a state of the cell, with the question that can be asked.

    Args:
        text: The cleaned question.
        found: Its pieces.
        without: How the question reads without it.

    Raises:
        QuestionError: Always, if there is one that is no mere heading.
    """
    body = text
    if _TOPIC.match(text) and any(item.cue for item in found):
        heading, _, rest = text.partition(":")
        body = rest if not re.search(r"\b(?:ko|kd|knock\w*|loss)\b", heading, re.I) else text
    name = _stimulus(body)
    if name is None:
        return
    hint = f"; without it, ask '{without}'" if without else "; ask about the loss of a gene"
    raise QuestionError(
        f"Stimuli and states of the cell such as {name} are not handled yet: the screens are of "
        f"cells at rest{hint}."
    )


def _stimulus(text: str) -> str | None:
    for name, pattern in _STIMULI:
        if pattern.search(text):
            return name
    for name, pattern in vocabulary.STATES:
        if pattern.search(text):
            return name
    return None


def _drug(word: str, target: str) -> QuestionError:
    instead = (
        f"the knockdown of {target}, which is most like it, instead"
        if target
        else "the knockout of the drug's target instead"
    )
    return QuestionError(
        f"Drugs and other treatments are not handled yet ('{word}'); ask for {instead}."
    )
