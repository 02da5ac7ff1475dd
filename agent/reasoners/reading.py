"""A question that the rules cannot read, read by a language model and then by the rules again."""

import re
from collections.abc import Mapping
from pathlib import Path

from agent.llm.chat import ChatModel, Message
from agent.llm.structured import structured
from agent.question.items import Unreadable, Vocabulary
from agent.question.reading import parse_question
from agent.reasoners.forms import Reading
from agent.templates import prompt_environment, templates
from knowledge.schema import PerturbationKind, Question

PROMPT = Path(__file__).parent / "prompts" / "read.j2"
_VERBS: Mapping[PerturbationKind, str] = {
    "knockout": "Knock out", "knockdown": "Knock down", "activation": "Activate",
}  # fmt: skip
_NAME = re.compile(r"[\w.+-]{2,40}")


async def read_by_model(
    chat: ChatModel, text: str, knowledge: Vocabulary, cell_line: str | None = None
) -> Question:
    """Return the question as a model reads it.

    What it reads must stand in the question word for word, and is then read by the rules, so that
    it can make up neither a gene nor a cell line.

    Raises:
        QuestionError: It finds no perturbation, or what it finds is not to be had.
        LLMError: The model does not answer to the point.
    """
    with templates(PROMPT):
        prompt = (
            prompt_environment(PROMPT.parent)
            .get_template(PROMPT.name)
            .render(text=text, lines=[line.name for line in knowledge.cell_lines])
        )
    asked = [Message(role="user", content=prompt.strip())]
    said, _ = await structured(chat, asked, Reading, max_tokens=256)
    if not said.perturbed:
        raise Unreadable("The language model finds no perturbation in the question.")
    words = [*said.perturbed, *said.readouts, *filter(None, [said.cell_line])]
    for word in words:
        if not _NAME.fullmatch(word) or word.lower() not in text.lower():
            raise Unreadable(f"The language model reads {word!r}, which is not in the question.")
    plain = f"{_VERBS[said.kind]} {' and '.join(f'gene:{word}' for word in said.perturbed)}"
    if said.cell_line:
        plain += f" in {said.cell_line}"
    if said.readouts:
        plain += f": what happens to {', '.join(f'gene:{word}' for word in said.readouts)}?"
    question = parse_question(plain, knowledge, cell_line=cell_line)
    note = f"The language model read the question as: {plain.replace('gene:', '')}"
    return question.model_copy(
        update={"text": text.strip(), "assumptions": (*question.assumptions, note)}
    )
