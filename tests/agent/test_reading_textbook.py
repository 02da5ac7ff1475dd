"""Questions as people phrase them, from the data mirror: none is read as something else."""

import csv
from pathlib import Path

import pytest

from agent.question.reading import parse_question
from agent.question.telling import short
from knowledge.base import load_knowledge
from knowledge.errors import QuestionError

READINGS = Path(__file__).parents[2] / "evals" / "roles" / "textbook.txt"
pytestmark = pytest.mark.data
# The share that must be read as meant, or refused with the reason.
LEAST = 0.95


@pytest.fixture(scope="module")
def questions(data_mirror):
    file = data_mirror / "textbook" / "questions.tsv"
    with file.open(encoding="utf-8") as handle:
        return [row["question"] for row in csv.DictReader(handle, delimiter="\t")]


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    from models.response import ResponseModel

    return load_knowledge(tmp_path_factory.mktemp("none"), ResponseModel.load().genes())


def outcome(text, knowledge):
    try:
        return short(parse_question(text, knowledge)), ""
    except QuestionError as error:
        return "", str(error)


def test_the_questions_of_the_textbook_are_read_as_meant_or_refused(questions, starter):
    wanted = [line for line in READINGS.read_text("utf-8").splitlines() if line[:1] != "#"]
    assert len(wanted) == len(questions)
    misread, refused = [], []
    for text, meaning in zip(questions, wanted, strict=True):
        read, error = outcome(text, starter)
        reason = meaning.removeprefix("refused: ")
        if error and (reason == meaning or reason not in error):
            refused.append(f"{text} -> {error}")
        elif not error and read != meaning:
            misread.append(f"{text} -> {read}, not {meaning}")
    assert not misread, "\n".join(misread)
    assert len(refused) <= (1 - LEAST) * len(questions), "\n".join(refused)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("HSPA5_KO in K562: DDIT3?", "HSPA5 knockout K562: DDIT3"),
        ("Which knockout raises DDIT3 in K562?", "reverse raising DDIT3 knockout, in K562"),
        (
            "Compare knocking out HSPA5 versus ATF4 on DDIT3",
            "compare HSPA5 knockout K562 | ATF4 knockout K562: DDIT3",
        ),
        (
            "hits: HSPA5, DNAJB9, SEL1L. What happens to DDIT3 for each?",
            "compare HSPA5 knockout K562 | DNAJB9 knockout K562 | SEL1L knockout K562: DDIT3",
        ),
        ("non-targeting in K562: DDIT3?", "refused: control that perturbs no gene"),
        ("sgTP53 in RPE1: CDKN1A", "TP53 knockout RPE1: CDKN1A"),
        ("STRA13 knockout", "refused: may mean BHLHE40 or CENPX"),
    ],
)
def test_the_cases_from_the_field_are_read_as_they_should_be(starter, text, meaning):
    read, error = outcome(text, starter)
    assert read == meaning or meaning.removeprefix("refused: ") in error
