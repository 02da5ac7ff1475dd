"""Lists of genes: why they changed, who may have moved them, and what would move a gene."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from app.mcp.call import (
    SHOWN_ROWS,
    Call,
    Genes,
    Reply,
    Tell,
    Words,
    call_words,
    cell,
    more_words,
    table,
)
from knowledge.schema import Frozen, PerturbationKind

if TYPE_CHECKING:
    from app.mcp.desk import Desk

MOST = 2_000
CHANGED = "Genes that changed, with their signs: DDIT3+, LDLR-; signs may be left away"


class ExplainArgs(Frozen):
    """Explain why the genes of a result changed after a known perturbation.

    Each changed gene with the signed path that explains it, one that says the other way, or the
    reason why there is none; beside it what had been predicted before looking. The share that is
    explained stands beside unchanged genes and shuffled networks, so that it can be judged.
    """

    changed: Words = Field(description=CHANGED, min_length=1, max_length=MOST)
    perturbation: Genes = Field(
        description="What was perturbed; several for genes perturbed together",
        min_length=1,
        max_length=4,
    )
    unchanged: Genes = Field(
        default_factory=list,
        description="Genes that were tested and did not change: without them, less can be judged",
        max_length=10_000,
    )
    cell_line: str = Field(default="K562", description="K562, RPE1, HepG2 or Jurkat", max_length=60)
    kind: PerturbationKind = Field(default="knockout", description="What was done")
    top: int = Field(default=100, ge=1, le=1_000, description="How many rows, at most 1,000")


class WhoArgs(Frozen):
    """Rank the perturbations that would produce a list of changed genes.

    For a list whose cause is not known: losses and gains by how well predictions, measured
    knockdowns and signed paths agree with it, each beside permuted lists.
    """

    changed: Words = Field(description=CHANGED, min_length=1, max_length=MOST)
    cell_line: str = Field(default="K562", description="K562, RPE1, HepG2 or Jurkat", max_length=60)
    sought: Literal["loss", "gain", "either"] = Field(
        default="either", description="Losses, gains or both"
    )
    top: int = Field(default=20, ge=1, le=1_000, description="How many, at most 1,000")


class FindArgs(Frozen):
    """Find the perturbations that raise or lower a gene, or that act like another one.

    With `readouts`: what moves that gene, or most of several, the wanted way, specific ones first.
    With `like` or `opposite`: losses whose consequences are those of this gene's loss, or the
    contrary (candidates for a rescue).
    """

    readouts: Genes = Field(
        default_factory=list, description="The gene to move, or several", max_length=500
    )
    direction: Literal["up", "down"] | None = Field(
        default=None, description="Which way; null for either"
    )
    like: str | None = Field(default=None, description="A gene, instead of readouts", max_length=60)
    opposite: str | None = Field(
        default=None, description="A gene, instead of readouts", max_length=60
    )
    cell_line: str = Field(default="K562", description="K562, RPE1, HepG2 or Jurkat", max_length=60)
    kind: PerturbationKind = Field(
        default="knockdown", description="How the genes found are perturbed"
    )
    top: int = Field(default=20, ge=1, le=1_000, description="How many, at most 1,000")


def _explain(desk: "Desk", args: ExplainArgs, tell: Tell) -> Reply:
    from app.api import perturbation_of
    from app.lists import explained_list, result_of
    from app.show.lists import control_rows, explanation_rows, foresight_rows, headline

    session = desk.session(tell)
    one = perturbation_of(args.perturbation, args.cell_line, args.kind, session=session)
    result = result_of(session, args.changed, args.unchanged)
    tell("following the paths")
    found = explained_list(session, one, result)
    rows = explanation_rows(found)
    judged = [*control_rows(found), *foresight_rows(found)]
    told = [{"what": what, "figure": figure, "beside": beside} for what, figure, beside in judged]
    columns = {
        "gene": "Gene",
        "measured": "Measured",
        "verdict": "Verdict",
        "expectation": "Expected",
        "path": "Path",
        "reason": "Reason",
    }
    shown = rows[: min(SHOWN_ROWS, args.top)]
    return Reply(
        text="\n\n".join(
            (
                cell(headline(found)),
                table(told, {"what": "What that is worth", "figure": "", "beside": "Beside"}),
                table(shown, columns) + more_words(len(shown), len(rows)),
            )
        ),
        question=one.model_dump(mode="json", exclude_defaults=True),
        rows=rows[: args.top],
        total=len(rows),
        notes=found.notes,
        more={"counts": dict(found.counts), "controls": told},
        next=[
            call_words("who", changed=args.changed[:20], cell_line=one.cell_line)
            + " to see which perturbation the list speaks of, not knowing it"
        ],
    )


def _who(desk: "Desk", args: WhoArgs, tell: Tell) -> Reply:
    from app.lists import cause_rows, causes_of, line_of, result_of

    session = desk.session(tell)
    line = line_of(session, args.cell_line)
    result = result_of(session, args.changed)
    tell("comparing")
    found = causes_of(session, result, line, args.sought, args.top)
    rows = cause_rows(found)
    columns = {
        "perturbation": "Perturbed",
        "kind": "As",
        "score": "Score",
        "p": "As good in permuted lists",
        "measured": "Measured likeness",
        "path": "Paths",
    }
    shown = rows[:SHOWN_ROWS]
    lead = (
        f"{found.used:,} of {found.listed:,} genes with a direction compared with "
        f"{found.candidates:,} candidates in {found.cell_line}."
    )
    return Reply(
        text=f"{lead}\n\n{table(shown, columns)}" + more_words(len(shown), len(rows)),
        question={"changed": list(args.changed), "cell_line": found.cell_line},
        rows=rows,
        notes=found.notes,
        next=[
            call_words(
                "explain",
                changed=args.changed[:20],
                perturbation=[rows[0]["perturbation"]],
                cell_line=found.cell_line,
                kind=rows[0]["kind"],
            )
            + " for how the first would do it"
        ]
        if rows
        else [],
    )


def _find(desk: "Desk", args: FindArgs, tell: Tell) -> Reply:
    from app.lists import (
        alike_perturbations,
        alike_rows,
        alike_words,
        found_perturbations,
        found_rows,
        line_of,
    )
    from knowledge.errors import QuestionError

    if sum((bool(args.readouts), args.like is not None, args.opposite is not None)) != 1:
        raise QuestionError("Give find readouts, or one of like and opposite.")
    session = desk.session(tell)
    line = line_of(session, args.cell_line)
    tell("searching")
    if args.readouts:
        search = found_perturbations(
            session, args.readouts, line, args.direction, args.kind, args.top
        )
        rows, notes = found_rows(search), search.notes
        lead = (
            f"{search.searched:,} perturbations searched in {line}, {search.measured:,} of them "
            f"measured on {search.readouts[0]}."
        )
        columns = {
            "perturbation": "Perturbed",
            "call": "It goes",
            "p_de": "P(changes)",
            "measured": "Measured",
            "breadth": "Share of genes it changes",
            "path": "Path",
            "notes": "Notes",
        }
    else:
        gene = args.like or args.opposite or ""
        against = args.opposite is not None
        found, compared = alike_perturbations(session, gene, line, opposite=against, top=args.top)
        rows, notes = alike_rows(found, line), ()
        lead = f"{alike_words(cell(gene), line, opposite=against, compared=compared)}."
        columns = {
            "perturbation": "Perturbed",
            "likeness": "Likeness",
            "same": "Same way",
            "opposite": "Other way",
            "known_by": "Known by",
        }
    first = rows[0]["perturbation"] if rows else None
    shown = rows[:SHOWN_ROWS]
    return Reply(
        text=f"{lead}\n\n{table(shown, columns)}" + more_words(len(shown), len(rows)),
        question=args.model_dump(mode="json", exclude_defaults=True),
        rows=rows,
        notes=notes,
        next=[
            call_words("cascade", perturbation=[first], readout=args.readouts[0], cell_line=line)
            + " for why"
        ]
        if first and args.readouts
        else [],
    )


EXPLAIN = Call(
    name="explain",
    title="Explain the genes that changed",
    args=ExplainArgs,
    run=_explain,
    subjects=("cascade",),
    limits="A path explains; it does not prove. Compare the explained share with that of unchanged "
    "genes and of shuffled networks, which the answer gives. A list without unchanged genes can be "
    "judged by the latter alone.",
)
WHO = Call(
    name="who",
    title="What may have caused a list",
    args=WhoArgs,
    run=_who,
    subjects=("effects",),
    limits="A ranking of candidates to test, not a diagnosis: genes of one complex or pathway look "
    "alike, and a list of general stress fits many.",
)
FIND = Call(
    name="find",
    title="Find perturbations that move a gene",
    args=FindArgs,
    run=_find,
    subjects=("effects",),
    limits="Perturbations that screens measured, that a model can embed, or that a path leads "
    "from. A specific one changes a small share of genes; an essential one may kill the cells.",
)
