"""Answers of other kinds than a cascade: comparisons, interactions, searches, dependencies."""

import json

import pytest

from agent.answers.verdict import honoured, verdict
from agent.session import Session
from agent.settings import Settings
from knowledge.errors import QuestionError

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


def calls(side):
    return {effect.gene: effect.call for effect in side.effects}


async def test_the_sides_of_a_comparison_stand_side_by_side(session):
    answer = await session.ask("Compare SCAP and INSIG1 knockout in HepG2: LDLR")
    assert [side.label for side in answer.sides] == ["SCAP", "INSIG1"]
    assert [calls(side)["LDLR"] for side in answer.sides] == ["down", "up"]
    assert answer.summary.startswith("LDLR: SCAP: down")
    known = {fact.id for fact in answer.evidence}
    cited = {i for side in answer.sides for one in side.effects for i in one.evidence_ids}
    assert cited
    assert cited <= known


async def test_a_double_perturbation_is_told_beside_the_single_ones_and_independence(session):
    answer = await session.ask("Is CDKN1A induction by MDM2 loss dependent on TP53 in RPE1?")
    labels = [side.label for side in answer.sides]
    assert labels == ["MDM2", "TP53", "MDM2+TP53", "expected if independent"]
    assert [calls(side)["CDKN1A"] for side in answer.sides[:3]] == ["up", "down", "down"]
    assert "MDM2 acts on it through TP53" in answer.summary


async def test_a_search_finds_known_regulators_that_move_the_gene_the_right_way(session):
    answer = await session.ask("Which knockdowns would lower LDLR in HepG2?")
    assert {"SREBF2", "SREBF1"} <= {lead.gene for lead in answer.leads}
    assert {lead.effect.call for lead in answer.leads} == {"down"}
    measured = await session.ask("which knockdowns raise DDIT3 in K562?")
    assert {lead.effect.call for lead in measured.leads} == {"up"}
    assert any(lead.measured for lead in measured.leads)


async def test_a_dependency_that_is_not_known_says_what_to_pull(session):
    answer = await session.ask("is RPL11 essential in Jurkat?")
    assert [one.verdict for one in answer.dependencies] == ["unknown"]
    assert "knockwise data pull" in answer.unknown[0]


@pytest.mark.data
async def test_a_dependency_is_told_from_the_screens(session, data_mirror, tmp_path):
    from knowledge.sources.download import pull
    from knowledge.sources.registry import load_registry
    from tools.essentiality import BAYES, GROUP, PERCENT, Essentiality, dropout

    for source in load_registry().select([GROUP, PERCENT, BAYES]):
        pull(source, tmp_path, mirror=data_mirror)
    known = Essentiality(tmp_path, session.knowledge.symbols)
    verdicts = {
        ("RPL11", "Jurkat"): "yes",
        ("TP53", "RPE1"): "no",
        ("ABL1", "K562"): "yes",
        ("APOB", "Jurkat"): "no",
        ("HNF1A", "HepG2"): "yes",
        ("KRAS", "A549"): "yes",
        ("ALB", "A549"): "no",
        ("PLK1", "HeLa"): "yes",
        ("ALB", "HeLa"): "no",
    }
    assert {pair: known.of(*pair)[0].verdict for pair in verdicts} == verdicts
    assert "cells with a working guide drop out" in dropout(known, ("ABL1",), "K562")[0]
    assert dropout(known, ("TP53",), "RPE1") == []


@pytest.mark.parametrize("line", ["A549", "HeLa"])
async def test_a_line_with_a_screen_of_dependencies_alone_is_asked_about_those_alone(session, line):
    answer = await session.ask(f"is KRAS essential in {line}?")
    assert [one.cell_line for one in answer.dependencies] == [line]
    with pytest.raises(QuestionError, match=f"'{line}' is no cell line that was screened"):
        await session.ask(f"KRAS knockout in {line}: DUSP6?")


async def test_a_yes_or_no_question_is_answered_first(session):
    answer = await session.ask("Does SCAP regulate LDLR in HepG2?")
    assert answer.question.intent == "why"
    assert answer.summary.startswith("Yes: LDLR goes down.")
    wrong = await session.ask("Does LDLR go up when SCAP is knocked out in HepG2?")
    assert verdict(wrong.question, wrong.effects).startswith("No: LDLR goes down")


