"""An answer is as sure of its mechanism as the screens let it be."""

import pytest

from agent.belief import believable, search_confidence
from agent.wording import headline
from knowledge.cascade import reach, start
from knowledge.graph import Group, SignedGraph
from knowledge.schema import (
    CascadeStep,
    Change,
    Edge,
    Effect,
    Hypothesis,
    Interval,
    Perturbation,
    Question,
)

LOSS = Perturbation(genes=("A",), kind="knockdown", cell_line="K562")


def graph(database):
    edges = [
        Edge(source="pump complex", target="B", effect="inhibits", mechanism="sensing",
             database="starter:test"),
        Edge(source="B", target="C", effect="activates", mechanism="transcription",
             database=database),
    ]  # fmt: skip
    return SignedGraph(edges, [Group(name="pump complex", kind="complex", members=("A",))])


def path(database):
    """Return the best path to C as the agent would commit it, and the search's confidence."""
    found = reach(graph(database), start(LOSS)).path("C", "up")
    steps = tuple(
        CascadeStep(
            source=one.source,
            relation=one.relation.effect,
            target=one.target,
            mechanism=one.relation.mechanism,
            confidence=one.relation.trust,
            status="verified",
        )
        for one in found
    )
    return steps, found[-1].confidence


def told(database):
    steps, _ = path(database)
    everything = Interval(low=0, high=1)
    effect = Effect(gene="C", p_de=0.9, p_up=0.9, interval=everything, p_up_interval=everything,
                    call="up")  # fmt: skip
    one = Hypothesis(readout="C", direction="up", steps=steps, summary="", confidence=0.5)
    question = Question(perturbation=LOSS, readouts=("C",), text="")
    return headline(question, [effect], [one], [])


@pytest.mark.parametrize("database", ["starter:test", "CausalPath"])
def test_the_confidence_of_a_path_is_that_of_the_search(database):
    steps, confidence = path(database)
    assert search_confidence(steps) == pytest.approx(confidence)


def test_a_path_within_the_starter_pack_is_told_as_the_mechanism():
    assert "Best-documented path: A ↓ → pump complex ↓ → B ↑ → C ↑" in told("starter:test")


def test_a_path_that_leans_on_one_database_is_told_as_a_weak_one():
    assert "right little more often than by chance" in told("CausalPath")
    assert "Best-documented" not in told("CausalPath")


def test_a_confident_path_is_believed_whoever_asserts_it():
    step = CascadeStep(
        source=Change(node="B", direction="up", quantity="activity"),
        relation="activates",
        target=Change(node="C", direction="up", quantity="expression"),
        confidence=0.6,
        status="verified",
    )
    assert believable([step])
    assert not believable([step.model_copy(update={"confidence": 0.1})])


def test_a_fallen_transcript_is_not_taken_for_a_lost_subunit():
    factor, pump = Change(node="A", direction="down", quantity="activity"), "pump complex"
    fell = Change(node="B", direction="down", quantity="expression")
    broken = Change(node=pump, kind="complex", direction="down", quantity="activity")
    first = CascadeStep(
        source=factor, relation="activates", target=fell, mechanism="transcription",
        confidence=0.95, status="verified",
    )  # fmt: skip
    second = CascadeStep(
        source=fell, relation="activates", target=broken, mechanism="complex",
        confidence=0.9, status="verified",
    )  # fmt: skip
    assert believable([first])
    assert not believable([first, second])
