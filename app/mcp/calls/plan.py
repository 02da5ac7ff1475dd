"""The next perturbations to make, for a goal and a budget."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from app.mcp.call import SHOWN_ROWS, Call, Genes, Reply, Tell, call_words, more_words, table
from knowledge.schema import Frozen, PerturbationKind

if TYPE_CHECKING:
    from app.mcp.desk import Desk


class PlanArgs(Frozen):
    """Choose the perturbations to make next, spread out, with controls and a panel of readouts.

    Goals: `modifiers` move the readouts the wanted way; `cover` are the fewest that together move
    most of them; `phenotype` are losses known or expected to cause one; `learn` teaches a
    model of the line most. The last two need no readouts. The list is not
    padded: it ends where nothing more is gained.
    """

    goal: Literal["modifiers", "cover", "learn", "phenotype"] = Field(description="What for")
    readouts: Genes = Field(
        default_factory=list, description="Genes to move, none for `learn`", max_length=500
    )
    phenotype: str | None = Field(
        default=None, description="Its name or id, of mice or people", max_length=120
    )
    direction: Literal["up", "down"] | None = Field(
        default=None, description="Which way; null for either"
    )
    budget: int = Field(default=24, ge=1, le=1_000, description="How many perturbations at most")
    cell_line: str = Field(default="K562", description="K562, RPE1, HepG2 or Jurkat", max_length=60)
    kind: PerturbationKind = Field(default="knockdown", description="How genes are perturbed")


def _plan(desk: "Desk", args: PlanArgs, tell: Tell) -> Reply:
    from app.jobs.pairs import ground_gene
    from app.lists import line_of
    from knowledge.errors import QuestionError
    from tools.lists.atlas import atlas_of
    from tools.lists.design import planned
    from tools.lists.phenotypic import phenotype_hits
    from tools.phenotypes import shipped_phenotypes

    if (args.goal in ("learn", "phenotype")) == bool(args.readouts):
        raise QuestionError("Give plan readouts, or the goal learn or phenotype without any.")
    if (args.goal == "phenotype") != bool(args.phenotype):
        raise QuestionError("Name the phenotype with the goal phenotype, and with no other.")
    session = desk.session(tell)
    line = line_of(session, args.cell_line)
    symbols, predictor = session.knowledge.symbols, session.predictor
    readouts = tuple(dict.fromkeys(ground_gene(symbols, word) for word in args.readouts))
    tell("planning")
    found = planned(
        predictor,
        atlas_of(session.settings.data, predictor.response),
        args.goal,
        line,
        args.budget,
        readouts=readouts,
        direction=args.direction,
        kind=args.kind,
        hits=phenotype_hits(shipped_phenotypes(), args.phenotype) if args.phenotype else None,
    )
    rows: list[dict[str, Any]] = [
        {
            "perturbation": one.gene,
            "kind": args.kind,
            "cell_line": line,
            "gain": round(one.gain, 4),
            "expected": one.expected,
            "essential": one.essential,
            "reason": one.reason,
            "notes": "; ".join(one.notes),
        }
        for one in found.rows
    ]
    columns = {"perturbation": "Perturb", "gain": "Gain", "reason": "Why", "notes": "Notes"}
    shown = rows[:SHOWN_ROWS]
    notes = [
        *found.notes,
        f"Positive controls (measured): {', '.join(found.positive) or 'none measured'}.",
        f"Negative controls: non-targeting guides, and {', '.join(found.negative) or 'none'}.",
    ]
    if found.panel:
        notes.append(f"Readouts that tell them apart: {', '.join(found.panel)}.")
    return Reply(
        text=f"{len(rows)} perturbations of {found.candidates:,} candidates in {line}.\n\n"
        + table(shown, columns)
        + more_words(len(shown), len(rows)),
        question=args.model_dump(mode="json", exclude_defaults=True),
        rows=rows,
        notes=notes,
        next=[
            call_words("predict", perturbation=[rows[0]["perturbation"]], cell_line=line)
            + " for what the first would do"
        ]
        if rows
        else [],
    )


PLAN = Call(
    name="plan",
    title="Plan the next perturbations",
    args=PlanArgs,
    run=_plan,
    subjects=("effects",),
    limits="It chooses genes, not guides, doses or times. `knockwise eval campaign` measures such "
    "choices by replaying measured screens; plan replicates and controls as ever.",
)
