"""The question with its genes, lines and perturbation words as letters: what kind it is."""

import re
from collections.abc import Sequence

from agent.question import words as vocabulary
from agent.question.pieces import Item
from agent.question.words import IntentRow, Refusal

_DROPPED = vocabulary.words(
    "the a an please exactly also really ever actually just then simply still even human"
)
_AMOUNT = r"(?:genes?|mrnas?|transcripts?|proteins?|levels?|expression|abundance|amounts?)"
_OF_GENE = re.compile(
    rf"\b(?:{_AMOUNT} (?:of|for) )+(?=g\b)|(?<=\bg )(?:{_AMOUNT}\b ?)+(?!when|that|whose)"
)
_LIST = re.compile(r"\bg(?:\s*(?:,|and|\+|/|&)\s*(?:and )?g)+\b")
_TIGHT = re.compile(r"\s+([,?.;:!)])")


def skeleton(found: Sequence[Item]) -> str:
    """Return for example `which k would lower g in l` of "which knockouts would lower LDLR ..."."""
    words = []
    for item in found:
        if item.kind in ("gene", "control"):
            words.append("g")
        elif item.kind == "drug":
            words.append("g k")
        elif item.kind in ("line", "other_line"):
            words.append("l")
        elif item.cue and (item.cue.strength > 1 or item.cue.form == "noun"):
            words.append("k")
        elif item.kind == "mark" and item.text in "()[]\"'*-":
            continue
        elif item.described:
            words.append("described")
        elif item.lower.isdigit():
            words.append("n")
        elif item.lower not in _DROPPED:
            words.append(item.lower)
    text = _OF_GENE.sub("", _LIST.sub("g", " ".join(words)))
    return _TIGHT.sub(r"\1", " ".join(text.split()))


def intent_row(text: str) -> IntentRow | None:
    """Return the kind of question that a skeleton tells; None for what happens after a change."""
    for row in vocabulary.INTENTS.intents:
        if any(vocabulary.skeleton_pattern(pattern).search(text) for pattern in row.patterns):
            return row
    return None


def refusal(text: str) -> Refusal | None:
    """Return why a question of this skeleton cannot be answered."""
    for row in vocabulary.REFUSALS:
        if any(vocabulary.skeleton_pattern(pattern).search(text) for pattern in row.patterns):
            return row
    return None


def matches(fragment: str, text: str) -> bool:
    """Return whether a fragment of `intents.yaml` such as `up` stands in a skeleton."""
    return vocabulary.skeleton_pattern(rf"\b{{{fragment}}}\b").search(text) is not None
