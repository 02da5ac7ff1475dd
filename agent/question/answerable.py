"""Which kinds of question have an answer; the others stop with what can be asked instead."""

from agent.question.telling import as_words
from knowledge.errors import QuestionError
from knowledge.schema import Question

FORWARD = "'Knock down HSPA5 in K562: what happens to DDIT3?'"


def trouble(question: Question) -> str:
    """Return why a question that was understood has no answer; nothing if it has one."""
    read = f"Read as '{as_words(question).rstrip('?.')}'"
    if question.intent == "planning":
        return (
            "Read as a question about planning an experiment, which is not answered; ask what a "
            f"perturbation does, for example {FORWARD}"
        )
    if question.intent == "reverse":
        return (
            f"{read}, a search for perturbations, which is not answered yet; ask about one that you "
            f"have in mind, for example {FORWARD}"
        )
    if question.intent == "compare":
        return f"{read}, a comparison, which is not answered yet; ask one question for each side."
    if question.intent == "epistasis":
        return (
            f"{read}, which is not answered yet; ask for each perturbation alone and for both, for "
            "example 'Knock down ATF4 and HSPA5 in K562: what happens to DDIT3?'"
        )
    if question.intent == "essentiality":
        return (
            f"{read}, which is not answered yet; ask what losing the gene does to transcripts, for "
            f"example {FORWARD}"
        )
    return ""


def refuse_unanswered(question: Question) -> None:
    """Refuse a question whose kind has no answer, rather than answer another one.

    Raises:
        QuestionError: There is none; says what was understood and what can be asked.
    """
    if reason := trouble(question):
        raise QuestionError(reason)
