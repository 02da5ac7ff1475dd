"""Says yes, no or not known first, and honours what a question asks of a list of effects."""

import re
from collections.abc import Sequence

from knowledge.schema import Effect, Question

_RISES = re.compile(
    r"\b(?:up|rise|rises|raise|raises|increase[sd]?|induced?|induces|higher|elevated|upregulated?|"
    r"activates?|derepress\w*)\b",
    re.IGNORECASE,
)
_FALLS = re.compile(
    r"\b(?:down|drop|drops|fall|falls|lower|lowers|lowered|decrease[sd]?|reduced?|reduces|"
    r"downregulated?|repress(?:es|ed)?)\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"^\W*(?:does|do|is|are|will|would|can|could|did|was|were)\b", re.IGNORECASE)


def verdict(question: Question, effects: Sequence[Effect]) -> str:
    """Return "Yes", "No" or "Not known" about each readout, nothing where that was not asked."""
    if question.intent == "why" and question.asks == "direction":
        asked = None
    elif _YES_NO.match(question.text) and question.asks == "direction":
        rises, falls = bool(_RISES.search(question.text)), bool(_FALLS.search(question.text))
        asked = None if rises == falls else "up" if rises else "down"
    else:
        return ""
    said = []
    for effect in effects:
        if effect.gene not in question.readouts:
            continue
        if effect.call == "unknown":
            said.append(f"Not known for {effect.gene}.")
        elif effect.call == "unchanged" or (asked is not None and effect.call != asked):
            said.append(f"No: {effect.gene} {_moves(effect)}.")
        else:
            said.append(f"Yes: {effect.gene} {_moves(effect)}.")
    return " ".join(said)


def honoured(question: Question, effects: Sequence[Effect]) -> list[Effect]:
    """Return the effects that go the way that is asked for."""
    if question.direction is None:
        return list(effects)
    return [effect for effect in effects if effect.call == question.direction]


def counted(question: Question, effects: Sequence[Effect]) -> str:
    """Return how many genes are predicted to change, where that was asked."""
    if question.asks != "how_many":
        return ""
    clear = [effect for effect in effects if not effect.subtle and not effect.abstained]
    up = sum(effect.call == "up" for effect in clear)
    down = sum(effect.call == "down" for effect in clear)
    return (
        f"Of {len(effects):,} transcripts, {up + down:,} are predicted to change: {up:,} up, "
        f"{down:,} down."
    )


def _moves(effect: Effect) -> str:
    if effect.call == "unchanged":
        return "probably does not change"
    return f"goes {effect.call}"
