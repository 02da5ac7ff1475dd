from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knowledge.errors import DataError, KnockwiseError
from models.checkpoint import read_checkpoint, write_checkpoint
from models.genepheno.checkpoint import FORMAT
from models.genepheno.model import SHIPPED, GenePhenoModel
from models.genepheno.network import HeadSettings, fitted_head, probabilities
from models.genepheno.predictor import GenePheno, Workbench
from models.genepheno.training import learnt_checkpoint
from models.inputs.genes import UnknownGeneError
from tests.models.genepheno_families import (
    FUNCTIONS,
    MEMBERS,
    PARENTS,
    SETTINGS,
    functions,
    labels,
    proteins,
)

HELD_OUT = np.arange(0, 32, MEMBERS)
LEARNT = np.setdiff1d(np.arange(32), HELD_OUT)


def checkpoint(**changes):
    everything = labels(("LONELY",))
    keep = {one.gene for one in proteins()} - {"G00"} | {"LONELY"}
    known = functions(("LONELY",))
    rows = [row for row, gene in enumerate(known.genes) if gene != "G00"]
    known = replace(
        known,
        genes=tuple(known.genes[row] for row in rows),
        matrix=known.matrix[rows],
        annotated=known.annotated[rows],
    )
    return learnt_checkpoint(
        proteins(), {"mp": everything.among(keep)}, known, lambda *_: None, SETTINGS, **changes
    )


@pytest.fixture(scope="module")
def model():
    return GenePhenoModel(checkpoint())


def fitted(settings=SETTINGS):
    everything, found = labels(), proteins()
    predictor = GenePheno(Workbench(functions()), settings)
    return predictor.fit([found[row] for row in LEARNT], everything.taking(LEARNT))


def held_out():
    found = proteins()
    return [found[row] for row in HELD_OUT], labels().taking(HELD_OUT).propagated.toarray()


def test_a_tiny_set_is_learnt_by_heart():
    found, truth = proteins(), labels().propagated.toarray()
    predicted = fitted().predict([found[row] for row in LEARNT])
    assert ((predicted > 0.5) == truth[LEARNT]).all()


@pytest.mark.parametrize("part", [None, "contrastive", "exclusivity", "bottleneck"])
def test_relatives_that_were_held_out_are_predicted(part):
    asked, truth = held_out()
    settings = SETTINGS if part is None else SETTINGS.without(part)
    predicted = fitted(settings).predict(asked)
    assert ((predicted > 0.4) == truth).all()


def test_a_part_that_the_model_does_not_have_cannot_be_left_out():
    with pytest.raises(ValueError, match="no part 'luck'"):
        SETTINGS.without("luck")


def test_a_parent_is_never_less_likely_than_its_child():
    rng = np.random.default_rng(0)
    found = probabilities(
        rng.normal(0.5, 1, (50, len(PARENTS))).astype(np.float32),
        np.full(len(PARENTS), 0.3, np.float32),
        PARENTS,
    )
    for child, above in enumerate(PARENTS):
        for parent in above:
            assert (found[:, parent] >= found[:, child]).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_functions_of_genes_that_are_predicted_are_not_looked_at():
    everything = functions()
    silent = everything.matrix.toarray()
    silent[HELD_OUT] = False
    asked, _ = held_out()
    blind = GenePheno(
        Workbench(replace(everything, matrix=type(everything.matrix)(silent))), SETTINGS
    )
    blind.fit([proteins()[row] for row in LEARNT], labels().taking(LEARNT))
    assert (blind.predict(asked) == fitted().predict(asked)).all()


def test_the_same_seed_gives_the_same_model():
    asked, _ = held_out()
    assert (fitted().predict(asked) == fitted().predict(asked)).all()


def test_exclusivity_keeps_opposites_apart():
    rng = np.random.default_rng(0)
    latent = rng.standard_normal((200, 4)).astype(np.float32)
    rises = (latent[:, 0] + rng.standard_normal(200) > 0).astype(np.float32)
    other = (latent[:, 0] + rng.standard_normal(200) > 0).astype(np.float32)
    known = np.stack([rises, other], 1)
    pairs = np.array([[0, 1]])
    settings = HeadSettings(shrinkage=1, contrastive=0, gain=1, epochs=30, rate=0.01)

    def both(weight):
        chosen = settings.model_copy(update={"exclusivity": weight})
        head = fitted_head(latent, known, known.mean(0), pairs, 0.0, chosen, 0)
        found = np.clip(head.scores(latent), 0, 1)
        return (found[:, 0] * found[:, 1]).mean()

    assert both(5.0) < both(0.0)


def test_a_model_answers_the_same_after_saving_and_loading(model, tmp_path):
    write_checkpoint(tmp_path, FORMAT, checkpoint(), {})
    again = GenePhenoModel.load(tmp_path)
    sequences = [one.sequence for one in proteins()]
    assert (again.probabilities(sequences)["mp"] == model.probabilities(sequences)["mp"]).all()
    assert again.functions == model.functions


