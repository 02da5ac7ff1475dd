"""Reads comparisons: one gene, kind, line or background against another."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from agent.question.assigned import Assigned, Perturbed
from agent.question.draft import MOST_PERTURBED, Draft
from agent.question.forward import nothing_perturbed, read_out, reading_notes
from agent.question.kinds import members, perturbed
from agent.question.pieces import Item
from agent.question.roles import Roles
from agent.question.words import IntentRow
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation, Question

# What stands between two sides; read as a list.
_BETWEEN = frozenset(["vs", "versus", "or", "than", "with", "against", "from"])
_PAIRS = {
    ("rather", "than"),
    ("compared", "to"),
    ("compared", "with"),
    ("relative", "to"),
    ("opposed", "to"),
}
_AGAIN = frozenset(["after", "upon", "with", "on", "by", "in", "of"])
_INTACT = re.compile(r"(?:wild-?type|wt|proficient|intact|positive|competent)", re.IGNORECASE)


def read_compare(draft: Draft, row: IntentRow) -> Question:
    """Return a question about two or more perturbations side by side.

    Raises:
        QuestionError: Fewer than two sides are named.
    """
    if question := _backgrounds(draft):
        return question
    found = list(_as_list(_of_one_gene(draft.found)))
    roles = Roles(found).assigned()
    if not roles.cues or _sought(found):
        listed = _first_list(found)
        roles = listed if listed.perturbed or not roles.cues else roles
    if not roles.perturbed:
        raise nothing_perturbed(draft.found, draft.knowledge)
    sides, notes = [], list[str]()
    for one in _sides(roles, found):
        side, told = perturbed(one, draft)
        notes += told
        if side not in sides:
            sides.append(side)
    sides = _given_kinds(sides, roles)
    if len(sides) == 1 and len(draft.lines) == 1:
        kinds = dict.fromkeys(item.cue.kind for item in found if item.cue and item.cue.kind)
        sides = [
            sides[0].model_copy(update={"kind": kind, "manner": ""}) for kind in kinds
        ] or sides
    if len(draft.lines) > 1:
        if len(sides) > 1:
            raise QuestionError(
                "The question compares genes and cell lines at once; compare one of the two."
            )
        sides = [sides[0].model_copy(update={"cell_line": line}) for line in draft.lines]
    if len(sides) < 2:
        raise QuestionError(
            "The question compares but names one perturbation; ask for example 'Compare MDM2 and "
            "MDM4 knockout in RPE1: CDKN1A'."
        )
    if len(sides) > MOST_PERTURBED:
        raise QuestionError(
            f"The question compares {len(sides)} perturbations; name at most {MOST_PERTURBED}."
        )
    readouts, sets = read_out(roles.readouts)
    kept = [note for note in notes if "assumed" not in note]
    if len(kept) < len(notes):
        kept.append(f"The kind of perturbation was not named: {sides[0].kind} assumed.")
    return Question(
        perturbation=sides[0],
        against=tuple(sides[1:]),
        readouts=readouts,
        readout_sets=sets,
        text=draft.text,
        assumptions=(*draft.notes, *kept, *reading_notes(draft.found, roles)),
        intent="compare",
        asks="direction" if readouts else "what_happens",
    )


def _as_list(found: Sequence[Item]) -> Iterator[Item]:
    """Yield the items with what stands between the sides as "and"."""
    lowers = [item.lower for item in found]
    for i, item in enumerate(found):
        pair = tuple(lowers[i : i + 2])
        before = tuple(lowers[max(0, i - 1) : i + 1])
        if pair in _PAIRS:
            continue
        again = i > 1 and lowers[i - 1] == "or" and item.lower in lowers[: i - 1]
        if again and item.lower in _AGAIN and pair[1:] and found[i + 1].kind == "gene":
            continue
        # "with A or with B" opens the list; it joins nothing.
        opens = item.lower in _AGAIN and ("or", item.lower) in pairwise(lowers[i:])
        between = before in _PAIRS or (item.lower in _BETWEEN and not opens)
        joins = any(one.kind in ("gene", "cue") for one in found[i + 1 : i + 4]) and i > 0
        if item.lower in ("compare", "comparing", "rank", "ranking"):
            yield replace(item, kind="mark", text=",")
        elif between and joins:
            yield replace(item, kind="word", text="and")
        else:
            yield item


def _sought(found: list[Item]) -> bool:
    """Whether the perturbation is of one among a list: "A or B: whose knockdown", "of A and B"."""
    return any(
        item.cue is not None and found[i - 1].lower in {"which", "whose"}
        for i, item in enumerate(found)
        if i
    )


def _of_one_gene(found: list[Item]) -> list[Item]:
    """Return the items with the second kind of "A overexpression vs knockdown" as a mere mark.

    Its kind is still counted; without a gene of its own it must not take a readout for one.
    """
    genes = [i for i, item in enumerate(found) if item.kind == "gene"]
    out = list(found)
    for i, item in enumerate(found):
        before, after = found[i - 1] if i else None, found[i + 1] if i + 1 < len(found) else None
        if item.lower not in {"vs", "versus", "or", "and", "against"} or not before or not after:
            continue
        if not (before.cue and after.cue and after.cue.kind and before.cue.kind != after.cue.kind):
            continue
        own = i + 2 in genes or (i + 3 in genes and found[i + 2].lower in {"of", "against"})
        behind = i + 2 < len(found) and found[i + 2].lower in {"of", "against"}
        if not own or behind:
            out[i + 1] = replace(after, kind="mark")
            out[i] = replace(item, kind="mark", text="")
    return out


def _first_list(found: list[Item]) -> Assigned:
    """Return the first list of genes as the sides, where no word says a perturbation."""
    groups: list[list[int]] = []
    for i, item in enumerate(found):
        if item.kind != "gene":
            continue
        near = groups and all(
            one.kind == "mark" or one.lower in {"and", "&", "of"}
            for one in found[groups[-1][-1] + 1 : i]
        )
        apart = groups and any(one.text in ":?." for one in found[groups[-1][-1] + 1 : i])
        if near and not apart:
            groups[-1].append(i)
        else:
            groups.append([i])
    sides = next((group for group in groups if len(group) > 1), [])
    rest = [i for group in groups for i in group if group is not sides]
    return Assigned(
        perturbed=tuple(found[i] for i in sides), readouts=tuple(found[i] for i in rest)
    )


def _sides(roles: Assigned, found: list[Item]) -> Iterator[Assigned]:
    """Yield one side after another; genes that a plus joins are on one side."""
    if not roles.cues:
        for item in roles.perturbed:
            yield Assigned(perturbed=(item,), readouts=())
        return
    symbols = [item.symbol for one in roles.cues for item in one.genes]
    nested = len(symbols) > len(set(symbols))
    for one in roles.cues:
        if nested and len(roles.cues) > 1:
            yield _side(one, list(one.span), found)
            continue
        if nested:
            raise QuestionError(
                "The question compares one gene with itself and another; write A+B for a double "
                "perturbation, for example 'Compare HSPA5 and HSPA5+ATF4 knockdown'."
            )
        group: list[int] = []
        for place in sorted(one.span):
            if group and {found[j].text for j in range(group[-1], place)} & {"+", "&"}:
                group.append(place)
                continue
            if group:
                yield _side(one, group, found)
            group = [place]
        if group:
            yield _side(one, group, found)


def _side(one: Perturbed, places: list[int], found: list[Item]) -> Assigned:
    genes = tuple(found[i] for i in places)
    cue = Perturbed(one.at, one.cue, tuple(places), genes)
    return Assigned(perturbed=genes, readouts=(), cues=(cue,))


def _given_kinds(sides: list[Perturbation], roles: Assigned) -> list[Perturbation]:
    """Return the sides, an unnamed kind ("HSPA5 loss") as the one that another side names."""
    named = {one.cue.kind for one in roles.cues if one.cue.kind is not None}
    if len(named) == 1:
        (kind,) = named
        return list(dict.fromkeys(side.model_copy(update={"kind": kind}) for side in sides))
    return sides


def _backgrounds(draft: Draft) -> Question | None:
    """Read "p53 wild-type vs p53-null RPE1, MDM2 loss": the same on two backgrounds."""
    found = draft.found
    intact = {
        found[i].symbol
        for i in range(len(found) - 1)
        if found[i].kind == "gene" and _INTACT.fullmatch(found[i + 1].lower)
    }
    roles = Roles(found).assigned()
    lost = [one for one in roles.cues if {item.symbol for item in one.genes} & intact]
    bare = not lost and re.search(r"\b(?:wild-?type|wt)\b", draft.bones) is not None
    if bare:
        lost = [one for one in roles.cues if one.cue.form == "mark"]
    others = [one for one in roles.cues if one not in lost]
    if not lost or not others:
        return None
    gone = members(item for one in lost for item in one.genes)
    taken = Assigned(
        perturbed=tuple(item for one in others for item in one.genes),
        readouts=tuple(item for item in roles.readouts if item.symbol not in gone),
        cues=tuple(others),
    )
    one, notes = perturbed(taken, draft)
    readouts, sets = read_out(taken.readouts)
    return Question(
        perturbation=one,
        against=(one.model_copy(update={"background": gone}),),
        readouts=readouts,
        readout_sets=sets,
        text=draft.text,
        assumptions=(*draft.notes, *notes, *reading_notes(found, taken)),
        intent="compare",
        asks="direction" if readouts else "what_happens",
    )
