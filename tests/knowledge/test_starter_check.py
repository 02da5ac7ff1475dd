import pytest

from knowledge import starter_check
from knowledge.errors import DataError
from knowledge.graph import Group
from knowledge.schema import Edge
from knowledge.starter import Starter
from knowledge.starter_check import check_starter


def edge(source, effect, target, mechanism="transcription", note=""):
    return Edge(
        source=source,
        target=target,
        effect=effect,
        mechanism=mechanism,
        database="starter:test",
        note=note,
    )


def starter(*edges, groups=()):
    return Starter(genes=(), summaries={}, edges=edges, groups=groups, programmes=())


@pytest.fixture
def checked(tiny_mirror, tiny_registry, monkeypatch):
    monkeypatch.setattr(starter_check, "load_registry", lambda: tiny_registry)

    def check(*edges, groups=()):
        return check_starter(starter(*edges, groups=groups), tiny_mirror)

    return check


def test_an_edge_is_confirmed_by_the_databases_that_have_it(checked):
    (found,) = checked(edge("TP53", "activates", "CDKN1A"))
    assert found.verdict == "confirmed"
    assert set(found.supporting) == {"SIGNOR", "KEGG", "CollecTRI"}


def test_an_edge_no_database_has_is_unconfirmed(checked):
    (found,) = checked(edge("ATF4", "activates", "AARS1"))
    assert found.verdict == "unconfirmed"


def test_an_edge_of_the_opposite_sign_is_contradicted_unless_a_note_says_why(checked):
    bare, explained = checked(
        edge("MDM2", "activates", "TP53", "ubiquitination"),
        edge("TP53", "activates", "CCNB1", note="only in this tissue"),
    )
    assert (bare.verdict, bare.excused) == ("contradicted", False)
    assert (explained.verdict, explained.excused) == ("contradicted", True)
    assert explained.opposing == ("TRRUST",)


def test_activity_and_expression_are_not_held_against_each_other(checked):
    (found,) = checked(edge("MDM2", "activates", "TP53", "transcription"))
    assert found.verdict == "confirmed"
    assert found.opposing == ()


def test_a_sign_written_by_default_contradicts_nothing(checked):
    (found,) = checked(edge("TP53", "inhibits", "MDM2"))
    assert found.verdict == "confirmed"
    assert "DoRothEA" in found.unsigned


def test_a_complex_is_compared_through_its_members(checked):
    pair = Group(name="MPF", kind="complex", members=("CCNB1", "CDK1"))
    (found,) = checked(edge("MPF", "activates", "TP53", "phosphorylation"), groups=[pair])
    assert found.verdict == "confirmed"


def test_what_a_process_does_has_no_sign_in_the_databases(checked):
    process = Group(name="p53 turnover", kind="process", members=("MDM2",))
    empty = Group(name="stress", kind="process")
    known, unknown = checked(
        edge("p53 turnover", "activates", "TP53", "degradation"),
        edge("stress", "activates", "TP53", "sensing"),
        groups=[process, empty],
    )
    assert known.verdict == "confirmed"
    assert unknown.verdict == "not comparable"


def test_a_folder_without_networks_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no networks"):
        check_starter(starter(), tmp_path)
