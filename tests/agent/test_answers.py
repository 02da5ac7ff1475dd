"""What a biologist would check first: known cascades, from the starter pack alone."""

import json

import pytest

from agent.session import Session
from agent.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


KNOWN = [
    ("Knock down HSPA5 in K562: what happens to DDIT3 and HERPUD1?", {"DDIT3", "HERPUD1"}, "up"),
    ("Knock out AARS1 in HepG2: ASNS and TRIB3?", {"ASNS", "TRIB3"}, "up"),
    ("KEAP1 knockout: NQO1 and HMOX1?", {"NQO1", "HMOX1"}, "up"),
    ("VHL knockout in RPE1: what happens to CA9?", {"CA9"}, "up"),
    ("What does loss of SCAP do to LDLR and HMGCS1?", {"LDLR", "HMGCS1"}, "down"),
    ("Does HBG1 go down when GATA1 is knocked down in K562?", {"HBG1"}, "down"),
    ("MDM2 knockout in RPE1: CDKN1A?", {"CDKN1A"}, "up"),
    ("UPF1 knockdown: GAS5?", {"GAS5"}, "up"),
    ("HNF4A knockout in HepG2: APOA1 and ALB?", {"APOA1", "ALB"}, "down"),
    ("PSMD1 knockdown in K562: PSMB5 and PSMC1?", {"PSMB5", "PSMC1"}, "up"),
]


@pytest.mark.parametrize(("text", "readouts", "call"), KNOWN)
async def test_a_textbook_cascade_is_found_with_evidence_for_each_step(
    session, text, readouts, call
):
    answer = await session.ask(text)
    assert {effect.gene: effect.call for effect in answer.effects} == dict.fromkeys(readouts, call)
    explained = {one.readout: one for one in answer.hypotheses}
    assert set(explained) == readouts
    known = {fact.id for fact in answer.evidence}
    for hypothesis in explained.values():
        assert hypothesis.direction == call
        assert hypothesis.steps[-1].target.quantity == "expression"
        for step in hypothesis.steps:
            assert step.status == "verified"
            assert step.evidence_ids
            assert set(step.evidence_ids) <= known


async def test_the_unfolded_protein_response_is_named_on_the_way(session):
    answer = await session.ask("Knock down HSPA5 in K562: what happens to DDIT3 and HERPUD1?")
    nodes = {step.target.node for one in answer.hypotheses for step in one.steps}
    assert nodes & {"ATF6", "EIF2AK3", "ERN1", "XBP1", "ATF4"}


async def test_a_line_without_p53_does_not_raise_p21_and_says_why(session):
    answer = await session.ask("MDM2 knockout in K562: CDKN1A?")
    assert answer.effects[0].call == "unchanged"
    assert not answer.hypotheses
    assert any("lacks functional TP53" in note for note in answer.unknown)
    stopped = [step for step in answer.steps if step.target.node == "TP53"]
    assert {step.status for step in stopped} == {"unsupported"}


async def test_knocking_down_a_gene_that_the_line_lacks_is_said(session):
    answer = await session.ask("Knock down HNF4A in K562")
    assert any("K562 does not express HNF4A" in note for note in answer.unknown)
    assert not answer.hypotheses
    asked = await session.ask("Knock down HNF4A in K562: APOE?")
    assert asked.effects[0].call == "unknown"
    assert "no working copy to lose" in asked.effects[0].reason


async def test_an_open_question_lists_the_likeliest_changes_with_mechanisms(session):
    answer = await session.ask("Which genes change when AARS1 is knocked down in HepG2?")
    assert len(answer.effects) >= 10
    specific = [effect.specific for effect in answer.effects]
    assert specific == sorted(specific, reverse=True)
    assert {one.readout for one in answer.hypotheses} >= {"SARS1", "SLC3A2"}
    assert "many perturbations of this line" in answer.summary


