"""The shipped kind of Genen model: heads, embeddings, attribution, and texts that change."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from knowledge.errors import DataError
from knowledge.texts.encoder import load_encoder
from models.checkpoint import read_checkpoint, write_checkpoint
from models.genen.checkpoint import FORMAT
from models.genen.model import SHIPPED, GenenModel
from models.genen.neighbourhood import Neighbourhood
from models.genen.shipping import common_term
from models.genen.texts import GeneText, gene_texts
from models.inputs.genes import UnknownGeneError

WORLD = runpy.run_path(str(Path(__file__).parents[1] / "genen_world.py"))
GENES, SIDE = WORLD["GENES"], WORLD["SIDE"]


@pytest.fixture(scope="module")
def encoder(hash_encoder):
    return hash_encoder()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, encoder):
    """A checkpoint trained on the world of 84 genes."""
    out = tmp_path_factory.mktemp("genen")
    WORLD["train"](out, encoder)
    return out


@pytest.fixture(scope="module")
def model(folder):
    return GenenModel.load(folder)


def by_name(model, gene):
    return {one.name: one for one in model.properties(gene)}


def text_of(gene):
    return WORLD["texts"]()[GENES.index(gene)]


def moved(before, after):
    """Return the genes whose embedding is another."""
    changed = (before.embeddings != after.embeddings).any(axis=1)
    return {GENES[row] for row in np.flatnonzero(changed)}


def test_a_gene_without_label_is_told_by_its_text_and_neighbours(model):
    for gene in WORLD["NAMED"]:
        found = by_name(model, gene)["solubility"]
        assert found.call == ("soluble", "membrane")[SIDE[gene]]
        assert max(found.scores) > 0.8
        assert found.known is None
        assert found.held_out is None
        assert found.silence == ""


def test_the_pushes_of_everything_known_add_up_to_the_score(model):
    for gene in ("TP53", "G10", WORLD["UNWRITTEN"], WORLD["ALONE"], WORLD["BLANK"]):
        found = by_name(model, gene)
        added = {
            name: one.intercept + sum(part.push for part in one.influences)
            for name, one in found.items()
        }
        p = found["solubility"].scores[1]
        assert added["solubility"] == pytest.approx(np.log(p / (1 - p)), abs=1e-3)
        assert added["conservation"] == pytest.approx(found["conservation"].scores[0], abs=1e-4)
        three = np.log(found["localisation"].scores)
        assert added["localisation"] == pytest.approx(max(three) - three.mean(), abs=1e-3)


def test_what_speaks_for_a_class_is_of_its_side(model):
    found = by_name(model, "TP53")["solubility"]
    sign = 1 if SIDE["TP53"] else -1
    terms = {one.name: one.push * sign for one in found.influences if one.kind == "term"}
    assert terms[(WORLD["BIND"], WORLD["PUMP"])[SIDE["TP53"]]] > 0
    partners = [one for one in found.influences if one.kind == "partner"]
    assert {one.name for one in partners} == set(model.partners("TP53"))
    friends = [one.push * sign for one in partners if SIDE[one.name] == SIDE["TP53"]]
    assert np.mean(friends) > 0
    assert found.moved_by("text") * sign > 0


def test_a_gene_without_text_is_told_by_its_neighbours_alone_and_said_so(model):
    found = by_name(model, WORLD["UNWRITTEN"])["solubility"]
    assert found.support == "neighbours alone"
    assert found.call == ("soluble", "membrane")[SIDE[WORLD["UNWRITTEN"]]]
    assert "text" not in {one.kind for one in found.influences}


def test_a_gene_without_edges_is_told_by_its_text_alone_and_said_so(model):
    found = by_name(model, WORLD["ALONE"])["solubility"]
    assert found.support == "text alone"
    assert found.call == ("soluble", "membrane")[SIDE[WORLD["ALONE"]]]
    assert [one.kind for one in found.influences] == ["text"]


def test_of_a_gene_of_which_nothing_is_known_nothing_is_said(model):
    assert model.support(WORLD["BLANK"]) == "nothing"
    assert not model.embedding(WORLD["BLANK"]).any()
    for one in model.properties(WORLD["BLANK"]):
        assert "neither a description" in one.silence
        assert one.influences == ()


def test_a_gene_that_the_model_does_not_know_is_named(model):
    with pytest.raises(UnknownGeneError, match="NOSUCH1"):
        model.properties("NOSUCH1")


def test_a_known_label_stands_apart_from_what_heads_without_it_said(model):
    found = by_name(model, "G10")
    side = SIDE["G10"]
    assert found["solubility"].known == ("soluble", "membrane")[side]
    assert found["solubility"].held_out[side] > 0.5
    assert found["solubility"].held_out != found["solubility"].scores
    assert isinstance(found["conservation"].known, float)
    assert len(found["localisation"].held_out) == 3


def test_labels_that_are_noise_are_not_predicted_from(model):
    assert "hardly be told apart" in by_name(model, "TP53")["tf-target-type"].silence


def test_probabilities_of_classes_add_up_to_one_and_labels_stand_alone(model):
    found = by_name(model, "G10")
    assert sum(found["solubility"].scores) == pytest.approx(1)
    assert sum(found["localisation"].scores) == pytest.approx(1)
    assert len(found["tf-target-type"].scores) == 2


def test_labels_of_genes_with_a_term_in_common_say_nothing_of_genes_without_it(folder):
    checkpoint = read_checkpoint(folder, FORMAT)
    told = checkpoint.config.properties[0].model_copy(update={"common": WORLD["BIND"]})
    config = checkpoint.config.model_copy(update={"properties": (told,)})
    model = GenenModel(replace(checkpoint, config=config))
    for gene in ("TP53", "MDM2"):
        silence = model.properties(gene)[0].silence
        assert silence.endswith("which it lacks") == (SIDE[gene] == 1)


def test_a_term_that_sets_the_labelled_genes_apart_is_found():
    one = Neighbourhood.of(WORLD["graph"]())
    annotated = np.flatnonzero(np.diff(one.direct.indptr))
    pumps = np.array([row for row in annotated if SIDE[GENES[row]] == 1])
    keep = np.ones((len(GENES), 1))
    keep[pumps[6:]] = 0
    rare = replace(one, direct=sparse.csr_array(one.direct.multiply(keep)))
    assert common_term(rare, pumps[:6]) == WORLD["PUMP"]
    assert common_term(one, annotated) is None


def test_new_text_moves_the_gene_and_its_partners_and_no_other(model, encoder):
    other = GeneText("G10", "gene G10", WORLD["WORDS"][1 - SIDE["G10"]])
    after = model.with_text(other, encoder)
    assert moved(model, after) <= {"G10", *model.partners("G10")}
    assert moved(model, after) >= {"G10"}
    assert len(moved(model, after)) > 1
    assert after.version != model.version


def test_new_text_moves_the_prediction_towards_what_it_says(model, encoder):
    other = GeneText("TP53", "gene TP53", f"{WORLD['WORDS'][1 - SIDE['TP53']]} in tissue 1.")
    side = SIDE["TP53"]
    before = by_name(model, "TP53")["solubility"].scores[side]
    assert by_name(model.with_text(other, encoder), "TP53")["solubility"].scores[side] < before


def test_a_gene_that_nobody_described_gains_support_by_a_text(model, encoder):
    gene = WORLD["BLANK"]
    after = model.with_text(GeneText(gene, "", f"{WORLD['WORDS'][1]} in tissue 3."), encoder)
    assert after.support(gene) == "text alone"
    assert by_name(after, gene)["solubility"].call == "membrane"
    assert model.support(gene) == "nothing"


def test_the_same_text_again_changes_nothing(model, encoder):
    after = model.with_text(text_of("G10"), encoder)
    assert moved(model, after) == set()


def test_a_text_without_words_is_no_text(model, encoder):
    after = model.with_text(GeneText("G10", "gene G10"), encoder)
    assert after.support("G10") == "neighbours alone"


def test_another_encoder_is_refused_by_name(model, hash_encoder):
    with pytest.raises(DataError, match="not-that-one"):
        model.with_text(text_of("G10"), hash_encoder("not-that-one"))


def test_a_checkpoint_read_again_says_the_same(folder, model):
    again = GenenModel.load(folder)
    assert np.array_equal(again.embeddings, model.embeddings)
    assert by_name(again, "TP53") == by_name(model, "TP53")
    assert again.version == model.version


def test_training_again_writes_the_same_bytes(tmp_path, encoder):
    for out in (tmp_path / "one", tmp_path / "two"):
        WORLD["train"](out, encoder, WORLD["tasks"]()[-1:])
    for name in ("config.json", "names.txt.gz", "model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_embeddings_do_not_depend_on_any_label(tmp_path, encoder, model):
    turned = [replace(one, labels=one.labels[::-1].copy()) for one in WORLD["tasks"]()[-1:]]
    WORLD["train"](tmp_path, encoder, turned)
    assert np.array_equal(GenenModel.load(tmp_path).embeddings, model.embeddings)
    assert model.embeddings.dtype == np.float16
    assert len(model.embeddings) == len(GENES)


def test_genes_of_a_side_lie_together(model):
    found = model.embeddings.astype(float)
    side = np.array([SIDE[gene] for gene in GENES])
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    alike = found @ found.T
    assert alike[side == 1][:, side == 1].mean() > alike[side == 1][:, side == 0].mean() + 0.3


def test_a_neighbourhood_read_again_has_the_same_edges():
    one = Neighbourhood.of(WORLD["graph"]())
    again = Neighbourhood.restored(one.genes, one.terms, one.arrays())
    assert (one.partners - again.partners).nnz == 0
    assert abs(one.rows - again.rows).max() < 1e-6
    root = one.annotated[:, [one.terms.index(WORLD["BIND"])]]
    assert root.nnz == sum(SIDE[g] == 0 for g in GENES if one.direct[[GENES.index(g)]].nnz)


def test_the_training_record_tells_what_was_held_out(folder):
    record = json.loads((folder / "training.json").read_text())
    figures = {one["property"]: one for one in record["metrics"]}
    assert figures["solubility"]["value"] > 0.9
    assert figures["tf-target-type"]["interval"][0] < 0.6
    assert figures["conservation"]["metric"] == "Pearson r"
    assert record["described"] == len(GENES) - 2


@pytest.mark.parametrize("name", ["config.json", "names.txt.gz", "model.safetensors"])
def test_a_damaged_checkpoint_is_a_sentence_that_names_the_folder(folder, tmp_path, name):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes(b"not what it was")
    with pytest.raises(DataError, match=str(tmp_path)):
        GenenModel.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=name):
        GenenModel.load(tmp_path)


def test_edges_that_do_not_fit_the_genes_are_damage(folder, tmp_path):
    import gzip

    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = gzip.decompress((folder / "names.txt.gz").read_bytes()).splitlines(keepends=True)
    (tmp_path / "names.txt.gz").write_bytes(gzip.compress(b"".join(lines[1:])))
    with pytest.raises(DataError, match="damaged"):
        GenenModel.load(tmp_path)


def test_an_array_that_is_missing_or_too_short_is_named(folder, tmp_path):
    checkpoint = read_checkpoint(folder, FORMAT)
    for name in ("own", "solubility/weights", "conservation/held_out"):
        whole = checkpoint.arrays[name]
        short = {**checkpoint.arrays, name: whole[1:]}
        gone = {key: array for key, array in checkpoint.arrays.items() if key != name}
        for arrays in (short, gone):
            with pytest.raises(DataError, match=name):
                write_checkpoint(tmp_path / "new", FORMAT, replace(checkpoint, arrays=arrays), {})
    assert not (tmp_path / "new").exists()


def test_the_shipped_model_fits_and_knows_every_coding_gene():
    model = GenenModel.load()
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 8_000_000
    assert model.embeddings.shape[0] == len(model.genes) > 19_000
    assert model.embeddings.shape[1] <= 192
    assert len(model.config.properties) == 8
    found = by_name(model, "OR51E2")["localisation"]
    assert (found.call, found.known) == ("cell membrane", "cell membrane")
    assert by_name(model, "GATA4")["localisation"].call == "nucleus"
    assert "hardly be told apart" in by_name(model, "TP53")["tf-range"].silence
    assert "lacks" in by_name(model, "EGFR")["dosage-sensitivity"].silence


@pytest.mark.slow
@pytest.mark.data
def test_the_same_text_leaves_the_shipped_embedding_where_it_is(data_mirror):
    model = GenenModel.load()
    text = gene_texts(data_mirror, ["TP53"])[0]
    after = model.with_text(text, load_encoder())
    # The encoder rounds by how long its batch is.
    change = after.embedding("TP53").astype(float) - model.embedding("TP53").astype(float)
    assert np.linalg.norm(change) < 0.05
    silent = model.with_text(GeneText("TP53"), load_encoder())
    gap = silent.embedding("TP53").astype(float) - model.embedding("TP53").astype(float)
    assert np.linalg.norm(gap) > 0.5
