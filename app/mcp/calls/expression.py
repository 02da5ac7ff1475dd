"""How far expression moves, where a screen measured sizes."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from app.mcp.call import SHOWN_ROWS, Call, Genes, Reply, Tell, call_words, cell, more_words, table
from knowledge.schema import Frozen

if TYPE_CHECKING:
    from app.mcp.desk import Desk
    from models.expression.model import ExpressionResponse


class ExpressArgs(Frozen):
    """Predict by how much every gene's expression moves when one or several genes are perturbed.

    In a context that an expression screen measured: the change with 90 % intervals, the clearest
    first; combinations are laid beside the sum of single perturbations. Without a context, or
    without a gene, it lists the contexts.
    """

    perturbation: Genes | None = Field(
        default=None, description="The gene perturbed, or genes perturbed together", max_length=4
    )
    context: str | None = Field(
        default=None, description="A context by name; null for the list of them", max_length=60
    )
    readouts: Genes | None = Field(
        default=None,
        description="Only these genes; null for those that change most",
        max_length=1_000,
    )
    top: int = Field(default=50, ge=1, le=1_000, description="How many rows, at most 1,000")


def _express(desk: "Desk", args: ExpressArgs, tell: Tell) -> Reply:
    from app.api import perturbation_of
    from app.jobs.pairs import ground_gene
    from tools.expression import clear, counted, heading, most_changed, shipped_expression

    tell("reading what was learnt")
    model = shipped_expression()
    if not args.perturbation or args.context is None:
        return _contexts()
    session = desk.session(tell)
    genes = perturbation_of(args.perturbation, session=session).genes
    context = model.context(args.context)
    found = model.predict(tuple(sorted(genes)), context.name)
    index = {gene: row for row, gene in enumerate(found.readouts)}
    notes = []
    if args.readouts:
        named = [ground_gene(session.knowledge.symbols, word) for word in args.readouts]
        chosen = [index[gene] for gene in named if gene in index]
        if missing := [gene for gene in named if gene not in index]:
            notes.append(f"Not read in {context.name}: {', '.join(missing)}.")
    else:
        chosen = [int(row) for row in most_changed(found, args.top)]
    sure = clear(found)
    rows: list[dict[str, Any]] = [
        {
            "perturbation": "+".join(found.genes),
            "kind": context.kind,
            "cell_line": context.cell_line,
            "gene": found.readouts[row],
            "change": _short(found.change[row]),
            **({} if found.seen else _predicted(found, row, clear=bool(sure[row]))),
            **({} if found.additive is None else {"sum_of_singles": _short(found.additive[row])}),
        }
        for row in chosen[: args.top]
    ]
    columns = {"gene": "Gene", "change": context.unit.capitalize()}
    if not found.seen:
        columns |= {"change_low": "Low", "change_high": "High"}
    if found.additive is not None:
        columns["sum_of_singles"] = "Sum of singles"
    if behind := counted(found):
        told = ", ".join(f"{name} {share:.0%}" for name, share in behind[:5])
        notes.append(f"Measured responses that count most: {told}.")
    return Reply(
        text=f"{cell(heading(found))}\n\n{table(rows[:SHOWN_ROWS], columns)}"
        + more_words(min(len(rows), SHOWN_ROWS), len(found.readouts)),
        question={"genes": list(found.genes), "context": context.name, "unit": context.unit},
        rows=rows,
        total=len(found.readouts),
        notes=notes,
        more={"measured": found.seen, "model": model.version},
    )


def _predicted(found: "ExpressionResponse", row: int, *, clear: bool) -> dict[str, Any]:
    """Return the 90 % interval of a predicted change, and whether it leaves out zero."""
    return {
        "change_low": _short(found.low[row]),
        "change_high": _short(found.high[row]),
        "clear": clear,
    }


def _short(value: object) -> float:
    return round(float(value), 4)  # type: ignore[arg-type]  # a number of numpy's


def _contexts() -> Reply:
    from tools.expression import shipped_expression

    rows = [
        {
            "context": one.name,
            "kind": one.kind,
            "cell_line": one.cell_line,
            "unit": one.unit,
            "measured": len(one.perturbations),
            "description": one.description,
        }
        for one in shipped_expression().contexts
    ]
    columns = {
        "context": "Context",
        "kind": "Kind",
        "cell_line": "Cells",
        "unit": "Unit",
        "measured": "Perturbations measured",
        "description": "What",
    }
    return Reply(
        text=f"Contexts that can be asked about:\n\n{table(rows, columns)}",
        question={},
        rows=rows,
        next=[f"{call_words('express', perturbation=['STAT1'], context='papalexi')} for example"],
    )


EXPRESS = Call(
    name="express",
    title="Predict by how much expression moves",
    args=ExpressArgs,
    run=_express,
    subjects=("expression",),
    limits="Only contexts that a screen measured, and only genes it read; intervals that hold zero "
    "say that no change is clear. For research only.",
)
