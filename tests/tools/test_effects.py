from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.base import load_knowledge
from knowledge.graph import SignedGraph
from knowledge.schema import Edge, Perturbation
from models.fusion import Fusion
from models.response import ResponseModel
from tools.effects import EffectPredictor


def edge(source, effect, target, mechanism, database="starter:p53"):
    return Edge(source=source, target=target, effect=effect, mechanism=mechanism, database=database)


@pytest.fixture(scope="module")
def predictor():
    """The shipped weights over a graph where p53 is the main road to p21, p73 a side street."""
    graph = SignedGraph(
        [
            edge("MDM2", "inhibits", "TP53", "ubiquitination"),
            edge("TP53", "activates", "CDKN1A", "transcription"),
            edge("MDM2", "inhibits", "TP73", "binding", "SIGNOR"),
            edge("TP73", "activates", "CDKN1A", "transcription", "CollecTRI"),
        ]
    )
    knowledge = replace(load_knowledge(Path("/nowhere")), graph=graph)
    return EffectPredictor(knowledge, ResponseModel.load(), Fusion.load("starter"))


def effect(predictor, gene, readout, line):
    perturbation = Perturbation(genes=(gene,), kind="knockdown", cell_line=line)
    return predictor.effects(perturbation, [readout])[0]


def test_a_detour_is_not_believed_where_a_lesion_cuts_the_main_path(predictor):
    with_p53 = effect(predictor, "MDM2", "CDKN1A", "RPE1")
    without = effect(predictor, "MDM2", "CDKN1A", "K562")
    assert with_p53.call == "up"
    assert without.call == "unchanged"
    assert "main signed path" in without.reason
    assert without.p_de is None


def test_the_perturbed_gene_itself_is_not_predicted(predictor):
    own = effect(predictor, "MDM2", "MDM2", "RPE1")
    assert own.abstained
    assert "perturbed gene itself" in own.reason


def test_a_measured_row_moves_the_prediction_towards_what_was_measured(predictor):
    response = predictor.response
    readout, outcome = next(
        (gene, told)
        for gene in response.readouts("HepG2")
        if (told := response.measured("KEAP1", gene, "HepG2")) == "up"
    )
    (alone,) = response.predict(["KEAP1"], [readout], "HepG2")
    informed = effect(predictor, "KEAP1", readout, "HepG2")
    assert outcome == "up"
    assert informed.seen_in_training
    assert informed.p_up > alone.p_up
    assert informed.p_de > alone.p_de


def test_intervals_hold_the_fused_probabilities(predictor):
    perturbation = Perturbation(genes=("HSPA5",), kind="knockdown", cell_line="K562")
    told = [one for one in predictor.effects(perturbation) if one.interval is not None]
    assert len(told) > 1000
    for one in told:
        assert one.interval.low <= one.p_de <= one.interval.high
    for one in told:
        if one.p_up_interval is not None:
            assert one.p_up_interval.low <= one.p_up <= one.p_up_interval.high


def test_a_gene_that_acts_through_another_lost_gene_has_no_say(predictor):
    def of(*genes):
        perturbation = Perturbation(genes=genes, kind="knockdown", cell_line="RPE1")
        return predictor.effects(perturbation, ["CDKN1A"])[0]

    both = of("MDM2", "TP53")
    assert of("MDM2").call == "up"
    assert both.p_up < 0.5
    assert both.p_up == pytest.approx(of("TP53").p_up, abs=0.05)
    assert "MDM2 acts on it through TP53" in both.reason


def test_a_change_of_unknown_direction_is_called_neither_way(predictor):
    perturbation = Perturbation(genes=("KEAP1",), kind="knockdown", cell_line="HepG2")
    lone = next(
        one
        for one in predictor.effects(perturbation)
        if one.call in ("up", "down") and not one.subtle
    )
    undecided = predictor.revised(perturbation, lone, p_de=0.6, p_up=0.5)
    assert undecided.call == "unknown"
    assert not undecided.abstained
    assert "which way is not known" in undecided.reason
    unlikely = predictor.revised(perturbation, lone, p_de=0.05, p_up=0.5)
    assert unlikely.call == "unchanged"


def test_an_interval_that_holds_nearly_everything_is_no_knowledge(predictor):
    perturbation = Perturbation(genes=("HSPA5",), kind="knockdown", cell_line="K562")
    told = predictor.effects(perturbation)
    spans = [one.p_up_interval for one in told if one.p_up_interval is not None]
    assert max(span.high - span.low for span in spans) < 1
