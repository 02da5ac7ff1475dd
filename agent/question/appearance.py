"""Tells questions about how cells look without a gene: `What does losing COPB1 do to the Golgi?`.

They are answered for HeLa cells, whatever line is named, as no other was photographed.
"""

import re

from agent.question.draft import Draft
from agent.question.items import Vocabulary
from agent.question.kinds import perturbed
from agent.question.pieces import Item
from agent.question.roles import Roles
from knowledge.schema import Question

LINE = "HeLa"
COMPARTMENTS: dict[str, str] = {
    "WGA": r"golgi(?: apparatus)?|plasma[ -]membranes?|wga",
    "ConA": r"endoplasmic reticulum|er(?= (?:in|look|morpholog|structure)|\W*$)|cona",
    "Mito": r"mitochondri(?:a|on|al network)",
    "DAPI": r"nucle(?:us|i)|nuclear (?:shape|size|morphology)|dapi",
    "Phalloidin": r"actin(?: (?:cytoskeleton|filaments?|fib(?:er|re)s?|network))?|cytoskeleton|"
    r"phalloidin",
}
_ANY = "|".join(f"(?:{words})" for words in COMPARTMENTS.values())
_APPEARANCE = re.compile(
    rf"\b(?:do|does|happens?|happened|done) to (?:the |hela )*(?:{_ANY})\b"
    rf"|\b(?:chang\w+|alter\w*|disrupt\w*|fragment\w*|disperse\w*|affect\w*) (?:the |hela )*"
    rf"(?:structure of the |shape of the |look of the )?(?:{_ANY})\b"
    rf"|\b(?:{_ANY}) (?:look|morphology|structure|shape|fragment\w*|disperse\w*|chang\w+)\b"
    r"|\bmorpholog(?:y|ical|ically)\b|\bcell[ -]painting\b|\bperiscope\b"
    r"|\bcells? look\b|\blook (?:of|different)\b|\bcell shape\b",
    re.IGNORECASE,
)
NOTE = "Only HeLa cells were photographed (PERISCOPE): the answer is about them."


def asks_appearance(text: str) -> bool:
    """Return whether a question is about how cells look."""
    return bool(_APPEARANCE.search(text))


def channels_of(text: str) -> tuple[str, ...]:
    """Return the channels that show the compartments a question names; none if it names none."""
    return tuple(
        channel
        for channel, words in COMPARTMENTS.items()
        if re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)
    )


def read_appearance(
    text: str, plain: str, found: list[Item], bones: str, knowledge: Vocabulary
) -> Question | None:
    """Return the question if it is about how cells look without a gene, and names no readout.

    Args:
        text: The user's words.
        plain: The same, cleaned and spelt right.
        found: Genes, lines and words in it.
        bones: Its skeleton.
        knowledge: Genes and lines.
    """
    # As it was written: the speller makes "acting" of actin.
    if not asks_appearance(text):
        return None
    roles = Roles(found).assigned()
    if not roles.perturbed or not roles.cues or roles.readouts:
        return None
    draft = Draft(text, plain, bones, found, knowledge, [LINE], [])
    one, notes = perturbed(roles, draft)
    if one.kind == "activation":
        return None
    return Question(
        perturbation=one,
        asks="phenotype",
        text=text,
        assumptions=(*(note for note in notes if "assumed" not in note), NOTE),
        intent="morphology",
    )
