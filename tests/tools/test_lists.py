"""Lists are explained, reversed and searched, with the starter pack and the shipped model."""

from pathlib import Path

import numpy as np
import pytest

from knowledge.base import load_knowledge
from knowledge.errors import DataError, QuestionError
from knowledge.schema import Perturbation
from models.fusion import Fusion
from models.response import ResponseModel
from tools.effects import EffectPredictor
from tools.likeness import alike
from tools.lists.atlas import Builder, decoding, encoded, open_atlas
from tools.lists.explanation import explained
from tools.lists.hits import explained_hits
from tools.lists.ranking import causes, library_of
from tools.lists.results import read_result
from tools.lists.search import found

STRESS = "DDIT3+,HERPUD1+,TRIB3+,ASNS+,CHAC1+,DNAJB9+,SDF2L1+,HSPA5+"
SCREENED = ("HSPA5", "EIF2B4", "SCAP", "MBTPS1", "RPL5", "PSMD1", "GATA1", "AARS1")


@pytest.fixture(scope="module")
def predictor():
    response = ResponseModel.load()
    knowledge = load_knowledge(Path("/nowhere"), extra_genes=response.genes())
    return EffectPredictor(knowledge, response, Fusion.load("starter"))


@pytest.fixture(scope="module")
def data(predictor, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    builder = Builder.shipped(folder / "atlas", predictor.response)
    for part in builder.missing(["K562"], SCREENED):
        builder.build(*part)
    return folder


@pytest.fixture(scope="module")
def atlas(predictor, data):
    return open_atlas(data / "atlas", predictor.response.version)


def listed(predictor, words):
    return read_result(words, predictor.knowledge.symbols)


def test_an_atlas_keeps_what_is_predicted_within_its_precision(predictor, atlas):
    assert atlas.perturbations("K562") == SCREENED
    block = atlas.read("K562", ["DDIT3", "HSPA8", "NOT READ"])
    assert set(block.readouts) == {"DDIT3", "HSPA8"}
    row = block.readouts.index("DDIT3")
    for column, gene in enumerate(SCREENED):
        (one,) = predictor.response.predict([gene], ["DDIT3"], "K562")
        assert decoding()[block.p_de[row, column]] == pytest.approx(one.p_de, abs=0.01)
        assert decoding()[block.p_up[row, column]] == pytest.approx(one.p_up, abs=0.01)


def test_a_line_held_in_memory_reads_the_same(predictor, data, atlas):
    held = open_atlas(data / "atlas", predictor.response.version)
    held.hold("K562")
    mine, theirs = held.read("K562", ["DDIT3"]), atlas.read("K562", ["DDIT3"])
    assert (mine.p_de == theirs.p_de).all()
    assert held.totals("K562") == pytest.approx(atlas.totals("K562"))


def test_only_what_is_missing_of_an_atlas_is_made(predictor, data):
    builder = Builder.shipped(data / "atlas", predictor.response, part_size=4)
    parts = builder.missing(["K562"], SCREENED)
    assert [number for _, number, _ in parts] == [0, 1]
    whole = Builder.shipped(data / "atlas", predictor.response)
    assert not whole.missing(["K562"], SCREENED)


def test_parts_of_other_weights_and_damaged_ones_are_not_read(data):
    assert not open_atlas(data / "atlas", "other weights")
    with pytest.raises(DataError, match="atlas build"):
        open_atlas(data / "atlas", "other weights").read("K562")


def test_probabilities_are_kept_to_a_hundredth():
    p = np.linspace(1e-4, 1 - 1e-4, 2001, dtype=np.float32)
    assert np.abs(decoding()[encoded(p)] - p).max() < 0.01
    assert np.isnan(decoding()[encoded(np.array([np.nan], np.float32))]).all()


def test_changed_genes_are_explained_conflicting_or_unexplained_with_a_reason(predictor):
    one = Perturbation(genes=("HSPA5",), kind="knockout", cell_line="K562")
    told = explained(predictor, one, listed(predictor, f"{STRESS},HYOU1-,FAKE1-,GAPDH-"))
    rows = {row.gene: row for row in told.rows}
    assert rows["DDIT3"].verdict == "explained"
    assert rows["DDIT3"].path.words.startswith("HSPA5 ↓")
    assert rows["HYOU1"].verdict == "conflicting"
    assert rows["FAKE1"].reason == "gene unknown"
    assert rows["HSPA5"].verdict == "perturbed"
    assert rows["GAPDH"].verdict == "unexplained"
    assert rows["GAPDH"].reason
    assert told.controls.agreeing_p < 0.1
    assert told.controls.agreeing_shuffled < 0.9
    assert rows["DDIT3"].expectation == "expected"


def test_what_the_line_does_not_pass_on_is_told_as_cut_off(predictor):
    lost = Perturbation(genes=("MDM2",), kind="knockout", cell_line="K562")
    told = explained(predictor, lost, listed(predictor, "CDKN1A+,BAX+,GDF15+"))
    assert {row.reason for row in told.rows if row.gene == "CDKN1A"} == {"cut off in this line"}


def test_a_result_without_a_changed_gene_cannot_be_explained(predictor, tmp_path):
    file = tmp_path / "quiet.csv"
    file.write_text("gene,log2FoldChange,padj\nDDIT3,.1,.9\n")
    one = Perturbation(genes=("HSPA5",), kind="knockout", cell_line="K562")
    with pytest.raises(QuestionError, match="raise --alpha"):
        explained(predictor, one, listed(predictor, str(file)))


def test_hits_of_a_screen_are_explained_by_paths_to_what_it_read(predictor, tmp_path):
    from tests.tools.test_lists_results import MAGECK

    file = tmp_path / "gene_summary.txt"
    file.write_text(MAGECK)
    told = explained_hits(predictor, "LDLR", "HepG2", listed(predictor, str(file)), "high")
    rows = {row.gene: row for row in told.rows}
    assert rows["SREBF2"].verdict == "explained"
    turned = explained_hits(predictor, "LDLR", "HepG2", listed(predictor, str(file)), "low")
    assert {row.gene: row.verdict for row in turned.rows}["SREBF2"] == "conflicting"


def test_the_causes_of_a_stress_list_are_perturbations_that_cause_that_stress(
    predictor, data, atlas
):
    library = library_of(predictor, data, atlas)
    one = causes(predictor, library, listed(predictor, STRESS), "K562", "loss", top=10)
    first = [row.gene for row in one.rows]
    assert {"HSPA5", "EIF2B4", "RPN1", "DDOST", "HSP90B1", "ALG1", "DPAGT1"} & set(first)
    assert one.rows[0].p < 0.05
    assert one.rows[0].score >= one.rows[-1].score


def test_without_an_atlas_causes_are_ranked_by_measurements_and_paths(predictor, tmp_path):
    library = library_of(predictor, tmp_path)
    one = causes(predictor, library, listed(predictor, STRESS), "K562", "loss", top=5)
    assert len(one.rows) == 5
    assert any("no atlas" in note for note in one.notes)
    assert all(row.predicted is None for row in one.rows)


def test_a_list_of_two_genes_has_no_cause(predictor, data, atlas):
    with pytest.raises(QuestionError, match="at least 3"):
        causes(predictor, library_of(predictor, data, atlas), listed(predictor, "DDIT3+,LDLR-"),
               "K562")  # fmt: skip


def test_what_lowers_a_gene_is_found_specific_and_linked_ones_first(predictor, atlas):
    told = found(predictor, atlas, ["LDLR"], "K562", "down", top=6)
    genes = [row.gene for row in told.rows]
    assert {"SCAP", "SREBF2", "MBTPS1"} & set(genes[:4])
    assert all(row.call == "down" for row in told.rows)
    assert [row.worth for row in told.rows] == sorted((r.worth for r in told.rows), reverse=True)


def test_a_set_is_moved_where_most_of_its_members_are(predictor, atlas):
    told = found(predictor, atlas, ["DDIT3", "TRIB3", "ASNS"], "K562", "up", top=5)
    assert told.rows[0].moved >= 2


def test_perturbations_alike_share_a_pathway(predictor, atlas):
    one = Perturbation(genes=("SCAP",), kind="knockdown", cell_line="K562")
    near, compared = alike(predictor, one, limit=10, atlas=atlas)
    assert compared > 100
    assert {"MBTPS1", "MBTPS2", "SREBF2", "SREBF1"} & {one.gene for one in near}
