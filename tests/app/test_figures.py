from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from app.show.figures import cascade_figure, effects_figure
from app.show.layout import lay_out


@pytest.fixture(params=["answer", "large_answer"])
def any_answer(request):
    return request.getfixturevalue(request.param)


def test_boxes_do_not_overlap_and_lie_inside_the_drawing(any_answer):
    layout = lay_out(any_answer.steps, any_answer.question.readouts)
    for a, b in combinations(layout.nodes, 2):
        apart_x = abs(a.x - b.x) >= (a.width + b.width) / 2
        assert apart_x or abs(a.y - b.y) >= (a.height + b.height) / 2, (a.key, b.key)
    for node in layout.nodes:
        assert node.width / 2 <= node.x <= layout.width - node.width / 2
        assert node.height / 2 <= node.y <= layout.height - node.height / 2


def test_causes_stand_left_of_what_they_cause_except_where_a_loop_closes(any_answer):
    layout = lay_out(any_answer.steps)
    place = {node.key: node.x for node in layout.nodes}
    for route in layout.routes:
        source = (route.step.source.node, route.step.source.direction)
        target = (route.step.target.node, route.step.target.direction)
        assert route.backwards == (place[target] <= place[source])


def test_the_perturbation_is_leftmost_and_readouts_are_rightmost(answer):
    layout = lay_out(answer.steps, answer.question.readouts)
    place = {node.key[0]: node.x for node in layout.nodes}
    assert min(place, key=place.get) == "HSPA5"
    assert place["DDIT3"] == place["HERPUD1"] == max(place.values())


def test_layout_is_the_same_every_time(any_answer):
    assert lay_out(any_answer.steps) == lay_out(any_answer.steps)


def test_the_cascade_draws_every_step_with_its_verdict_and_relation(answer):
    svg = ET.fromstring(cascade_figure(answer, answer.steps).svg)
    edges = [g.get("class") for g in svg.iter("g") if (g.get("class") or "").startswith("edge")]
    assert len(edges) == len(answer.steps)
    assert edges[0] == "edge verified inhibits"
    assert "edge contradicted inhibits" in edges
    words = {text.text for text in svg.iter("text")}
    assert {"HSPA5", "knocked out", "up, mRNA", "P(changes) 0.91", "transcription"} <= words


def test_names_with_markup_are_escaped(answer):
    source = answer.steps[0].source.model_copy(update={"node": "<script>alert(1)</script>"})
    step = answer.steps[0].model_copy(update={"source": source})
    assert "<script" not in cascade_figure(answer, [step]).svg


def test_the_effects_plot_has_a_row_per_gene_and_says_why_it_abstains(answer):
    svg = ET.fromstring(effects_figure(answer.effects).svg)
    words = [text.text for text in svg.iter("text")]
    assert [w for w in words if w in {e.gene for e in answer.effects}] == [
        e.gene for e in answer.effects
    ]
    assert "no prediction: no screen measured it in K562" in words


def test_an_answer_without_steps_or_effects_still_makes_pictures(answer):
    assert ET.fromstring(effects_figure([]).svg).tag == "svg"


def test_a_readout_whose_prediction_disagrees_with_the_cascade_says_so(answer):
    effect = answer.effects[0].model_copy(update={"call": "unchanged", "p_de": 0.04})
    doubtful = answer.model_copy(update={"effects": (effect,)})
    assert "predicted unchanged" in cascade_figure(doubtful, answer.steps).svg
