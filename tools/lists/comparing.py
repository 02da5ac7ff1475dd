"""Comparison as a tool of a language model."""

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.schema import Frozen, Perturbation, PerturbationKind
from tools.base import Tool, ToolError, ToolOutput
from tools.compared import Comparison
from tools.comparison import compared, predicted_sides, with_singles
from tools.effects import EffectPredictor
from tools.genes import grounded

SHOWN = 40


class ComparePerturbationsArgs(Frozen):
    """Lay perturbations side by side: what each changes, and what they have in common.

    Genes perturbed together are written A+B; such a double alone is set beside its singles and
    what independence would give.
    """

    perturbations: list[str] = Field(
        description="A gene each, or A+B for genes perturbed together", min_length=1, max_length=8
    )
    kind: PerturbationKind = Field(description="What is done to the genes")
    cell_lines: list[str] = Field(
        description="Lines in which each is predicted", min_length=1, max_length=4
    )
    readouts: list[str] | None = Field(
        default=None, description="Genes to read; null for whatever changes", max_length=200
    )
    top: int = Field(default=40, ge=1, le=1000, description="How many readouts, at most 1,000")


def compare_perturbations_tool(
    knowledge: Knowledge, predictor: EffectPredictor
) -> Tool[ComparePerturbationsArgs]:
    """Build the `compare_perturbations` tool."""

    def run(args: ComparePerturbationsArgs) -> ToolOutput:
        lines = [knowledge.cell_lines.ground(word).name for word in args.cell_lines]
        named = {
            tuple(dict.fromkeys(grounded(knowledge, part).symbol for part in word.split("+")))
            for word in args.perturbations
        }
        ways = [
            Perturbation(genes=genes, kind=args.kind, cell_line=line)
            for genes in sorted(named)
            for line in dict.fromkeys(lines)
        ]
        if len(ways) == 1 and len(ways[0].genes) > 1:
            ways = with_singles(ways[0])
        if len(ways) < 2:  # two sides
            raise ToolError("Name two perturbations, two lines, or a double such as A+B.")
        readouts = [grounded(knowledge, word).symbol for word in args.readouts or ()]
        return _told(compared(predicted_sides(predictor, ways), readouts=readouts, top=args.top))

    return Tool("compare_perturbations", ComparePerturbationsArgs, run)


def _told(one: Comparison) -> ToolOutput:
    names = [side.label for side in one.columns]
    lines = [f"{side.label} ({side.role}): {side.up} up, {side.down} down of {side.known}"
             for side in one.columns]  # fmt: skip
    for pair in one.pairs:
        like = "" if pair.likeness is None else f", likeness {pair.likeness:+.2f}"
        lines.append(
            f"{pair.first} | {pair.second}: both change {pair.common}, {pair.same} the same way"
            f"{like}"
        )
    for row in one.rows[:SHOWN]:
        said = [
            f"{name} {call}{'' if value is None else f' {value:+.2f}'}"
            for name, value, call in zip(names, row.values, row.calls, strict=True)
        ]
        lines.append(f"{row.gene}: {'; '.join(said)} ({row.pattern})")
    return ToolOutput(text="\n".join([*lines, *one.notes]))