async def test_only_the_genes_that_go_the_way_asked_for_are_listed(session):
    answer = await session.ask("top 5 genes going down when HNF4A is lost in HepG2")
    assert len(answer.effects) == 5
    assert honoured(answer.question, answer.effects) == list(answer.effects)


async def test_a_question_goes_on_from_a_run(session, tmp_path):
    await session.ask("Knock out SCAP in HepG2: LDLR?", run_dir=tmp_path / "run")
    text = session.follow_up("What about HMGCS1?", tmp_path / "run")
    assert text == "Knock out SCAP in HepG2: what happens to HMGCS1?"


async def test_what_has_no_answer_leaves_no_run(session):
    with pytest.raises(QuestionError, match="planning an experiment"):
        await session.ask("Which cell line should I use for a UPR screen?")
    with pytest.raises(QuestionError, match="searches among cells that lack TP53"):
        await session.ask("which knockdowns raise CDKN1A in TP53-null RPE1?")


async def test_a_comparison_is_kept_and_reported(session, tmp_path):
    from app.commands.report import write_report

    folder = tmp_path / "run"
    await session.ask("Compare SCAP and INSIG1 knockout in HepG2: LDLR", run_dir=folder)
    kept = json.loads((folder / "result.json").read_text())
    assert [side["label"] for side in kept["sides"]] == ["SCAP", "INSIG1"]
    written = write_report(folder, tmp_path)
    assert "## Side by side" in written.markdown.read_text()
    assert "Side by side" in written.html.read_text()


async def test_what_looks_like_a_perturbation_is_found_by_its_signature(session):
    answer = await session.ask("what phenocopies KEAP1 knockout in HepG2?")
    assert "RBX1" in {one.gene for one in answer.likenesses}
    assert all(one.likeness > 0 for one in answer.likenesses)


async def test_what_would_rescue_a_loss_names_what_carries_its_paths(session):
    answer = await session.ask("What would rescue the loss of VHL in RPE1?")
    assert (answer.likenesses[0].gene, answer.likenesses[0].mediates) == ("HIF1A", True)
    assert all(one.likeness < 0 for one in answer.likenesses if not one.mediates)
    assert "candidate to test" in answer.unknown[-1]


async def test_a_named_set_has_a_score_and_its_members(session, tmp_path):
    from app.commands.report import write_report

    folder = tmp_path / "run"
    answer = await session.ask("KEAP1 loss HepG2, NRF2 targets?", run_dir=folder)
    (one,) = answer.sets
    assert (one.name, one.call) == ("NRF2 targets", "up")
    assert one.score > 0.5
    assert "NQO1" in one.up
    assert answer.summary.startswith("NRF2 targets go up as a set (score +0.")
    assert "## Sets" in write_report(folder, tmp_path).markdown.read_text()


async def test_a_lesion_of_the_question_cuts_the_path_and_leaves_no_number(session):
    answer = await session.ask("MDM2 knockdown in TP53-null RPE1: CDKN1A?")
    (effect,) = answer.effects
    assert (effect.call, effect.p_de) == ("unchanged", None)
    there = await session.ask("MDM2 knockdown in RPE1: CDKN1A?")
    assert there.effects[0].call == "up"


async def test_a_perturbation_under_a_stimulus_is_a_hypothesis_beside_what_the_stimulus_does(
    session,
):
    answer = await session.ask("RELA knockout RPE1 after TNFa for 4 h: CXCL8")
    (effect,) = answer.effects
    assert (effect.call, effect.p_de) == ("down", None)
    assert "By itself TNF would raise CXCL8" in answer.summary


async def test_with_an_atlas_what_no_screen_measured_is_compared_too(session, tmp_path):
    from knowledge.schema import Perturbation
    from tools.likeness import alike
    from tools.lists.atlas import Builder, open_atlas

    response = session.predictor.response
    Builder.shipped(tmp_path, response).build("K562", 0, ("EIF2B5", "EIF2B2", "ALB"))
    atlas = open_atlas(tmp_path, response.version)
    one = Perturbation(genes=("EIF2B1",), kind="knockdown", cell_line="K562")
    found, _ = alike(session.predictor, one, limit=2_000, atlas=atlas)
    likeness = {row.gene: row.likeness for row in found}
    assert likeness["EIF2B5"] > likeness.get("ALB", -1.0)
