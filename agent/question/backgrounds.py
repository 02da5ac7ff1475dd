"""Tells what only describes the cells: "TP53-null RPE1", "in the absence of NRF2"."""

import re

from agent.question import words as vocabulary
from agent.question.assigned import Assigned, Perturbed
from agent.question.draft import Draft
from agent.question.kinds import members
from agent.question.listing import listed
from agent.question.pieces import Item
from knowledge.errors import QuestionError

_IN_BACKGROUND = re.compile(r"\b(?:cells?|lines?|background|setting|context|clones?)\b", re.I)


def background(roles: Assigned, draft: Draft) -> tuple[Assigned, list[str], list[str]]:
    """Return the roles without what only describes the cells, the genes lost there, and notes.

    "p53-null K562" beside another perturbation is a lesion of the line, "MDM2 knockdown in ATF4
    knockout K562" and "in the absence of NRF2" make one for this question.
    """
    cell = draft.knowledge.cell_lines.ground(draft.line)
    others = [one for one in roles.cues if not _describes_cells(one, draft.found)]
    described = [one for one in roles.cues if _describes_cells(one, draft.found)]
    kept_genes = {item.symbol for one in others for item in one.genes}
    again = [one for one in described if kept_genes & {i.symbol for i in one.genes}]
    given = {i.symbol for one in others if one.cue.kind == "activation" for i in one.genes}
    if any(given & {i.symbol for i in one.genes} for one in again if one.cue.kind != "activation"):
        raise QuestionError(
            "Rescue experiments (a gene given back to cells that lack it) are not predicted; ask "
            "what the loss does, or what the activation does in cells that have the gene."
        )
    described = [one for one in described if one not in again]
    known = {
        item.symbol
        for one in roles.cues
        if one.cue.form == "mark"
        for item in one.genes
        if cell.lesion(item.symbol) is not None
    }
    done = {item.symbol for one in roles.cues if one.cue.form != "mark" for item in one.genes}
    known -= done
    if known and done:
        rest = [one for one in roles.cues if not {i.symbol for i in one.genes} <= known]
        kept = Assigned(
            perturbed=tuple(item for item in roles.perturbed if item.symbol not in known),
            readouts=roles.readouts,
            cues=tuple(rest),
            notes=(
                *roles.notes,
                f"The loss of {listed(sorted(known))} is a lesion of {draft.line}.",
            ),
        )
        return background(kept, draft)
    if not described or not any(one.cue.form != "mark" for one in others):
        return roles, [], []
    gained = [one for one in described if one.cue.kind == "activation"]
    if gained:
        raise QuestionError(
            f"Cells that overexpress {listed(members(gained[0].genes))} cannot be the background "
            "of another perturbation yet; ask about a line that lacks a gene, or about one of them."
        )
    lost = members(item for one in described for item in one.genes)
    note = (
        f"The cells lack {listed(lost)}, which no screen looked at: directions follow from the "
        "built-in pathways alone, a hypothesis without a calibrated number."
    )
    kept = Assigned(
        perturbed=tuple(item for one in others for item in one.genes),
        readouts=tuple(item for item in roles.readouts if item.symbol not in lost),
        cues=tuple(others),
        notes=roles.notes,
    )
    return kept, list(lost), [note]


def _describes_cells(one: Perturbed, found: list[Item]) -> bool:
    """Whether a perturbation word describes the cells rather than what is done to them."""
    word = found[one.at].lower
    before = [item.lower for item in found[max(0, one.at - 3) : one.at]]
    if word in {"absence", "background"} and {"in", "the"} <= set(before):
        return True
    if word in {"without", "lacking"} and _opens_clause(one, found):
        return True
    if word in {"lacking", "without", "lack"} and before:
        told = _IN_BACKGROUND.fullmatch(before[-1]) or before[-1] in {"that", "which", "in"}
        return bool(told) or found[one.at - 1].kind == "line"
    if _is_given(one, found):
        return True
    end = max(one.at, *one.span)
    after = found[end + 1 : end + 2]
    if one.at != end or one.cue.form in ("verb", "split") or not after:
        return False
    if after[0].kind != "line" and not _IN_BACKGROUND.fullmatch(after[0].text):
        return False
    ahead = [item.lower for item in found[max(0, min(one.span) - 3) : min(one.span)]]
    return one.cue.form == "mark" or not ahead or ahead[-1] in _OPENS


def _is_given(one: Perturbed, found: list[Item]) -> bool:
    """Whether the state of the cells stands first: "with TP53 gone, does", "RPE1 TP53-/-: does"."""
    start, end = min(one.span), max(one.at, *one.span)
    ends = found[end + 1 : end + 2]
    if not ends or ends[0].text not in {",", ":", ";"} or start == 0:
        return False
    opens = found[start - 1]
    with_gone = opens.lower == "with" and start == 1 and one.cue.form == "participle"
    of_line = opens.kind == "line" and start == 1 and one.cue.form == "mark"
    asks = any(item.lower in vocabulary.ASKS for item in found[end + 2 : end + 3])
    return (with_gone or (of_line and asks)) and any(item.cue for item in found[end + 2 :])


def _opens_clause(one: Perturbed, found: list[Item]) -> bool:
    """Whether "without STAT3," stands at the start, with a perturbation after the comma."""
    ahead = [item for item in found[: one.at] if item.kind == "word"]
    after = found[max(one.span) + 1 :]
    comma = next((i for i, item in enumerate(after) if item.text == ","), None)
    return not ahead and comma is not None and any(item.cue for item in after[comma:])


# May stand before cells: "in ATF4 knockout K562".
_OPENS = frozenset(["in", "of", "on", "a", "an", "the", "using", "within"])
