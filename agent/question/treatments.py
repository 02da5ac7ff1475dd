"""Refuses what no gene is perturbed by: drugs, stimuli and states of the whole cell."""

import re
from dataclasses import replace

from agent.question import words as vocabulary
from agent.question.pieces import Item
from knowledge.errors import QuestionError

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
        name,
        re.compile(
            rf"(?:{_STIMULATED}|{_BESIDE})(?:{pattern.pattern})\b{_PERTURBED}|"
            rf"\b(?:{pattern.pattern}){_AFTER}|"
            rf"^(?:{pattern.pattern})\s*(?:\+|plus|and|in|on|with)\s(?!.*\bdouble\b)(?=.*\w)",
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
    match = vocabulary.TREATMENT.search(text)
    if match and not stimulus(text, [])[0]:
        raise _drug(match[0].strip(), "")


def refuse_drug_words(text: str) -> None:
    """Refuse "which drug raises NQO1".

    Raises:
        QuestionError: Always, if a drug is asked about.
    """
    if match := re.search(r"\b(?:drugs?|compounds?|small molecules?|agonists?)\b", text, re.I):
        raise _drug(match[0], "")


def stimulus(text: str, found: list[Item]) -> tuple[str, list[Item]]:
    """Return the stimulus or state of the cell, empty where none is named, and the other pieces.

    Args:
        text: The cleaned question.
        found: Its pieces; those of a stimulus come back as mere words.
    """
    start = 0
    heading = text.partition(":")[0]
    inside = [item for item in found if item.at[0] < len(heading)]
    if _TOPIC.match(text) and any(item.cue for item in found):
        start = 0 if any(item.cue or item.kind == "line" for item in inside) else len(heading)
    for name, pattern in (*_STIMULI, *vocabulary.STATES):
        if (match := pattern.search(text, start)) and not _in_set(match, found):
            inside = [
                replace(
                    item, kind="word", note="", cue=None, members=(), named=None, described=True
                )
                if match.start() <= item.at[0] < match.end() and item.kind != "line"
                else item
                for item in found
            ]
            return name, inside
    return "", found


def _in_set(match: re.Match[str], found: list[Item]) -> bool:
    """Whether the words belong to the name of a set: "interferon-stimulated genes"."""
    return any(
        item.named is not None
        and item.named.readout
        and item.at[0] <= match.start()
        and match.end() <= item.at[1]
        for item in found
    )


def refuse_stimulus(name: str, without: str) -> None:
    """Refuse a stimulus or a state of the cell, with the question that can be asked without it.

    Raises:
        QuestionError: Always, if there is one.
    """
    if not name:
        return
    hint = f"; without it, ask '{without}'" if without else "; ask about the loss of a gene"
    raise QuestionError(
        f"Stimuli and states of the cell such as {name} are not handled yet: the screens are of "
        f"cells at rest{hint}."
    )


def _drug(word: str, target: str) -> QuestionError:
    instead = (
        f"the knockdown of {target}, the drug's target, instead"
        if target
        else "the knockout of the drug's target instead"
    )
    return QuestionError(
        f"Drugs and other treatments are not handled yet ('{word}'); ask for {instead}."
    )
