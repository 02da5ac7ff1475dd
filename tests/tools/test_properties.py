"""The tool that tells a gene's properties: predictions, known labels, and what they rest on."""

import json
import runpy
from pathlib import Path

import pytest

from knowledge.errors import DataError
from models.genen.model import GenenModel
from tools.base import Toolbox
from tools.properties import gene_properties_tool, shipped_properties

WORLD = runpy.run_path(str(Path(__file__).parents[1] / "genen_world.py"))


@pytest.fixture(scope="module")
def model(tmp_path_factory, hash_encoder):
    """A model of the world of 84 genes, TP53 and MDM2 among the unlabelled."""
    folder = tmp_path_factory.mktemp("genen")
    binary, _, noise, value = WORLD["tasks"]()
    labelled = WORLD["task"](
        "bivalent-lys4", "binary", [*binary.labels, 1], ("bivalent", "Lys4 only"),
        [*binary.genes, "TP53"],
    )  # fmt: skip
    WORLD["train"](folder, hash_encoder(), [binary, labelled, noise, value])
    return GenenModel.load(folder)


@pytest.fixture
def ask(p53_knowledge, model):
    """Call the tool as the language model does."""
    box = Toolbox([gene_properties_tool(p53_knowledge, lambda: model)])
    return lambda gene: box.call("gene_properties", json.dumps({"gene": gene}))


def test_a_gene_is_told_under_its_approved_symbol_with_what_it_is_predicted_from(ask):
    assert ask("p53").content.splitlines()[0] == "TP53: predicted from text and neighbours."


def test_a_prediction_is_model_evidence_with_its_held_out_figure(ask, model):
    fact = next(one for one in ask("TP53").evidence if one.id == "mod:property:TP53:solubility")
    assert (fact.kind, fact.genes, fact.sign) == ("model", ("TP53",), 0)
    assert fact.source == f"genen {model.version}"
    found = model.properties("TP53")[0]
    assert f"predicted {found.call} ({max(found.scores):.2f})" in fact.statement
    assert "held-out AUROC" in fact.statement
    assert fact.weight == pytest.approx(max(found.scores))
    for part in ("what is written about it", "its GO terms", "its partners"):
        assert part in fact.statement


def test_a_known_label_is_annotation_evidence_apart_from_the_prediction(ask, model):
    found = {one.id: one for one in ask("TP53").evidence}
    known = found["ann:property:TP53:bivalent-lys4"]
    assert (known.kind, known.weight) == ("annotation", 1.0)
    assert known.statement.startswith("TP53 is labelled Lys4 only")
    predicted = found["mod:property:TP53:bivalent-lys4"]
    assert "without its own label Lys4 only" in predicted.statement
    held_out = model.properties("TP53")[1].held_out
    assert predicted.weight == pytest.approx(max(held_out))


def test_terms_and_partners_that_moved_a_prediction_are_facts_of_their_own(ask):
    found = ask("TP53").evidence
    terms = [one for one in found if one.id.startswith("go:TP53>")]
    partners = [one for one in found if one.id.startswith("db:TP53~")]
    assert terms
    assert partners
    assert {one.kind for one in terms} == {"annotation"}
    assert {one.kind for one in partners} == {"database"}
    assert all(one.genes[0] == "TP53" and len(one.genes) == 2 for one in partners)


def test_a_property_near_chance_is_not_predicted_and_says_why(ask):
    result = ask("TP53")
    assert "mod:property:TP53:tf-target-type" not in {one.id for one in result.evidence}
    assert "tf-target-type (what tf-target-type is): no prediction, as held-out" in result.content


def test_of_a_gene_without_text_and_edges_nothing_is_predicted(ask):
    result = ask("MDM4")
    assert result.evidence == ()
    assert result.content.count("no prediction, as neither") == 4


def test_a_value_is_told_with_its_interval(ask):
    fact = next(one for one in ask("MDM2").evidence if one.id.endswith("conservation"))
    assert "Pearson r" in fact.statement
    assert "[" in fact.statement.split("predicted ")[1].split(";")[0]


def test_every_id_in_the_text_is_evidence_and_none_comes_twice(ask):
    result = ask("TP53")
    ids = [one.id for one in result.evidence]
    assert len(ids) == len(set(ids))
    assert all(f"[{one}]" in result.content for one in ids)


def test_a_gene_that_the_model_lacks_is_an_error_that_names_it(ask):
    result = ask("ATF4")
    assert result.is_error
    assert "ATF4" in result.content


def test_a_word_that_is_no_gene_is_answered_with_the_nearest(ask):
    result = ask("MDM22")
    assert result.is_error
    assert "nearest symbols are MDM2" in result.content


def test_the_model_is_not_loaded_before_the_tool_is_called(p53_knowledge):
    def load():
        raise DataError("loaded now")

    box = Toolbox([gene_properties_tool(p53_knowledge, load)])
    assert box.names == ("gene_properties",)
    assert box.call("gene_properties", '{"gene": "TP53"}').content == "loaded now"


def test_the_shipped_model_places_a_receptor_in_the_membrane():
    found = {one.name: one for one in shipped_properties().properties("EGFR")}
    assert found["localisation"].call == "cell membrane"
    assert found["solubility"].call == "membrane"
