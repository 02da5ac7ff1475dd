"""Paths are made of verified steps; those that the built-in pathways assert come first."""

from agent.hypotheses import verified_paths
from agent.state import AgentState
from knowledge.schema import CascadeStep, Change, Perturbation, Question

ASKED = Question(
    perturbation=Perturbation(genes=("A",), kind="knockout", cell_line="K562"), text="A?"
)
LOST = Change(node="A", direction="down", quantity="activity")


def step(source, target, confidence=0.9):
    return CascadeStep(
        source=source, relation="activates", target=target, mechanism="transcription",
        confidence=confidence, status="verified",
    )  # fmt: skip


def change(node, quantity="activity"):
    return Change(node=node, direction="down", quantity=quantity)


def test_a_curated_step_behind_a_database_step_is_told_with_it():
    middle, end = change("B", "expression"), change("C", "expression")
    state = AgentState(
        text="A?", question=ASKED, committed=[step(LOST, middle, 0.2), step(middle, end)]
    )
    ((first, last),) = verified_paths(state, "C", "down")
    assert (first.target.node, last.target.node) == ("B", "C")


def test_what_curated_steps_explain_databases_do_not_explain_away():
    end = change("C", "expression")
    state = AgentState(
        text="A?",
        question=ASKED,
        committed=[
            step(LOST, end, 0.6),
            step(LOST, change("X")),
            step(change("X"), change("Y")),
            step(change("Y"), end),
        ],
    )
    (path,) = verified_paths(state, "C", "down")
    assert [one.target.node for one in path] == ["X", "Y", "C"]
