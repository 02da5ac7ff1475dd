"""Tells a heading from the question under it: "cGAS STING: TREX1 knockout in RPE1, ISG15"."""

import re
from dataclasses import replace

from agent.question.pieces import Item
from agent.question.roles import Roles


def without_topic(found: list[Item]) -> tuple[list[Item], list[str]]:
    """Return the items with the genes of a heading as mere words, and what to tell about it.

    A heading stands before a colon, says no perturbation, and is followed by a clause that has
    both a perturbation and readouts, or that perturbs what the heading names.
    """
    colon = next((i for i, item in enumerate(found) if item.text == ":"), None)
    if colon is None:
        return found, []
    head, tail = found[:colon], found[colon + 1 :]
    named = [item for item in head if item.kind == "gene"]
    if not named or any(item.cue or item.kind == "line" for item in head):
        return found, []
    if tail and tail[0].cue and tail[0].cue.form == "noun":
        return found, []
    roles = Roles(tail).assigned()
    if not roles.cues:
        return found, []
    perturbed = {item.symbol for item in roles.perturbed}
    again = all(item.symbol in perturbed for item in named)
    if not (again or roles.readouts):
        return found, []
    told = [
        replace(item, kind="word", note="", members=(), named=None, described=True)
        if item.kind == "gene"
        else item
        for item in head
    ]
    note = f"'{' '.join(item.text for item in head)}' was taken as a heading."
    return [*told, *found[colon:]], [note]


def without_spared(found: list[Item]) -> tuple[list[Item], list[str]]:
    """Return the items with the genes of "but not ATF4" as mere words, and what to tell."""
    out, notes = list(found), []
    for i, item in enumerate(found):
        if item.kind == "gene" and _explained(found, i):
            out[i] = _mere(item)
        told = _spared(found, i) if item.kind == "gene" else ""
        for place in _joined(found, i) if told else ():
            out[place] = _mere(found[place])
            notes.append(f"{found[place].text} {told}")
            after = found[place + 1] if place + 1 < len(found) else None
            if after is not None and after.cue and found[i - 1].lower == "unlike":
                out[place + 1] = _mere(after)
    for i, item in enumerate(found[:-1]):
        after = found[i + 1]
        ahead = found[i + 2] if i + 2 < len(found) else None
        stands = ahead is None or ahead.kind in ("line", "mark") or ahead.lower in _CELLS
        if item.kind == "gene" and _INTACT.fullmatch(after.text) and stands:
            out[i] = _mere(item)
            notes.append(f"{item.text} {_LEFT}")
    return out, notes


def _spared(found: list[Item], at: int) -> str:
    """Return what to tell of a gene that a question sets aside; "" if it does not."""
    before = tuple(item.lower for item in found[max(0, at - 2) : at])
    after = found[at + 1].lower if at + 1 < len(found) else ""
    if before[-1:] == ("not",) and (before[0] in {"but", "and", ","} or after == "but"):
        return _LEFT
    aside = before in _ASIDE or before[-1:] in _ASIDE
    return "is set aside." if aside else ""


def _explained(found: list[Item], at: int) -> bool:
    """Whether brackets say which gene a process is meant by: "insulin signalling (INSR)"."""
    after = found[at + 1 : at + 4]
    if len(after) < 3 or not found[at].text.islower():
        return False
    return after[0].lower in _PROCESS and after[1].text == "(" and after[2].kind == "gene"


def _joined(found: list[Item], at: int) -> list[int]:
    """Return the places of the genes that go with one: "apart from HBG1 and HBG2"."""
    places = [at]
    while [item.kind for item in found[at + 1 : at + 3]] == ["word", "gene"]:
        if found[at + 1].lower not in {"and", "or", "nor"}:
            break
        at += 2
        places.append(at)
    return places


def _mere(item: Item) -> Item:
    return replace(item, kind="word", note="", members=(), named=None, cue=None, described=True)


_PROCESS = frozenset(["signalling", "signaling", "pathway", "axis", "response", "action"])
_LEFT = "is left as it is."
_ASIDE = frozenset(
    [
        *(("anything", "but"), ("something", "but"), ("apart", "from"), ("aside", "from")),
        *(("other", "than"), ("except", "for"), ("except",), ("besides",), ("excluding",)),
        ("unlike",),
    ]
)
_CELLS = frozenset(["cells", "cell", "background", "line", "lines"])
_INTACT = re.compile(r"wt|wild-?type|intact|proficient|competent|positive", re.IGNORECASE)
