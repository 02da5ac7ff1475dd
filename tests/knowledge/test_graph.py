import pytest

from knowledge.graph import Group, SignedGraph, changed
from knowledge.schema import Edge


def edge(source, effect, target, mechanism="transcription", database="starter:test"):
    return Edge(source=source, target=target, effect=effect, mechanism=mechanism, database=database)


def test_a_lost_activator_lowers_and_a_lost_inhibitor_raises_its_target():
    assert changed("down", +1) == "down"
    assert changed("down", -1) == "up"
    assert changed("up", -1) == "down"
    with pytest.raises(ValueError, match="no direction"):
        changed("down", 0)


def test_parallel_edges_of_several_databases_are_kept_and_raise_the_trust():
    one = SignedGraph([edge("ATF4", "activates", "ASNS", database="CollecTRI")])
    two = SignedGraph(
        [
            edge("ATF4", "activates", "ASNS", database="CollecTRI"),
            edge("ATF4", "activates", "ASNS", database="CausalPath"),
        ]
    )
    (weak,) = one.relations("ATF4", "ASNS")
    (strong,) = two.relations("ATF4", "ASNS")
    assert strong.trust > weak.trust
    assert len(strong.edges) == 2


def test_the_same_database_said_twice_counts_once():
    twice = SignedGraph([edge("A", "activates", "B"), edge("A", "activates", "B")])
    once = SignedGraph([edge("A", "activates", "B")])
    assert twice.relations("A", "B")[0].trust == once.relations("A", "B")[0].trust


def test_a_disputed_sign_goes_to_the_better_supported_side_with_less_trust():
    graph = SignedGraph(
        [
            edge("A", "activates", "B", database="CollecTRI"),
            edge("A", "activates", "B", database="CausalPath"),
            edge("A", "inhibits", "B", database="OmniPath"),
        ]
    )
    (relation,) = graph.relations("A", "B")
    assert relation.effect == "activates"
    assert [e.database for e in relation.opposed_by] == ["OmniPath"]
    undisputed = SignedGraph(
        [
            edge("A", "activates", "B", database="CollecTRI"),
            edge("A", "activates", "B", database="CausalPath"),
        ]
    ).relations("A", "B")[0]
    assert relation.trust < undisputed.trust


def test_an_evenly_disputed_sign_is_not_guessed():
    graph = SignedGraph(
        [
            edge("A", "activates", "B", database="SIGNOR"),
            edge("A", "inhibits", "B", database="TRRUST"),
        ]
    )
    assert graph.relations("A", "B") == ()


def test_transcript_and_activity_are_different_relations_of_one_pair():
    graph = SignedGraph(
        [
            edge("TP53", "activates", "MDM2"),
            edge("TP53", "inhibits", "MDM2", mechanism="binding"),
        ]
    )
    relations = graph.relations("TP53", "MDM2")
    assert [(r.expression, r.effect) for r in relations] == [
        (True, "activates"),
        (False, "inhibits"),
    ]


def test_unsigned_edges_carry_no_relation():
    graph = SignedGraph([edge("A", "binds", "B", mechanism="binding")])
    assert graph.relations("A", "B") == ()
    assert len(graph.edges_between("A", "B")) == 1


def test_complexes_are_nodes_of_their_own_kind():
    proteasome = Group(name="26S proteasome", kind="complex", members=("PSMD1", "PSMB5"))
    graph = SignedGraph([], [proteasome])
    assert graph.kind("26S proteasome") == "complex"
    assert graph.kind("PSMD1") == "gene"
    assert graph.groups_of("PSMD1") == (proteasome,)


def test_an_unknown_node_has_no_edges():
    graph = SignedGraph([])
    assert "NOPE" not in graph
    assert graph.out_edges("NOPE") == ()
    assert graph.groups_of("NOPE") == ()
