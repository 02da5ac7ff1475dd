"""Questions about how cells look without a gene, read and answered."""

import pytest

from agent.question.appearance import channels_of
from agent.question.reading import parse_question
from agent.session import Session
from agent.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


@pytest.mark.parametrize(
    ("text", "gene", "channels"),
    [
        ("What does losing COPB1 do to the Golgi in HeLa?", "COPB1", ("WGA",)),
        ("Does knocking out HSPA5 change the actin cytoskeleton?", "HSPA5", ("Phalloidin",)),
        ("How do cells look without MRPL12?", "MRPL12", ()),
        ("What happens to the mitochondria when MRPS5 is knocked out in HeLa?", "MRPS5", ("Mito",)),
        ("Cell Painting of a COG4 knockout?", "COG4", ()),
    ],
)
def test_questions_about_looks_are_read(session, text, gene, channels):
    question = parse_question(text, session.knowledge)
    assert (question.intent, question.perturbation.genes) == ("morphology", (gene,))
    assert question.perturbation.cell_line == "HeLa"
    assert channels_of(text) == channels


@pytest.mark.parametrize(
    "text",
    [
        "Knock out HSPA5 in K562: what happens to DDIT3?",
        "Does losing TFAM affect mitochondrial genes in K562?",
        "What does a COPB1 knockdown do to golgi stress genes like CREB3L1 in RPE1?",
    ],
)
def test_questions_about_transcripts_stay_what_they_are(session, text):
    assert parse_question(text, session.knowledge).intent != "morphology"


async def test_an_answer_tells_what_was_measured_from_what_is_predicted(session):
    answer = await session.ask("What does losing COPB1 do to the Golgi in HeLa?")
    assert answer.summary.startswith("Measured: ")
    assert "WGA (Golgi and plasma membrane)" in answer.summary
    assert "Predicted from other genes alone" in answer.summary
    assert [fact.kind for fact in answer.evidence] == ["measured", "model"]
    assert any("Only HeLa cells were photographed" in note for note in answer.question.assumptions)
