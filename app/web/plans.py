"""Which perturbations to make next, on the page."""

from agent.session import Session
from app.lists import line_of, plan_notes
from app.web.lists import KINDS, Ranked, readouts_of
from knowledge.errors import QuestionError
from knowledge.schema import Direction, PerturbationKind
from tools.lists.atlas import atlas_of
from tools.lists.design import Plan, planned

GOALS = {
    "up": "raise it",
    "down": "lower it",
    "either": "change it",
    "cover": "together move most of a set",
    "learn": "teach a model most (names no gene)",
}
MOST = 384
FOLD = 2.0
MOLECULES = 1.0
PANEL = 20


def plan_of(
    session: Session, words: str, goal: str, kind: str, cell_line: str, budget: int
) -> Ranked:
    """Return the next perturbations for a goal, with controls and a panel in the notes.

    Args:
        session: What is known.
        words: Genes or the name of a set; "" to teach a model.
        goal: One of `GOALS`.
        kind: How genes are perturbed.
        cell_line: Where.
        budget: How many perturbations at most.

    Raises:
        QuestionError: Nothing can be planned for this.
    """
    if goal not in GOALS:
        raise QuestionError(f"There is no goal {goal[:40]!r}.")
    if not 1 <= budget <= MOST:
        raise QuestionError(f"Plan between 1 and {MOST} perturbations.")
    line, learn = line_of(session, cell_line), goal == "learn"
    readouts = () if learn else readouts_of(session, words)
    how: PerturbationKind = next((one for one in KINDS if one == kind), "knockdown")
    direction: Direction | None = next((one for one in ("up", "down") if one == goal), None)
    predictor = session.predictor
    found = planned(
        predictor,
        atlas_of(session.settings.data, predictor.response),
        "learn" if learn else "cover" if goal == "cover" else "modifiers",
        line,
        budget,
        readouts=readouts,
        direction=direction,
        kind=how,
        panel=PANEL,
    )
    named = ", ".join(readouts[:6]) + (" ..." if len(readouts) > 6 else "")
    rows = (
        (
            one.gene,
            f"{one.gain:.2f}",
            "" if one.expected is None else f"{one.expected:,.0f}",
            one.reason,
            "; ".join(one.notes),
        )
        for one in found.rows
    )
    return Ranked(
        title=f"{len(found.rows)} {how}s in {line}, to {_said(goal, named)}",
        lead=f"Of {found.candidates:,} candidates; {100 * found.essential_share:.0f} % of those "
        "planned are needed by most cancer lines. The list is not padded.",
        columns=("Perturb", "Gain", "Readouts moved", "Why", "Notes"),
        rows=tuple(rows),
        notes=_notes(found),
    )


def _said(goal: str, named: str) -> str:
    verbs = {"up": "raise", "down": "lower", "either": "change", "cover": "move most of"}
    return f"{verbs[goal]} {named}" if goal in verbs else "teach a model most"


def _notes(found: Plan) -> tuple[str, ...]:
    notes = plan_notes(found, FOLD, MOLECULES)
    if found.panel:
        notes.append(f"Readouts of a targeted assay: {', '.join(found.panel)}.")
    return tuple(notes)
