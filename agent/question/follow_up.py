"""Reads a question that follows on another: "What about HMOX1?", "and in RPE1?", "why not p53?"."""

import re
from collections.abc import Sequence

from agent.question import words as vocabulary
from agent.question.forward import direction_asked, read_out, top_asked
from agent.question.kinds import members
from agent.question.pieces import Item
from agent.question.roles import Roles
from knowledge.errors import QuestionError
from knowledge.schema import Question

_FOLLOWS = "Follows on"
_OPENS = re.compile(
    r"^(?:and|what about|how about|also|same|then|but|or|why not|now|instead|ok|okay|why|"
    r"what if (?:it|they|i|we|not)|"
    r"so|which of (?:them|these|those)|does (?:it|that)|do they|is (?:it|that)|"
    r"would (?:it|that))\b"
)
# What becomes of a drug where its targets, or other genes, are perturbed instead.
NO_DRUG: dict[str, object] = {"drugs": (), "raised": (), "manner": ""}
_IT = re.compile(r"\b(?:it|that|them|they|this|these|those|the same|same)\b")
_WHY = re.compile(r"^(?:and |but |so )?why\b")


def follows_on(bones: str, found: Sequence[Item]) -> bool:
    """Return whether a question says too little by itself and begins like one that goes on."""
    roles = Roles(list(found)).assigned()
    genes = any(item.kind == "gene" for item in found)
    if roles.cues or (genes and any(item.cue and item.cue.strength > 1 for item in found)):
        return False
    opens = _OPENS.search(bones) is not None
    bare = len([item for item in found if item.kind not in ("mark", "line")]) <= 8
    return (opens and bare and (not genes or not roles.readouts)) or (
        not genes and bool(_IT.search(bones))
    )


def follows_on_another(question: Question) -> bool:
    """Return whether a question was read as one that goes on from another."""
    return question.assumptions[:1] != () and question.assumptions[0].startswith(_FOLLOWS)


def goes_on(bones: str) -> bool:
    """Return whether a question begins like one that goes on, whatever it says by itself."""
    return _OPENS.search(bones) is not None or bool(_IT.search(bones))


def alone(text: str) -> QuestionError:
    """Return the error for a question that follows on another, without that one."""
    return QuestionError(
        f"'{text}' follows on another question; go on from that run with `knockwise ask --continue "
        "RUN`, or say which gene is perturbed."
    )


def continued(
    before: Question, text: str, bones: str, found: list[Item], lines: Sequence[str]
) -> Question:
    """Return the earlier question with what the new one changes about it.

    Args:
        before: The question of the run that is continued.
        text: The new words.
        bones: Their skeleton.
        found: Their pieces.
        lines: The cell lines that they name, if any.

    Raises:
        QuestionError: Nothing in the words changes the question.
    """
    roles = Roles(found).assigned()
    one, told = before.perturbation, list[str]()
    named = [item for item in found if item.kind == "gene"]
    changes: dict[str, object] = {}
    kinds = [item.cue.kind for item in found if item.cue and item.cue.kind]
    if roles.cues:
        genes = members(roles.perturbed)
        one = one.model_copy(
            update={
                "genes": genes,
                "named": tuple(i.symbol for i in roles.perturbed if i.members),
                **(NO_DRUG if one.drugged else {}),
            }
        )
        told.append(f"{' and '.join(genes)} is perturbed instead.")
        named = list(roles.readouts)
    if kinds:
        no_drug = NO_DRUG if one.drugged else {}
        one = one.model_copy(update={"kind": kinds[0], "manner": "", **no_drug})
    if lines:
        one = one.model_copy(update={"cell_line": lines[0]})
    why = _WHY.search(bones) is not None
    if vocabulary.ASKS_WHICH.search(bones) and not named:
        changes |= {"readouts": (), "readout_sets": (), "asks": "which_genes"}
    if why:
        changes |= {"intent": "why", "asks": "why"}
    if named:
        readouts, sets = read_out(named)
        changes |= {"readouts": readouts, "readout_sets": sets}
    rest = " ".join(item.text for item in found)
    if direction := direction_asked(rest, bones):
        changes |= {"direction": direction}
    if top := top_asked(rest):
        changes |= {"top": top}
    if vocabulary.ASKS_HOW_MANY.search(rest):
        changes |= {"asks": "how_many"}
    if one == before.perturbation and not changes:
        raise QuestionError(
            f"'{text}' changes nothing about '{before.text}'; name a gene, a line or a kind of "
            "perturbation."
        )
    notes = [f"{_FOLLOWS} '{before.text}'.", *told]
    notes += [item.note for item in found if item.kind == "gene" and item.note]
    return before.model_copy(
        update={**changes, "perturbation": one, "text": text, "assumptions": tuple(notes)}
    )
