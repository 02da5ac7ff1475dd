"""Answers show the programmes of the screens beside documented paths, and tell the two apart."""

import pytest

from agent.programmes import programme_words
from agent.session import Session
from agent.settings import Settings
from app.show.figures import cascade_figure
from app.show.story import main_steps, trees

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Session:
    folder = tmp_path_factory.mktemp("programmes")
    return Session.open(Settings(data=folder / "data", runs=folder / "runs"))


@pytest.fixture
async def translocon(session, tmp_path):
    return await session.ask("What happens when SEC61B is knocked out in K562?",
                             run_dir=tmp_path / "run")  # fmt: skip


async def test_a_programme_leads_from_the_perturbation_to_readouts_that_are_predicted(translocon):
    calls = {effect.gene: effect.call for effect in translocon.effects}
    assert translocon.programmes
    for path in translocon.programmes:
        assert path.direction == calls[path.readout]
        assert path.steps[0].source.node == "SEC61B"
        assert [step.mechanism for step in path.steps][-2:] == ["breaks", "moves"]
        assert path.steps[-1].source.kind == "programme"
        assert path.steps[-1].target.node == path.readout
        assert 0.7 < path.trust <= 1


async def test_every_measured_step_cites_measurements_of_other_perturbations(translocon):
    facts = {fact.id: fact for fact in translocon.evidence}
    steps = [s for path in translocon.programmes for s in (*path.steps, *path.driven_by)]
    learnt = [step for step in steps if step.proposed_by == "screens"]
    assert learnt
    for step in learnt:
        assert step.evidence_ids
        assert {facts[name].kind for name in step.evidence_ids} == {"measured"}
    cited = {facts[name].statement for step in learnt for name in step.evidence_ids}
    assert not any("Knocking down SEC61B in K562" in statement for statement in cited)


async def test_documented_paths_stay_and_agreement_is_told(
    translocon, session, monkeypatch, tmp_path
):
    monkeypatch.setattr("agent.nodes.answer.programme_paths", lambda *_: ((), []))
    before = await session.ask(translocon.question.text, run_dir=tmp_path / "without")
    paths = [(one.readout, one.direction, one.summary) for one in translocon.hypotheses]
    assert paths == [(one.readout, one.direction, one.summary) for one in before.hypotheses]
    documented = {one.readout: one.direction for one in translocon.hypotheses}
    for path in translocon.programmes:
        known = documented.get(path.readout)
        told = "" if known is None else "agrees" if known == path.direction else "disagrees"
        assert path.beside == told


async def test_the_picture_and_the_tree_tell_measured_steps_apart(translocon):
    steps = main_steps(translocon)
    svg = cascade_figure(translocon, steps).svg
    assert "edge measured" in svg
    assert "node programme" in svg
    told = {id(branch.step) for root in trees(steps) for branch in _all(root.branches)}
    documented = [step for one in translocon.hypotheses for step in one.steps]
    places = {step: id(step) for step in steps}
    assert all(places[step] in told for step in documented)


async def test_lines_whose_test_labels_are_withheld_get_programmes_too(session, tmp_path):
    for line in ("HepG2", "Jurkat"):
        found = await session.ask(f"What happens when PSMD2 is knocked out in {line}?",
                                  run_dir=tmp_path / line)  # fmt: skip
        assert found.programmes


async def test_a_gene_that_nothing_is_like_gets_no_programme(session, tmp_path):
    found = await session.ask("What happens when OR2T8 is knocked out in K562?",
                              run_dir=tmp_path / "run")  # fmt: skip
    assert not found.programmes


def test_a_disagreement_is_said(translocon_path):
    against = translocon_path.model_copy(update={"beside": "disagrees"})
    assert "contradicts the documented path" in programme_words([against])
    assert programme_words([]) == ""


@pytest.fixture
def translocon_path():
    from knowledge.schema import CascadeStep, Change, ProgrammePath

    node = Change(node="Folding", kind="programme", direction="up", quantity="activity")
    lost = Change(node="SEC61B", direction="down", quantity="activity")
    step = CascadeStep(source=lost, relation="inhibits", target=node, mechanism="breaks",
                       confidence=0.9, status="verified", proposed_by="screens")  # fmt: skip
    return ProgrammePath(readout="HSPA5", direction="up", programme="Folding", steps=(step,),
                         summary="", trust=0.9, share=1.0)  # fmt: skip


def _all(branches):
    for branch in branches:
        yield branch
        yield from _all(branch.branches)
