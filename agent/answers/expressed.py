"""Answers from an expression screen, for a line that has one and no screen of the four."""

from agent.answers.findings import Findings
from agent.context import AgentContext
from knowledge.errors import QuestionError
from knowledge.schema import PerturbationKind, Question
from tools.base import ToolError
from tools.expression import PredictExpressionArgs, predict_expression_tool, shipped_expression

MOST_READOUTS = 10
KINDS: tuple[PerturbationKind, ...] = ("knockout", "knockdown", "activation")


def expressed(question: Question, context: AgentContext) -> Findings:
    """Return how far the readouts move in the expression context that the question is about.

    Raises:
        QuestionError: The context knows no such perturbation.
    """
    one = question.perturbation
    tool = predict_expression_tool(context.knowledge, shipped_expression)
    notes = []
    trouble = ""
    for kind in dict.fromkeys((one.kind, *KINDS)):
        args = PredictExpressionArgs(
            genes=list(one.genes),
            kind=kind,
            cell_line=question.context,
            readouts=list(question.readouts[:MOST_READOUTS]) or None,
        )
        try:
            found = tool.run(args)
        except ToolError as error:
            trouble = trouble or str(error)
            continue
        if kind != one.kind:
            notes.append(f"The screen's perturbation is a {kind}, not a {one.kind}.")
        heading, *lines = found.text.splitlines()
        asked = [fact for fact in found.evidence if set(fact.genes) & set(question.readouts)]
        told = asked or list(found.evidence[:MOST_READOUTS])
        notes += [line for line in lines if line.startswith("Not read in")]
        statements = "; ".join(fact.statement for fact in told)
        return Findings(
            summary=f"{heading} {statements}.",
            evidence=found.evidence,
            unknown=(*notes, NO_PROBABILITY),
        )
    raise QuestionError(f"{trouble} `knockwise express --list` shows what each context measured.")


NO_PROBABILITY = (
    "An expression screen says how far a transcript moves; no probability of a change was "
    "calibrated there, and no cascade was followed."
)
