"""How far perturbed genes move the expression of all others, where a screen measured that."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtr

from knowledge.base import Knowledge
from knowledge.schema import Evidence, Frozen, PerturbationKind
from models.expression.screens import IntArray, Unit, together
from tools.base import Tool, ToolError, ToolOutput
from tools.genes import grounded

if TYPE_CHECKING:
    from models.expression.checkpoint import Context
    from models.expression.model import ExpressionModel, ExpressionResponse

DOING: dict[PerturbationKind, str] = {
    "knockout": "Knocking out",
    "knockdown": "Knocking down",
    "activation": "Activating",
}
NUMBERS: dict[Unit, str] = {
    "log2 fold change": "log2 fold changes",
    "difference of mean log1p expression": "differences of mean log1p expression",
    "latent": "latent coordinates, which stand for no gene,",
    "sign": "signs of change, from -1 to 1,",
}
MOST_CHANGED = 8
MOST_NEIGHBOURS = 3
MOST_APART = 3
# Of shares and changes, which are told with two digits.
SMALLEST_SHOWN = 0.01
# Half a 90 % interval in standard deviations of a normal distribution.
HALF_INTERVAL = 1.645


class PredictExpressionArgs(Frozen):
    """Predict how far expression moves, gene by gene, when one or several genes are perturbed.

    Answers in contexts that expression screens measured, such as knockouts in THP-1 cells; a call
    for any other is answered with their list. Returns the genes that change most with 90 %
    intervals and what the prediction rests on; genes perturbed together are compared with the sum
    of their single responses.
    """

    genes: list[str] = Field(
        description="The gene perturbed, or genes perturbed together", min_length=1, max_length=4
    )
    kind: PerturbationKind = Field(description="What is done to them")
    cell_line: str = Field(description="For example THP-1, or a context by name", max_length=60)
    readouts: list[str] | None = Field(
        default=None,
        description="Genes to read besides those that change most, at most 10; null for none",
        max_length=10,
    )


@dataclass(frozen=True, slots=True)
class BesideSum:
    """How a joint response compares with the sum of the measured single responses.

    Attributes:
        size: Length of the joint response as a multiple of the sum's.
        correlation: Pearson's, over readouts.
        farthest: Readouts by the distance of response and sum, the farthest first.
        outside: How many intervals leave out the sum; `None` for a measured response.
    """

    size: float
    correlation: float
    farthest: IntArray
    outside: int | None


@lru_cache(maxsize=1)
def shipped_expression() -> "ExpressionModel":
    """Return the shipped expression model, loaded when it is first asked."""
    from models.expression.model import ExpressionModel

    return ExpressionModel.load()


def predict_expression_tool(
    knowledge: Knowledge, model: "Callable[[], ExpressionModel]"
) -> Tool[PredictExpressionArgs]:
    """Build the `predict_expression` tool; `model` is called when the tool is."""

    def run(args: PredictExpressionArgs) -> ToolOutput:
        expression = model()
        context = context_of(expression, args.cell_line, args.kind)
        genes = together(grounded(knowledge, word).symbol for word in args.genes)
        wanted = [grounded(knowledge, word).symbol for word in args.readouts or ()]
        response = expression.predict(genes, context.name)
        source = f"expression {expression.version}"
        rows = {gene: row for row, gene in enumerate(response.readouts)}
        asked = [rows[gene] for gene in wanted if gene in rows]
        shown = dict.fromkeys([*asked, *map(int, most_changed(response, MOST_CHANGED))])
        lines, facts = [heading(response)], []
        for row in shown:
            facts.append(_change_fact(response, row, source))
            told = f"{response.readouts[row]} {change_words(response, row)}"
            lines.append(f"[{facts[-1].id}] {told}")
        for fact in _neighbour_facts(response, source):
            facts.append(fact)
            lines.append(f"[{fact.id}] {fact.statement}")
        if missing := [gene for gene in wanted if gene not in rows]:
            lines.append(f"Not read in {context.name}: {', '.join(missing)}.")
        return ToolOutput(text="\n".join(lines), evidence=tuple(facts))

    return Tool("predict_expression", PredictExpressionArgs, run)


def context_of(model: "ExpressionModel", cell_line: str, kind: PerturbationKind) -> "Context":
    """Return the context of `kind` that has this name, or else reads most genes in this line.

    Coordinates that stand for no gene are no answer.

    Raises:
        ToolError: There is none; lists those there are.
    """
    useful = [context for context in model.contexts if context.unit != "latent"]
    asked = _key(cell_line)
    found = [
        one for one in useful if one.kind == kind and asked in {_key(one.name), _key(one.cell_line)}
    ]
    if found:
        return max(found, key=lambda one: (_key(one.name) == asked, one.readouts))
    known = "; ".join(f"{one.name} ({one.kind} in {one.cell_line})" for one in useful)
    raise ToolError(
        f"No expression screen of {kind} in {cell_line.strip()!r} was learnt from. "
        f"There are, by the name of their context: {known}."
    )


def most_changed(response: "ExpressionResponse", most: int) -> IntArray:
    """Return the indices of the readouts that change most, either way, for their uncertainty.

    A list by the change alone would be led by noise: little expressed genes, wide intervals. Only
    measured responses, which have no interval, are told by it.
    """
    size = np.abs(response.change)
    half = (response.high - response.low) / 2
    return np.argsort(-np.divide(size, half, out=size.copy(), where=half > 0), kind="stable")[:most]


def clear(response: "ExpressionResponse") -> NDArray[np.bool_]:
    """Return which readouts have a predicted interval that leaves out zero."""
    if response.seen:
        return np.zeros(len(response.readouts), np.bool_)
    return np.asarray((response.low > 0) | (response.high < 0))


def beside_sum(response: "ExpressionResponse") -> BesideSum | None:
    """Return the comparison with the sum of single responses, `None` where there is no sum."""
    if response.additive is None:
        return None
    change = response.change.astype(np.float64)
    added = response.additive.astype(np.float64)
    length = float(np.linalg.norm(added))
    if length == 0 or np.ptp(change) == 0 or np.ptp(added) == 0:
        return None
    outside = int(np.sum((added < response.low) | (added > response.high)))
    return BesideSum(
        size=float(np.linalg.norm(change)) / length,
        correlation=float(np.corrcoef(change, added)[0, 1]),
        farthest=np.argsort(-np.abs(change - added), kind="stable"),
        outside=None if response.seen else outside,
    )


def heading(response: "ExpressionResponse") -> str:
    """Return what was perturbed where, what the numbers are, and how they compare with a sum."""
    context = response.context
    several = f" {sum_words(response)}" if len(response.genes) > 1 else ""
    where = f"{_doing(response)} in {context.cell_line or 'cells'} (context {context.name}):"
    if response.seen:
        return f"{where} measured {NUMBERS[context.unit]} as the screen has them.{several}"
    return (
        f"{where} predicted {NUMBERS[context.unit]} with 90 % intervals; those of "
        f"{int(clear(response).sum()):,} of {len(response.readouts):,} leave out zero.{several}"
    )


def change_words(response: "ExpressionResponse", row: int) -> str:
    """Return the change of one readout, with its interval where it is a prediction."""
    change = f"{response.change[row]:+.2f}"
    if response.seen:
        return change
    return f"{change} [{response.low[row]:+.2f}, {response.high[row]:+.2f}]"


def counted(response: "ExpressionResponse") -> list[tuple[str, float]]:
    """Return the measured perturbations that count most in a prediction, with their shares."""
    return [
        ("+".join(genes), share) for genes, share in response.neighbours if share >= SMALLEST_SHOWN
    ]


def _doing(response: "ExpressionResponse") -> str:
    return f"{DOING[response.context.kind]} {'+'.join(response.genes)}"


def sum_words(response: "ExpressionResponse") -> str:
    """Return how a joint response compares with the sum of the single ones, in words."""
    compared = beside_sum(response)
    if compared is None or response.additive is None:
        return "There is no sum of single responses to compare with: not all were measured."
    change, added = response.change, response.additive
    far = ", ".join(
        f"{response.readouts[row]} ({change[row]:+.2f}, sum {added[row]:+.2f})"
        for row in compared.farthest[:MOST_APART]
        if abs(change[row] - added[row]) >= SMALLEST_SHOWN
    )
    outside = ""
    if compared.outside is not None:
        outside = f", the sum outside {compared.outside:,} intervals"
    return (
        f"Beside the sum of the measured single responses: {compared.size:.2f} times its size, "
        f"correlation {compared.correlation:.2f}{outside}{'; farthest apart ' if far else ''}{far}."
    )


def _change_fact(response: "ExpressionResponse", row: int, source: str) -> Evidence:
    """Return one change; the weight of a predicted one is how sure its direction is."""
    change, readout, context = float(response.change[row]), response.readouts[row], response.context
    deviation = float(response.high[row] - response.low[row]) / (2 * HALF_INTERVAL)
    told = response.seen or clear(response)[row]
    return Evidence(
        id=(
            f"{'obs' if response.seen else 'mod'}:expression:"
            f"{'+'.join(response.genes)}>{readout}:{context.name}"
        ),
        kind="measured" if response.seen else "model",
        statement=(
            f"{_doing(response)} in {context.cell_line or 'cells'} "
            f"{'changed' if response.seen else 'is predicted to change'} {readout} by "
            f"{change_words(response, row)} ({context.unit})"
        ),
        source=source,
        reference=context.name,
        weight=float(ndtr(abs(change) / deviation)) if deviation > 0 else 1.0,
        genes=(*response.genes, readout),
        sign=(1 if change > 0 else -1 if change < 0 else 0) if told else 0,
    )


def _neighbour_facts(response: "ExpressionResponse", source: str) -> Iterator[Evidence]:
    """Iterate over the measured perturbations that count most in a prediction."""
    name = "+".join(response.genes)
    for other, share in counted(response)[:MOST_NEIGHBOURS]:
        yield Evidence(
            id=f"mod:expression-from:{name}<{other}:{response.context.name}",
            kind="model",
            statement=f"The measured response to {other} is {share:.0%} of what predicts {name}",
            source=source,
            reference=response.context.name,
            weight=share,
            genes=tuple(dict.fromkeys((*response.genes, *other.split("+")))),
        )


def _key(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()
