"""Reading: questions that the rules read, misread or refuse, and what a model makes of them."""

import csv
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from agent.llm.chat import ChatModel
from agent.llm.errors import UnusableError
from agent.question.items import Unreadable, Vocabulary
from agent.question.reading import parse_question
from agent.question.telling import short
from agent.question.words import DRUG_WORDS
from agent.reasoners.reading import read_by_model
from evals.roles.facts import ReadCase, Verdict
from knowledge.errors import DataError, QuestionError

HERE = Path(__file__).parent
QUESTIONS, MEANINGS = HERE / "questions.txt", HERE / "textbook.txt"
FRESH, TEXTBOOK = "fresh phrasings", "textbook"
REFUSED = "refused"


def read_cases(textbook: Path | None, knowledge: Vocabulary) -> Iterator[ReadCase]:
    """Yield the questions as the rules read them.

    Args:
        textbook: The mirror's `textbook/questions.tsv`, if it is there.
        knowledge: What their words are grounded in.

    Raises:
        DataError: The file has other questions than those whose meanings are kept.
    """
    for line in _lines(QUESTIONS):
        text, _, meaning = line.partition(" ==> ")
        yield _by_rules(FRESH, text, tuple(meaning.split(" || ")), knowledge)
    if textbook is None:
        return
    with textbook.open(encoding="utf-8", newline="") as file:
        texts = [row["question"] for row in csv.DictReader(file, delimiter="\t")]
    meanings = _lines(MEANINGS)
    if len(texts) != len(meanings):
        raise DataError(
            f"{textbook} has {len(texts)} questions, but the meanings of {len(meanings)} are "
            "known; take the data mirror of this version."
        )
    for text, meaning in zip(texts, meanings, strict=True):
        refused = meaning.startswith(REFUSED)
        yield _by_rules(TEXTBOOK, text, (REFUSED if refused else meaning,), knowledge)


def asked_of_model(case: ReadCase) -> bool:
    """Return whether a model is asked: where `ask` would, and after all refusals of fresh ones."""
    return not case.firm or (case.part == FRESH and case.refused)


async def read_case(case: ReadCase, chat: ChatModel, knowledge: Vocabulary) -> ReadCase:
    """Return the case with what the model makes of it.

    Raises:
        LLMError: The server cannot be reached or refuses.
    """
    if not asked_of_model(case):
        return case.model_copy(update={"both": case.rules})
    try:
        read = short(await read_by_model(chat, case.text, knowledge))
        verdict = _verdict(read, case.meanings)
    except (QuestionError, UnusableError) as error:
        read, verdict = str(error), _refusal(case.meanings)
    both = case.rules if case.firm else verdict
    return case.model_copy(update={"model": verdict, "by_model": read, "both": both})


def _by_rules(part: str, text: str, meanings: tuple[str, ...], known: Vocabulary) -> ReadCase:
    refused, firm, verdict = False, True, _refusal(meanings)
    try:
        read = short(parse_question(text, known))
        verdict = _verdict(read, meanings)
    except QuestionError as error:
        refused, read = True, str(error)
        firm = not isinstance(error, Unreadable) or bool(DRUG_WORDS.search(text))
    return ReadCase(
        part=part,
        text=text,
        meanings=meanings,
        rules=verdict,
        by_rules=read,
        refused=refused,
        firm=firm,
    )


def _verdict(read: str, meanings: Sequence[str]) -> Verdict:
    """Return whether a reading is right; a model tells a question why from no other."""
    plain = [one.removeprefix("why ") for one in meanings]
    # A question about planning is recognised as one, and refused when it is asked.
    right = any(fnmatchcase(read, one) for one in [*meanings, *plain])
    return "right" if right or (read == "planning" and REFUSED in meanings) else "wrong"


def _refusal(meanings: Sequence[str]) -> Verdict:
    return "right" if REFUSED in meanings else "refused"


def _lines(path: Path) -> list[str]:
    return [one for one in path.read_text("utf-8").splitlines() if one and one[0] != "#"]
