"""Perturbations side by side, on the page."""

import re
from typing import Any

from agent.session import Session
from app.comparing import comparison_of
from app.show.comparison import comparison_parts
from app.web.lists import KINDS
from knowledge.schema import PerturbationKind
from tools.expression import shipped_expression

ALL_LINES = "every line"
CONTEXT = "context:"


def places_of(session: Session) -> dict[str, str]:
    """Return where perturbations can be compared: value of the choice -> its words."""
    lines = [line.name for line in session.knowledge.cell_lines]
    contexts = [one for one in shipped_expression().contexts if one.unit != "latent"]
    return {
        **{name: name for name in lines},
        ALL_LINES: "all lines beside each other",
        **{f"{CONTEXT}{one.name}": f"{one.name} (measured expression)" for one in contexts},
    }


def side_by_side(session: Session, words: str, kind: str, where: str) -> dict[str, Any]:
    """Return what the page shows of a comparison.

    Args:
        session: What is known.
        words: Perturbations with commas between them.
        kind: What is done to the genes.
        where: A line, all of them, or a context of `express`.

    Raises:
        QuestionError: There are not two sides, or a word is no gene.
    """
    how: PerturbationKind = next((one for one in KINDS if one == kind), "knockdown")
    sides = [part for part in re.split(r"[,;]", words) if part.strip()]
    if where.startswith(CONTEXT):
        found = comparison_of(session, sides, context=where.removeprefix(CONTEXT))
    else:
        every = [line.name for line in session.knowledge.cell_lines]
        lines = every if where == ALL_LINES else [where] if where else []
        found = comparison_of(session, sides, cell_lines=lines, kind=how)
    return comparison_parts(found)
