import pytest

from app.show.story import Citations, main_steps, ordered_effects, trees
from knowledge.errors import RunError


def drawn(branches):
    for branch in branches:
        yield branch
        yield from drawn(branch.branches)


def test_every_step_is_drawn_exactly_once(answer, large_answer):
    for steps in (answer.steps, large_answer.steps):
        found = [b.step for root in trees(steps) for b in drawn(root.branches)]
        assert sorted(map(id, found)) == sorted(map(id, steps))


def test_a_loop_that_no_perturbation_leads_into_is_still_drawn(large_answer):
    loop = large_answer.steps[-1]
    back = loop.model_copy(update={"source": loop.target, "target": loop.source})
    found = [b.step for root in trees((loop, back)) for b in drawn(root.branches)]
    assert found == [loop, back]


def test_what_follows_a_change_is_told_at_its_place_nearest_to_the_perturbation(large_answer):
    (root,) = trees(large_answer.steps)
    assert root.change.node == "HSP90AB1"
    elsewhere = [b for b in drawn(root.branches) if b.elsewhere]
    assert elsewhere
    assert all(not b.branches for b in elsewhere)


def test_the_story_holds_the_paths_and_what_contradicts_them(answer):
    told = main_steps(answer)
    assert set(answer.hypotheses[0].steps) <= set(told)
    contradicted = [step for step in told if step.status == "contradicted"]
    assert [step.source.node for step in contradicted] == ["XBP1"]
    # with the steps that lead to it
    assert any(step.target.node == "XBP1" for step in told)


def test_without_a_path_every_step_is_told(large_answer):
    assert main_steps(large_answer) == large_answer.steps


def test_readouts_come_before_other_effects(answer):
    assert [e.gene for e in ordered_effects(answer)] == ["DDIT3", "HERPUD1", "NOTAGENE", "ACTB"]


def test_a_citation_that_does_not_resolve_is_an_error(answer):
    with pytest.raises(RunError, match="E99"):
        Citations(answer).cite(["E99"])