async def test_three_branches_of_the_unfolded_protein_response_reach_chop(session):
    answer = await session.ask("Knock out HSPA5 in K562: what happens to DDIT3?")
    (chop,) = answer.hypotheses
    last = {path[-1].source.node for path in (chop.steps, *chop.branches)}
    assert last == {"ATF4", "ATF6", "XBP1"}
    assert "also through" in answer.summary


async def test_a_path_that_a_prediction_contradicts_is_not_called_verified(session):
    answer = await session.ask("Knock out MDM2 in RPE1: what happens to CDKN1A?")
    (effect,) = answer.effects
    against = [step for step in answer.steps if step.target.node == "CDKN1A"]
    assert {(step.target.direction == effect.call) is (step.status == "verified")
            for step in against} == {True}  # fmt: skip


async def test_a_gene_that_no_screen_read_gets_a_direction_and_no_number(session):
    answer = await session.ask("Knock out MDM2 in RPE1: what happens to CDKN1A?")
    (effect,) = answer.effects
    assert (effect.p_de, effect.interval, effect.call, effect.subtle) == (None, None, "up", True)
    assert "no screen read this gene; a path says up" in answer.summary


async def test_epistasis_decides_a_double_loss(session):
    answer = await session.ask("Knock down KEAP1 and NFE2L2 in HepG2: what happens to NQO1?")
    (effect,) = answer.effects
    assert effect.call == "down"
    assert "is believed over" in answer.summary


async def test_a_line_with_an_expression_screen_alone_is_answered_from_it(session):
    answer = await session.ask("STAT1 knockout in THP-1: STAT2?")
    assert "STAT2 by -0." in answer.summary
    assert answer.evidence
    assert any("no probability" in note for note in answer.unknown)
    assert any("THP-1" in note for note in answer.question.assumptions)


async def test_activation_turns_the_cascade_round(session):
    answer = await session.ask("Activate MDM2 in RPE1: what happens to CDKN1A?")
    assert answer.hypotheses[0].direction == "down"


async def test_a_double_knockout_starts_from_both_genes(session):
    answer = await session.ask("Double knockout of KEAP1 and VHL in RPE1: NQO1 and CA9?")
    assert not any(effect.seen_in_training for effect in answer.effects)
    origins = {one.readout: one.steps[0].source.node for one in answer.hypotheses}
    assert origins == {"NQO1": "KEAP1", "CA9": "VHL"}


async def test_the_same_question_gives_the_same_answer(session):
    first, second = [
        (await session.ask("SCAP knockout in HepG2: LDLR?")).model_dump(
            exclude={"run", "timings_s"}
        )
        for _ in range(2)
    ]
    assert first == second


async def test_evidence_is_numbered_in_order_and_every_id_resolves(session):
    answer = await session.ask("What happens when HSPA5 is knocked down in RPE1?")
    ids = [fact.id for fact in answer.evidence]
    assert ids == [f"E{place + 1}" for place in range(len(ids))]
    used = {i for step in answer.steps for i in step.evidence_ids}
    used |= {i for effect in answer.effects for i in effect.evidence_ids}
    used |= {i for one in answer.hypotheses for i in (*one.supporting, *one.contradicting)}
    assert used <= set(ids)
    assert json.loads(answer.model_dump_json())["reasoner"] == "evidence"


async def test_a_measured_row_is_cited_and_not_contradicted(session):
    answer = await session.ask("KEAP1 knockdown in HepG2: NQO1?")
    (effect,) = answer.effects
    assert effect.seen_in_training
    kinds = {fact.id: fact.kind for fact in answer.evidence}
    assert "measured" in {kinds[i] for i in effect.evidence_ids}
    assert effect.call == "up"


async def test_nothing_of_a_screened_line_stands_in_for_a_line_with_an_expression_screen(
    session, tmp_path
):
    answer = await session.ask("STAT1 knockout in THP-1: STAT2?", run_dir=tmp_path / "run")
    assert answer.question.perturbation.cell_line == "THP-1"
    assert (tmp_path / "run" / "effects.csv").read_text().count("\n") <= 1
    assert "K562" not in answer.model_dump_json(exclude={"versions"})