def test_the_same_training_writes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_checkpoint(tmp_path / name, FORMAT, checkpoint(), {})
    for file in ("config.json", "names.txt.gz", "model.safetensors"):
        one, two = (tmp_path / name / file for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_one_sequence_and_many_get_the_same_probabilities(model):
    sequences = [one.sequence for one in proteins()[:3]]
    together = model.probabilities(sequences)["mp"]
    alone = [model.predict(one, "mp").probabilities for one in sequences]
    assert np.allclose(together, alone, atol=1e-6)


def test_switching_off_the_functions_behind_a_phenotype_lowers_it(model):
    withheld = proteins()[0]
    whole = model.predict(withheld, "mp")
    row = whole.terms.index("MP:1")
    carried = whole.functions(row)
    assert carried[0].go == "GO:1"
    assert carried[0].carried > 0
    cut = model.predict(withheld, "mp", without=[one.go for one in carried])
    lost = whole.probabilities - cut.probabilities
    assert lost[row] > 0.1
    assert abs(lost[whole.terms.index("MP:4")]) < lost[row]


def test_what_a_function_is_said_to_carry_is_what_switching_it_off_takes(model):
    whole = model.predict(proteins()[0], "mp")
    row = whole.terms.index("MP:1")
    first = whole.functions(row)[0]
    cut = model.predict(proteins()[0], "mp", without=[first.go])
    lost = whole.probabilities[row] - cut.probabilities[row]
    assert lost == pytest.approx(first.carried, abs=1e-3)


def test_no_function_is_named_beside_one_above_it(model):
    found = model.predict(proteins()[0], "mp").functions(0, most=len(FUNCTIONS))
    named = {one.go for one in found}
    assert not {"GO:0", "GO:1"} <= named


def test_the_neighbours_of_a_protein_are_its_relatives_without_itself(model):
    found = model.predict(model.protein("G12"), "mp").neighbours
    assert found
    assert all(one.gene.startswith("G1") and one.gene != "G12" for one in found)
    assert all(0.3 < one.identity < 1 and 0 < one.score < 1 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_what_go_says_of_a_gene_without_labels_is_not_learnt(model):
    assert "G00" in model.genes
    assert model.known("G00", "mp") is None
    owners = {one.gene for one in model.predict(proteins()[0].sequence, "mp").neighbours}
    assert "G00" not in owners


def test_known_phenotypes_are_those_stated(model):
    assert model.known("G01", "mp") == ("MP:1",)
    assert model.known("G31", "mp") == ()


def test_a_gene_without_a_sequence_is_predicted_from_curated_functions(model):
    with pytest.raises(UnknownGeneError, match=r"no sequence of LONELY.*--fasta"):
        model.protein("LONELY")
    found = model.predict_curated("LONELY", "mp")
    assert found.basis == "curated functions"
    assert found.neighbours == ()
    assert found.probabilities[found.terms.index("MP:1")] > 0.5
    assert found.functions(found.terms.index("MP:1"))[0].go == "GO:1"


def test_a_gene_without_sequence_and_functions_asks_for_fasta(model):
    with pytest.raises(UnknownGeneError, match=r"no curated functions of NOBODY.*--fasta"):
        model.predict_curated("NOBODY", "mp")


def test_a_collection_that_was_not_learnt_is_named(model):
    with pytest.raises(KnockwiseError, match="does not predict 'gwas'; choose among mp"):
        model.predict(proteins()[0], "gwas")


@pytest.mark.parametrize("sequence", ["M", "X" * 30, "ACDEFGHIKLMNPQRSTVWY" * 1750])
def test_strange_sequences_are_answered(model, sequence):
    found = model.probabilities([sequence])["mp"]
    assert found.shape == (1, len(PARENTS))
    assert np.isfinite(found).all()


def test_no_sequences_get_no_predictions(model):
    assert model.probabilities([])["mp"].shape == (0, len(PARENTS))


@pytest.mark.parametrize("file", ["config.json", "names.txt.gz", "model.safetensors"])
def test_a_damaged_or_missing_file_says_what_to_do(tmp_path, file):
    write_checkpoint(tmp_path, FORMAT, checkpoint(), {})
    (tmp_path / file).write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"damaged.*knockwise train genepheno"):
        read_checkpoint(tmp_path, FORMAT)
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match=f"lacks {file}"):
        read_checkpoint(tmp_path, FORMAT)


def test_the_shipped_weights_are_small_enough():
    size = sum(path.stat().st_size for path in Path(SHIPPED).iterdir())
    assert size <= 12e6
    assert (SHIPPED / "MODEL_CARD.md").read_text().count("not medical advice")


@pytest.mark.slow
def test_the_shipped_model_predicts_a_receptor_and_a_gene_without_a_sequence():
    model = GenePhenoModel.load()
    found = model.predict(model.protein("FGFR4"), "mp")
    assert found.neighbours[0].identity > 0.3
    assert (found.probabilities > found.priors).any()
    curated = model.predict_curated("FGFR3", "mp")
    skeleton = curated.names.index("skeleton phenotype")
    assert curated.probabilities[skeleton] > 2 * curated.priors[skeleton]
