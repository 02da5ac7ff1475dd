"""Perturbations side by side: which readouts they share, and a double beside independence."""

from typing import TYPE_CHECKING

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


class CompareArgs(Frozen):
    """Lay perturbations, cell lines or a measured list side by side, readout by readout.

    Give two perturbations or more, or one in several lines, or one double (`A+B`), which is set
    beside its singles and what independence would give. With `context`, the measured and predicted
    expression changes of that screen are compared, doubles beside the sum of their singles.
    """

    perturbations: list[str] = Field(
        description="A gene each, or genes perturbed together as A+B", min_length=1, max_length=8
    )
    cell_lines: Genes = Field(
        default_factory=list, description="K562, RPE1, HepG2, Jurkat; K562 by default", max_length=4
    )
    kind: PerturbationKind = Field(default="knockdown", description="What is done to the genes")
    measured: Words = Field(
        default_factory=list,
        description="A measured list as a further side: DDIT3+, LDLR-",
        max_length=2_000,
    )
    readouts: Genes = Field(
        default_factory=list,
        description="Genes to read; whatever some side changes by default",
        max_length=500,
    )
    context: str | None = Field(
        default=None, description="An expression screen, such as norman", max_length=60
    )
    top: int = Field(default=100, ge=1, le=1_000, description="How many readouts, at most 1,000")


def _compare(desk: "Desk", args: CompareArgs, tell: Tell) -> Reply:
    from app.comparing import compared_words, comparison_of, comparison_rows, pair_rows
    from app.lists import result_of

    session = desk.session(tell)
    tables = [result_of(session, args.measured)] if args.measured else []
    tell("comparing")
    found = comparison_of(
        session,
        args.perturbations,
        cell_lines=args.cell_lines,
        kind=args.kind,
        tables=tables,
        readouts=args.readouts,
        context=args.context,
        top=args.top,
    )
    rows, pairs = comparison_rows(found), pair_rows(found)
    columns = {"gene": "Gene", **{one.label: one.label for one in found.columns},
               "pattern": "Pattern"}  # fmt: skip
    shown = rows[:SHOWN_ROWS]
    first = found.columns[0]
    return Reply(
        text="\n\n".join(
            (
                cell(compared_words(found)),
                table(pairs, {name: name for name in pairs[0]}),
                f"{found.unit}; below 0 down, above 0 up.",
                table(shown, columns) + more_words(len(shown), len(rows)),
            )
        ),
        question=args.model_dump(mode="json", exclude_defaults=True),
        rows=rows,
        total=found.changed,
        notes=found.notes,
        more={
            "sides": [one.model_dump(mode="json") for one in found.columns],
            "pairs": [one.model_dump(mode="json") for one in found.pairs],
        },
        next=[
            call_words(
                "cascade",
                perturbation=list(first.genes),
                readout=rows[0]["gene"],
                cell_line=first.cell_line,
            )
            + " for why the first of them changes"
        ]
        if rows and first.genes and args.context is None
        else [],
    )


COMPARE = Call(
    name="compare",
    title="Compare perturbations, lines or lists",
    args=CompareArgs,
    run=_compare,
    subjects=("effects",),
    limits="Two predictions that agree may share their error: likeness of predictions is no "
    "measurement. Pairs are predicted from single knockdowns; only a context measured some.",
)
