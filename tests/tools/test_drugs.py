"""The tool of drugs: probabilities, relatives and scope, from a typed call."""

import json

import pytest

from knowledge.base import load_knowledge
from tests import drug_world as world
from tools.base import Toolbox
from tools.drugs import drug_call, predict_drug, predict_drug_tool


def test_an_answer_says_what_it_rests_on_and_what_relatives_did():
    answer = predict_drug(world.model(), "givinostat", "OLDG1", "b cells")
    assert (answer.drug, answer.gene, answer.context) == ("givinostat", "G1", "OP3-B")
    assert answer.in_scope
    assert answer.interval.low <= answer.p_de <= answer.interval.high
    assert answer.p_up_interval.low <= answer.p_up <= answer.p_up_interval.high
    assert [one.shares for one in answer.nearest[:3]] == [("HDAC1",)] * 3
    assert all(one.did for one in answer.nearest)


def test_the_tool_cites_the_model_and_refuses_what_is_no_drug(tmp_path):
    model = world.model()
    box = Toolbox([predict_drug_tool(load_knowledge(tmp_path), lambda: model)])

    def call(**words):
        return box.call("predict_drug", json.dumps(words))

    told = call(drug="Givinostat", gene="G3", context="op3-t")
    assert told.evidence[0].kind == "model"
    assert "P(up if it changes)" in told.content
    assert "nearest drugs" in told.content
    assert call(drug="dmso", gene="G3", context="op3-t").is_error
    assert "RPE1" in call(drug="givinostat", gene="G3", context="RPE1").content
    assert "was not read" in call(drug="givinostat", gene="TP53", context="OP3-T").content


@pytest.mark.parametrize(
    ("p_de", "p_up", "call"),
    [(0.4, 0.9, "up"), (0.4, 0.1, "down"), (0.4, 0.5, "unknown"), (0.01, 0.9, "unchanged"),
     (0.1, 0.9, "unknown"), (None, 0.5, "unknown")],
)  # fmt: skip
def test_a_call_needs_a_likely_change_and_a_clear_way(p_de, p_up, call):
    assert drug_call(p_de, p_up) == call
