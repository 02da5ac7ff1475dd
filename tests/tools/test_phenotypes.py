import json
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from tools.base import Toolbox
from tools.phenotype_terms import telling
from tools.phenotypes import ABOUT, outlook, predict_phenotypes_tool, sequence_outlook
from tools.toolbox import build_toolbox

TOLD = runpy.run_path(str(Path(__file__).parents[1] / "told_phenotypes.py"))


@pytest.fixture
def model():
    return TOLD["ToldPhenotypes"]()


@pytest.fixture
def ask(p53_knowledge, model):
    """Call the tool as the language model does."""
    box = Toolbox([predict_phenotypes_tool(p53_knowledge, lambda: model)])
    return lambda **arguments: box.call("predict_phenotypes", json.dumps(arguments))


def test_known_phenotypes_stand_before_the_predicted_ones_and_apart(ask):
    lines = ask(gene="MDM2").content.splitlines()
    known = lines.index("Known of MDM2 in mouse mutants:")
    predicted = lines.index("Predicted for MDM2 in mouse mutants:")
    assert known < predicted
    assert [line.partition("] ")[2] for line in lines[known + 1 : predicted]] == [
        "short bone (MP:3)",
        "deafness (MP:5)",
        "abnormal bone (MP:2)",
    ]
    assert lines[predicted + 1].endswith("] short bone (MP:3) 0.70, through bone growth; kinase")


def test_known_is_annotation_or_measurement_and_predicted_is_model_evidence(ask):
    kinds = {fact.id: fact.kind for fact in ask(gene="TP53").evidence}
    assert kinds["known:phenotype:TP53:MP:5:mp"] == "annotation"
    assert kinds["mod:phenotype:TP53:MP:5:mp"] == "model"
    assert all((kind == "model") == one.startswith("mod:") for one, kind in kinds.items())


def test_every_id_in_the_text_is_evidence_of_the_result(ask):
    result = ask(gene="MDM2", collections=["mp", "hpo", "gwas", "mp"])
    ids = [fact.id for fact in result.evidence]
    assert len(ids) == len(set(ids))
    assert all(f"[{one}]" in result.content for one in ids)


def test_each_predicted_phenotype_cites_the_functions_that_carried_it(model):
    found = outlook(model, "MDM2", ("mp",))
    facts = {fact.id: fact for fact in found.evidence}
    for phenotype in found.predicted:
        assert phenotype.through == ("bone growth", "kinase")
        cited = [facts[i].statement for i in phenotype.evidence_ids]
        assert "is predicted for MDM2 with probability" in cited[0]
        assert cited[1] == (
            "MDM2 is predicted from its sequence to have the function bone growth (GO:1), "
            "probability 0.90"
        )


def test_a_list_tells_the_specific_term_and_not_its_parents_too(model):
    prediction = model.predict("MKV", "mp")
    shown = [prediction.names[i] for i in telling(prediction, model.vocabulary("mp"), 8)]
    assert shown == ["short bone", "deafness"]


def test_a_term_no_likelier_than_in_any_gene_is_not_told(model):
    found = outlook(model, "MDM2", ("gwas",))
    assert found.predicted == ()


def test_sequences_like_the_gene_are_evidence(ask):
    said = [fact.statement for fact in ask(gene="MDM2").evidence]
    assert any("MDM4 (mouse) is among the sequences most like MDM2: 62%" in one for one in said)


def test_a_gene_without_a_sequence_is_predicted_from_its_curated_functions(model):
    found = outlook(model, "MDM4")
    assert found.predicted
    assert any("predicted from its curated functions" in note for note in found.notes)
    functions = [fact for fact in found.evidence if ":function:" in fact.id]
    assert {fact.kind for fact in functions} == {"annotation"}


def test_a_gene_without_sequence_and_functions_keeps_what_is_known(model, monkeypatch):
    monkeypatch.setitem(TOLD["KNOWN"], ("ATF4", "mp"), ("MP:5",))
    found = outlook(model, "ATF4")
    assert [one.name for one in found.known] == ["deafness"]
    assert found.predicted == ()
    assert any("--fasta" in note for note in found.notes)


def test_what_was_examined_and_found_normal_is_said(model):
    found = outlook(model, "CDKN1A", ("mp",))
    assert found.known == ()
    assert found.known_counts == {"mp": 0}
    assert any("nothing abnormal was detected" in note for note in found.notes)


def test_that_the_model_learnt_from_what_is_known_is_said(model):
    assert any("learnt from" in note for note in outlook(model, "MDM2").notes)
    assert not any("learnt from" in note for note in outlook(model, "FGFR3").notes)


def test_a_sequence_is_predicted_with_nothing_known_of_it(ask, model):
    result = ask(sequence="mkvlat rgd\nWYHKDEFGHIK*")
    assert "Known" not in result.content
    assert "Predicted for sequence-" in result.content
    assert model.asked[0] == ("MKVLATRGDWYHKDEFGHIK", "mp")
    assert result.content == ask(sequence="MKVLATRGDWYHKDEFGHIK").content


def test_what_was_done_to_a_sequence_is_said(ask):
    assert "read as X" in ask(sequence="MKVLATRGD1WYHKDEFGHIK").content


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "one of the two"),
        ({"gene": "MDM2", "sequence": "MKV"}, "one of the two"),
        ({"sequence": ""}, "no sequence"),
        ({"sequence": "ACGT" * 20}, "translate it first"),
        ({"gene": "MDM22"}, "nearest symbols are MDM2"),
        ({"gene": "MDM2", "collections": ["omim"]}, "Invalid arguments"),
    ],
)
def test_what_cannot_be_predicted_is_an_error_the_model_reads(ask, arguments, words):
    result = ask(**arguments)
    assert result.is_error
    assert words in result.content


def test_every_collection_that_can_be_asked_about_is_described(ask):
    for name, about in ABOUT.items():
        assert f"in {about}" in ask(gene="MDM2", collections=[name]).content or name == "gwas"


def test_the_model_is_not_loaded_before_it_is_asked(p53_knowledge, told_predictor, model):
    loads = []
    box = build_toolbox(
        p53_knowledge, told_predictor, None, phenotypes=lambda: loads.append(1) or model
    )
    assert "predict_phenotypes" in box.names
    assert not loads
    assert not box.call("predict_phenotypes", '{"gene": "MDM2"}').is_error
    assert loads


def test_a_sequence_of_ones_own_keeps_its_name(model):
    from models.genepheno.sequences import query

    named = replace(query("MKVLATRGDWYHKDEFGHIK"), identifier="mine")
    assert sequence_outlook(model, named).subject == "mine"
