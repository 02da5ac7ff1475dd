import pytest

from tools.network import neighbours


def test_upstream_and_downstream_are_told_apart(call):
    upstream = call("neighbours", node="TP53", side="upstream")
    assert "MDM2 inhibits TP53" in upstream.content
    assert "CDKN1A" not in upstream.content
    assert "TP53 activates CDKN1A" in call("neighbours", node="p53", side="downstream").content


def test_better_supported_relations_come_first_and_disagreement_is_said(call):
    lines = call("neighbours", node="TP53", side="upstream").content.splitlines()
    assert lines[0] == "TP53, upstream: 2 of 2 signed relations"
    assert lines[1].startswith("MDM2 inhibits TP53 (ubiquitination; trust 0.9")
    assert lines[2].startswith("MDM4")
    downstream = call("neighbours", node="TP53", side="downstream").content
    assert "the opposite sign in TRRUST" in downstream


def test_k_bounds_the_list(call):
    result = call("neighbours", node="TP53", side="upstream", k=1)
    assert "1 of 2" in result.content
    assert "MDM4" not in result.content
    assert call("neighbours", node="TP53", side="upstream", k=10_000).is_error


@pytest.mark.parametrize(("effect_on", "found"), [("expression", 1), ("activity", 0)])
def test_relations_are_filtered_by_what_they_change(p53_knowledge, effect_on, found):
    relations = neighbours(p53_knowledge.graph, "TP53", "downstream", effect_on)
    assert len([one for one in relations if one.target == "CDKN1A"]) == found


def test_a_complex_is_found_by_its_name_in_any_case(call):
    assert (
        "TP53 activates p53 complex"
        in call("neighbours", node="P53 Complex", side="upstream").content
    )


def test_an_unknown_node_is_answered_with_groups_of_such_a_name(ask_starter):
    result = ask_starter("neighbours", node="tRNA charging", side="downstream")
    assert result.is_error
    assert "cytosolic tRNA charging" in result.content


def test_a_gene_without_edges_is_not_called_unknown(call):
    result = call("neighbours", node="ATF4", side="downstream")
    assert result.is_error
    assert "ATF4 is a gene" in result.content


def test_a_path_gives_each_step_its_sign_and_its_edge(call):
    result = call("paths", gene="MDM2", readout="p21")
    assert result.content.splitlines()[0].startswith("CDKN1A up, confidence 0.")
    assert "MDM2 activity down -> TP53 activity up (inhibits, ubiquitination)" in result.content
    assert "[db:TP53>CDKN1A:activates]" in result.content


def test_activation_turns_the_path_around(call):
    result = call("paths", gene="MDM2", readout="CDKN1A", kind="activation")
    assert result.content.startswith("CDKN1A down")


def test_a_line_that_lacks_a_gene_has_no_path_through_it(call):
    through = call("paths", gene="MDM2", readout="CDKN1A", cell_line="K562")
    assert "No signed path" in through.content
    start = call("paths", gene="TP53", readout="CDKN1A", cell_line="K562")
    assert start.is_error
    assert "lacks functional TP53" in start.content


def test_the_starter_pack_explains_chop(ask_starter):
    result = ask_starter("paths", gene="HSPA5", readout="DDIT3", cell_line="K562")
    assert result.content.startswith("DDIT3 up")
