"""How far a readout moves, where an expression model learnt from the line and the perturbation."""

from typing import TYPE_CHECKING

from pydantic import Field

from knowledge.errors import KnockwiseError
from knowledge.schema import Answer, Frozen
from tools.expression import change_words, shipped_expression

if TYPE_CHECKING:
    from models.expression.model import ExpressionModel


class Sizes(Frozen):
    """Sizes by gene, each with its 90 % interval in words; `unit` and `context` say of what."""

    unit: str = ""
    context: str = ""
    by_gene: dict[str, str] = Field(default_factory=dict)


def sizes_of(answer: Answer, model: "ExpressionModel | None" = None) -> Sizes:
    """Return the sizes of the effects of an answer, none where no expression screen tells them."""
    one, wanted = answer.question.perturbation, {effect.gene for effect in answer.effects}
    if answer.question.intent not in ("forward", "why") or not wanted or not one.genes:
        return Sizes()
    if one.drugged:
        return Sizes()  # the screens are of knockouts and knockdowns
    try:
        learnt = model or shipped_expression()
        contexts = [
            context
            for context in learnt.contexts
            if context.unit != "latent"
            and context.cell_line == one.cell_line
            and context.kind == one.kind
        ]
        if not contexts:
            return Sizes()
        context = max(contexts, key=lambda each: each.readouts)
        response = learnt.predict(tuple(sorted(one.genes)), context.name)
    except KnockwiseError:
        return Sizes()  # the model is not there, or knows nothing of the gene
    by_gene = {
        gene: change_words(response, row)
        for row, gene in enumerate(response.readouts)
        if gene in wanted
    }
    if not by_gene:
        return Sizes()
    return Sizes(unit=context.unit, context=context.name, by_gene=by_gene)
