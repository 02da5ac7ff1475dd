"""How far a database is believed is learnt, and named when its file is damaged."""

import pytest

from knowledge.errors import DataError
from knowledge.schema import Edge
from knowledge.trust import DATABASE_TRUST, LEAST_TRUST, STARTER_TRUST, EdgeTrust, load_edge_trust

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


def test_the_shipped_trust_loads_and_a_damaged_file_is_named(tmp_path):
    assert load_edge_trust().starter_agreement > 0.8
    broken = tmp_path / "edge_trust.json"
    broken.write_text('{"trust": {"bias": "x"}}')
    with pytest.raises(DataError, match=r"edge_trust\.json is missing or damaged; reinstall"):
        load_edge_trust(broken)
