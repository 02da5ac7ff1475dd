"""A question about the whole organism: known apart from predicted, with functions as the why."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from agent.session import Session
from agent.settings import Settings
from knowledge.errors import DataError

pytestmark = pytest.mark.anyio
TOLD = runpy.run_path(str(Path(__file__).parents[1] / "told_phenotypes.py"))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


@pytest.fixture
def session(loaded, tmp_path):
    """A session whose phenotype model says what it was told."""
    session = replace(loaded, settings=loaded.settings.model_copy(update={"runs": tmp_path}))
    return with_model(session, TOLD["ToldPhenotypes"])


def with_model(session, load):
    session.__dict__["context"] = replace(session.context, phenotypes=load)
    return session


async def test_known_and_predicted_phenotypes_are_told_apart(session):
    answer = await session.ask("Which phenotypes would losing MDM2 cause?")
    assert [one.name for one in answer.known_phenotypes] == [
        "short bone", "deafness", "abnormal bone",
    ]  # fmt: skip
    predicted = {one.name: one.probability for one in answer.phenotypes}
    assert predicted["short bone"] == pytest.approx(0.7)
    assert answer.summary.startswith("Known of MDM2: 3 in mouse mutants, such as short bone")
    assert (
        "Predicted for its loss from its sequence: in mouse mutants short bone 0.70"
        in answer.summary
    )
    assert "mostly through bone growth and kinase" in answer.summary


async def test_known_and_predicted_cite_evidence_of_different_kinds(session):
    answer = await session.ask("Which phenotypes would losing MDM2 cause?")
    kind = {fact.id: fact.kind for fact in answer.evidence}
    for one in answer.known_phenotypes:
        assert {kind[i] for i in one.evidence_ids} == {"annotation"}
    for one in answer.phenotypes:
        assert one.through == ("bone growth", "kinase")
        assert kind[one.evidence_ids[0]] == "model"
        assert len(one.evidence_ids) > 2
    assert answer.versions.models["genepheno"] == "told"


async def test_no_transcript_is_told_where_the_organism_alone_is_asked_about(session):
    answer = await session.ask("Which phenotypes would losing MDM2 cause?")
    assert answer.effects == ()
    assert answer.hypotheses == ()
    assert "K562" not in answer.summary


async def test_readouts_that_are_asked_about_too_are_answered_too(session):
    answer = await session.ask("Which phenotypes would losing MDM2 cause, and is CDKN1A up?")
    assert {effect.gene for effect in answer.effects} == {"CDKN1A"}
    assert answer.phenotypes
    assert "CDKN1A" in answer.summary


async def test_a_gene_without_a_sequence_is_said_to_be_predicted_from_curated_functions(session):
    answer = await session.ask("Which phenotypes would losing MDM4 cause?")
    assert answer.phenotypes
    assert any("predicted from its curated functions" in note for note in answer.unknown)


async def test_a_gene_of_which_nothing_is_known_gets_the_transcripts_and_the_reason(session):
    answer = await session.ask("Which phenotypes would losing HSPA5 cause?")
    assert answer.phenotypes == ()
    assert any("HSPA5 has no sequence here" in note for note in answer.unknown)
    assert answer.effects


async def test_activation_has_no_phenotype_and_says_so(session):
    answer = await session.ask("Which phenotypes does activating MDM2 cause?")
    assert answer.phenotypes == ()
    assert any("not for its activation" in note for note in answer.unknown)


async def test_genes_lost_together_are_told_one_by_one_and_that_is_said(session):
    answer = await session.ask("Which phenotypes does losing MDM2 and TP53 cause?")
    assert "Known of MDM2" in answer.summary
    assert "Known of TP53" in answer.summary
    assert any("adds is not predicted" in note for note in answer.unknown)


async def test_a_phenotype_of_cells_is_not_taken_for_one_of_the_organism(session):
    answer = await session.ask("Why do cells die when MDM2 is knocked out?")
    assert answer.phenotypes == ()
    assert [one.gene for one in answer.dependencies] == ["MDM2"]


async def test_a_question_about_transcripts_does_not_ask_the_phenotype_model(session):
    def load():
        raise AssertionError("loaded")

    answer = await with_model(session, load).ask("MDM2 knockout in RPE1: CDKN1A?")
    assert answer.phenotypes == ()
    assert "genepheno" not in answer.versions.models


async def test_without_weights_the_answer_says_what_is_missing(session):
    def load():
        raise DataError("weights are missing; train them.")

    answer = await with_model(session, load).ask("Which phenotypes would losing MDM2 cause?")
    assert answer.phenotypes == ()
    assert any("weights are missing" in note for note in answer.unknown)


async def test_an_answer_about_phenotypes_can_be_read_again(session):
    from agent.run import load_answer

    answer = await session.ask("Which phenotypes would losing MDM2 cause?")
    assert load_answer(session.settings.runs / answer.run) == answer
