"""Notices roles that the words around a gene contradict, so that nobody's roles are guessed."""

import re
from collections.abc import Sequence

from agent.question import words as vocabulary
from agent.question.pieces import Item
from knowledge.schema import Question

_OPENS = frozenset(["after", "upon", "following", "without", "lacking", "despite"])
# What can be said of no transcript.
DONE = re.compile(
    r"(?:knock|deplet|over-?express|k[od]\b|[dt]k[od]\b|crispr|[a-z]*rnai?s?\b|-/-|null|delet|"
    r"excis|ablat|deficien|frame)",
    re.IGNORECASE,
)
_MOVES = vocabulary.READOUT_VERBS | vocabulary.AUXILIARIES | vocabulary.EXPRESSION
_READ_OUT = frozenset(["transcript", "transcripts", "mrna", "expression", "levels", "level"])


def crossed(found: Sequence[Item], question: Question) -> Item | None:
    """Return a gene whose words say another role than the one that it was given; None if none do.

    "After MDM2 or after MDM4 knockdown" reads out no MDM2, and "the transcript of CCND1" perturbs
    no CCND1.
    """
    if question.intent not in ("forward", "why") or question.perturbation.drugs:
        return None
    ways = (question.perturbation, *question.against)
    changed = {gene for one in ways for gene in (*one.genes, *one.background)}
    read = set(question.readouts) - changed
    for i, item in enumerate(found):
        if item.kind != "gene" or item.described or item.candidates:
            continue
        names = set(item.members or (item.symbol,))
        words = [one.lower for one in found[max(0, i - 2) : i]]
        if words[-1:] == ["not"] and words != ["why", "not"] and names & (changed | read):
            return item
        if i > 1 and found[i - 1].lower == "or" and found[i - 2].kind == "gene":
            other = set(found[i - 2].members or (found[i - 2].symbol,))
            if (names <= changed) != (other <= changed):
                return item
        if names <= read and _is_changed(found, i):
            return item
        if names <= changed and _is_read(found, i):
            return item
    return None


def _is_changed(found: Sequence[Item], at: int) -> bool:
    """Whether a gene stands where only what is perturbed does."""
    before = found[at - 1].lower if at else ""
    after = found[at + 1] if at + 1 < len(found) else None
    if after is None:
        return before in _OPENS
    if before in _OPENS and after.lower not in _MOVES:
        return True
    return after.cue is not None and after.cue.strength == 3 and bool(DONE.match(after.text))


def _is_read(found: Sequence[Item], at: int) -> bool:
    """Whether a gene stands where only what is read out does, and no word perturbs it."""
    before = [item.lower for item in found[max(0, at - 2) : at]]
    near = found[max(0, at - 6) : at + 2]
    told = len(before) == 2 and before[1] in {"of", "for"} and before[0] in _READ_OUT
    return told and not any(item.cue for item in near)
