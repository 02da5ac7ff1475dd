import json
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from models.inputs.genes import UnknownGeneError
from tools.base import Toolbox
from tools.expression import most_changed, predict_expression_tool
from tools.toolbox import build_toolbox

TOLD = runpy.run_path(str(Path(__file__).parents[1] / "told_expression.py"))


@pytest.fixture
def model():
    return TOLD["ToldExpression"]()


@pytest.fixture
def express(p53_knowledge, model):
    """Call the tool as the language model does."""
    box = Toolbox([predict_expression_tool(p53_knowledge, lambda: model)])

    def call(*genes, cell_line="THP-1", kind="knockout", **more):
        arguments = {"genes": list(genes), "kind": kind, "cell_line": cell_line, **more}
        return box.call("predict_expression", json.dumps(arguments))

    return call


def test_the_genes_that_change_most_come_first_with_their_intervals(express):
    lines = express("MDM2").content.splitlines()
    assert "Knocking out MDM2 in THP-1 (context papalexi): predicted log2 fold changes" in lines[0]
    assert "those of 2 of 5 leave out zero" in lines[0]
    assert lines[1].endswith("] CDKN1A +2.00 [+1.20, +2.80]")
    assert lines[2].endswith("] MDM2 -1.00 [-1.80, -0.20]")


def test_a_prediction_is_model_evidence_with_its_direction(express):
    result = express("MDM2")
    up, down = result.evidence[:2]
    assert (up.kind, up.genes, up.sign) == ("model", ("MDM2", "CDKN1A"), 1)
    assert (down.genes, down.sign) == (("MDM2", "MDM2"), -1)
    assert 0.5 < down.weight < up.weight <= 1
    assert up.source == "expression told"
    assert {fact.kind for fact in result.evidence} == {"model"}


def test_a_change_whose_interval_holds_zero_points_nowhere(express):
    fact = next(fact for fact in express("MDM2").evidence if fact.genes[-1] == "GADD45A")
    assert fact.sign == 0
    assert 0.5 < fact.weight < 1


def test_a_large_change_that_may_be_noise_does_not_lead_the_list():
    response = TOLD["ToldExpression"]().predict(("MDM2",), "papalexi")
    unsure = response.high - response.low
    unsure[0] = 40
    noisy = replace(response, low=response.change - unsure / 2, high=response.change + unsure / 2)
    assert most_changed(noisy, 3).tolist() == [2, 1, 4]


def test_a_measured_response_is_measured_evidence_without_intervals(express):
    result = express("MDM4")
    assert "measured log2 fold changes as the screen has them" in result.content
    assert result.evidence[0].statement == (
        "Knocking out MDM4 in THP-1 changed CDKN1A by +1.00 (log2 fold change)"
    )
    assert {fact.kind for fact in result.evidence} == {"measured"}
    assert result.evidence[0].sign == 1


def test_every_id_in_the_text_is_evidence_of_the_result(express):
    result = express("MDM2", "MDM4", readouts=["p21"])
    ids = [fact.id for fact in result.evidence]
    assert len(ids) == len(set(ids))
    assert all(f"[{one}]" in result.content for one in ids)


def test_what_the_prediction_rests_on_is_evidence(express):
    said = [fact.statement for fact in express("MDM2").evidence]
    assert "The measured response to MDM4 is 50% of what predicts MDM2" in said
    assert "The measured response to ATM+CHEK2 is 20% of what predicts MDM2" in said


def test_readouts_asked_about_come_first_under_their_approved_symbols(express):
    lines = express("MDM2", readouts=["TP53", "p21"]).content.splitlines()
    assert "] TP53 +0.00" in lines[1]
    assert "] CDKN1A +2.00" in lines[2]
    assert sum("CDKN1A +2.00" in line for line in lines) == 1


def test_a_readout_that_the_screen_did_not_read_is_said(express, model):
    model.readouts = ("A", "B", "C", "D", "E")
    assert "Not read in papalexi: CDKN1A." in express("MDM2", readouts=["p21"]).content


def test_genes_perturbed_together_are_compared_with_the_sum_of_their_responses(express):
    text = express("MDM4", "MDM2").content
    assert "Knocking out MDM2+MDM4" in text
    assert "1.57 times its size, correlation 0.99" in text
    assert "the sum outside 1 intervals; farthest apart CDKN1A (+5.00, sum +3.00)." in text


def test_without_every_single_response_there_is_no_sum(express):
    assert "no sum of single responses" in express("MDM2", "TP53").content


def test_the_line_and_the_kind_choose_the_context_that_reads_most(express, model):
    express("MDM2", cell_line="thp1")
    express("MDM2", cell_line="k-562", kind="activation")
    express("MDM2", cell_line="Small")
    assert [name for _, name in model.asked] == ["papalexi", "norman", "small"]


@pytest.mark.parametrize(
    ("cell_line", "kind"),
    [("HepG2", "knockdown"), ("norman-latent", "activation"), ("norman", "knockout")],
)
def test_where_no_screen_fits_the_contexts_are_listed(express, cell_line, kind):
    result = express("MDM2", cell_line=cell_line, kind=kind)
    assert result.is_error
    assert "papalexi (knockout in THP-1)" in result.content
    assert "norman (activation in K562)" in result.content
    assert "norman-latent (" not in result.content


def test_a_word_that_is_no_gene_is_answered_with_the_nearest(express):
    result = express("MDM22")
    assert result.is_error
    assert "nearest symbols are MDM2" in result.content
    assert "may mean MDM2, MDM4" in express("HDM").content


def test_a_gene_of_which_the_model_knows_nothing_is_named(express):
    result = express("ATF4")
    assert result.is_error
    assert "ATF4" in result.content


def test_the_model_is_not_loaded_before_it_is_asked(p53_knowledge, told_predictor):
    def load():
        raise UnknownGeneError("loaded")

    box = build_toolbox(p53_knowledge, told_predictor, None, load)
    assert "predict_expression" in box.names
    arguments = {"genes": ["MDM2"], "kind": "knockout", "cell_line": "THP-1"}
    assert box.call("predict_expression", json.dumps(arguments)).content == "loaded"
