"""How far a database is believed is learnt, and named when its file is damaged."""

import json

import pytest

from knowledge.errors import DataError
from knowledge.schema import Edge
from knowledge.trust import (
    DATABASE_TRUST,
    FILE,
    LEAST_TRUST,
    STARTER_TRUST,
    EdgeTrust,
    load_edge_trust,
    save_edge_trust,
)

TRUST = EdgeTrust(
    bias=0.0,
    inhibits=-1.0,
    databases={"Good": 2.0, "Good, protein": 0.0},
    more=0.5,
    papers=0.5,
    starter_agreement=0.95,
)


def edge(database, effect="activates", mechanism="transcription", references=()):
    return Edge(source="A", target="B", effect=effect, mechanism=mechanism, database=database,
                references=references)  # fmt: skip


def test_a_starter_edge_is_trusted_whatever_else_is_said():
    assert TRUST.of([edge("starter:p53"), edge("Good")]) == STARTER_TRUST


def test_trust_is_the_correlation_with_measured_signs_on_the_scale_of_the_starter_pack():
    # logistic(2) = .8808; 2 p - 1 = .7616; times .9 / (2 * .95 - 1).
    assert TRUST.of([edge("Good")]) == pytest.approx(0.7616, abs=1e-4)


def test_further_databases_and_papers_add_trust_up_to_a_bound():
    alone = TRUST.of([edge("Unknown", references=("PMID:1",))])
    assert TRUST.of([edge("Unknown", references=("PMID:1", "PMID:2"))]) > alone
    assert TRUST.of([edge("Unknown"), edge("Another")]) > TRUST.of([edge("Unknown")])
    many = [edge("Good", references=tuple(f"PMID:{i}" for i in range(50)))]
    assert TRUST.of(many) == DATABASE_TRUST < STARTER_TRUST


def test_what_is_right_about_transcripts_need_not_be_about_proteins():
    assert TRUST.of([edge("Good", mechanism="phosphorylation")]) < TRUST.of([edge("Good")])


def test_an_assertion_that_measurements_do_not_bear_out_keeps_little_trust():
    assert TRUST.of([edge("Unknown", effect="inhibits")]) == LEAST_TRUST


@pytest.fixture
def shipped():
    load_edge_trust.cache_clear()
    yield FILE.read_bytes()
    load_edge_trust.cache_clear()


DAMAGES = {
    "missing": None,
    "cut": lambda data: data[: len(data) // 2],
    "emptied": lambda _: b"",
    "zeroed": lambda data: bytes(len(data)),
    "a list": lambda _: b"[]",
    "nested": lambda _: b"[" * 100_000,
    "a number changed": lambda data: data.replace(b"0.", b"1.", 1),
    "NaN": lambda data: data.replace(b"0.0", b"NaN", 1),
    "without its hash": lambda data: data.replace(b"sha256", b"sha"),
    "of a wrong kind": lambda _: b'{"trust": {"bias": "x"}}',
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_the_shipped_trust_is_one_sentence(tmp_path, shipped, damage):
    broken = tmp_path / "edge_trust.json"
    if change := DAMAGES[damage]:
        broken.write_bytes(change(shipped))
    with pytest.raises(DataError, match=r"edge_trust\.json is missing or damaged; reinstall"):
        load_edge_trust(broken)


def test_the_shipped_trust_loads_and_is_written_byte_for_byte(tmp_path, shipped):
    trust = load_edge_trust()
    assert trust.starter_agreement > 0.8
    save_edge_trust(trust, json.loads(shipped)["labelled"], tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == shipped
