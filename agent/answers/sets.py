"""What becomes of a named set of readouts: its score, and its members by prediction."""

from collections.abc import Sequence
from typing import Literal

from knowledge.schema import Effect, NamedSet, Question, SetEffect

# The share of the predicted members that must go one way for the set to go it.
MOST = 0.6
# A set of which fewer members than this share are predicted to change stays as it is.
FEW = 0.25


def set_effects(question: Question, effects: Sequence[Effect]) -> tuple[SetEffect, ...]:
    """Return one row for each named set that was asked about."""
    by_gene = {effect.gene: effect for effect in effects}
    return tuple(_set_effect(one, by_gene) for one in question.readout_sets)


def set_words(rows: Sequence[SetEffect]) -> list[str]:
    """Return a sentence for each set, which stands before its members."""
    return [_sentence(row) for row in rows]


def _set_effect(named: NamedSet, by_gene: dict[str, Effect]) -> SetEffect:
    members = [by_gene[gene] for gene in named.members if gene in by_gene]
    ways = {
        call: tuple(effect.gene for effect in members if effect.call == call)
        for call in ("up", "down", "unchanged", "unknown")
    }
    scored = [
        effect.p_de * (2 * effect.p_up - 1)
        for effect in members
        if effect.p_de is not None and not effect.abstained
    ]
    return SetEffect(
        name=named.name,
        up=ways["up"],
        down=ways["down"],
        unchanged=ways["unchanged"],
        unknown=ways["unknown"],
        score=round(sum(scored) / len(scored), 4) if scored else None,
        call=_call(len(ways["up"]), len(ways["down"]), len(ways["unchanged"])),
    )


def _call(
    up: int, down: int, unchanged: int
) -> Literal["up", "down", "unchanged", "mixed", "unknown"]:
    moved = up + down
    if moved + unchanged == 0:
        return "unknown"
    if moved < FEW * (moved + unchanged):
        return "unchanged"
    if up >= MOST * moved:
        return "up"
    return "down" if down >= MOST * moved else "mixed"


def _sentence(row: SetEffect) -> str:
    words = {
        "up": f"{row.name} go up as a set",
        "down": f"{row.name} go down as a set",
        "unchanged": f"{row.name} are not expected to change as a set",
        "mixed": f"{row.name} go both ways",
        "unknown": f"{row.name} are not predicted",
    }[row.call]
    known = len(row.up) + len(row.down) + len(row.unchanged)
    counts = f"{len(row.up)} up, {len(row.down)} down of {known} predicted members"
    score = f"score {row.score:+.2f}, " if row.score is not None else ""
    told = f" ({score}{counts})" if known else ""
    return f"{words[:1].upper()}{words[1:]}{told}."
