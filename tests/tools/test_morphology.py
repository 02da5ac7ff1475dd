"""What cells look like without a gene: measured and predicted apart, also in answers."""

import json

import numpy as np
import pytest

from models.checkpoint import write_checkpoint
from models.inputs.genes import UnknownGeneError
from models.morphology.checkpoint import FORMAT, Checkpoint, Config
from models.morphology.kernel import ChannelKernel, calibration, logistic
from models.morphology.model import NOT_MEASURED, MorphologyModel
from tools.base import Toolbox
from tools.morphology import predict_morphology_tool, remarks, summary

GENES = ("A1", "A2", "A3", "MDM2", "TP53")
CHANNELS = ("Mito", "ConA", "DAPI", "WGA", "Phalloidin")


@pytest.fixture
def model(tmp_path):
    """A1 to A3 are alike; A1 and TP53 are hits, A2 is none, A3 and MDM2 were not measured."""
    config = Config(
        seed=0, channels=CHANNELS, thresholds=(40,) * 5, mean=(0.3,) * 5, slope=(4.0,) * 5,
        start=(-2.0,) * 5, held_out=((0.6, 0.55, 0.65),) * 5, vector_scale=0.01, trait_scale=0.01,
    )  # fmt: skip
    vectors = np.array([[100, 0], [95, 5], [90, 10], [0, 0], [0, 100]], np.int8)
    arrays = {
        "vectors": vectors, "traits": np.zeros((5, 1), np.int8),
        "counts": np.array([[5, 5, 5, 90, 50], [5] * 5, [60, 5, 5, 5, 5]], np.uint16),
        "counts_hplm": np.full((3, 5), NOT_MEASURED, np.uint16),
        "hit": np.array([1, 0, 1], np.uint8), "rows": np.array([0, 4], np.uint16),
        "duals": np.array([[0, 0, 0, 0.9, 0.2], [0.9, 0, 0, -0.3, 0]], np.float16),
        "held_out": np.full((2, 5), 0.3, np.float16),
    }  # fmt: skip
    names = {"genes": GENES, "measured": ("A1", "A2", "TP53")}
    write_checkpoint(tmp_path / "m", FORMAT, Checkpoint(config, names, arrays), {})
    return MorphologyModel.load(tmp_path / "m")


def test_a_measured_hit_is_told_first_and_its_prediction_apart(model):
    said = summary(model.of("A1"), ("WGA",))
    assert said.startswith(
        "Measured: without A1, HeLa cells look different in the Golgi and plasma membrane "
        "(WGA: 90 changed features, 40 needed). Also altered: actin (Phalloidin)."
    )
    assert "Predicted from other genes alone, if anything changes: WGA" in said


def test_a_knockout_that_is_no_hit_alters_nothing_and_says_its_count(model):
    found = model.of("A2")
    assert not any(one.altered for one in found.measured)
    assert "A2 is no hit" in summary(found)
    assert "has 5 changed features, 40 are needed" in summary(found, ("WGA",))


def test_a_gene_that_was_not_measured_is_predicted_from_related_hits(model):
    found = model.of("A3")
    assert found.measured == ()
    chance = {one.channel: one.probability for one in found.predicted}
    assert chance["WGA"] > chance["Mito"]
    assert found.related[0].gene == "A1"
    assert found.related[0].altered == ("WGA", "Phalloidin")
    assert summary(found).startswith("Not measured.")
    assert "A3 was not measured in PERISCOPE; what is said is predicted." in remarks(found)


def test_a_hit_is_predicted_without_its_own_label(model):
    chance = {one.channel: one.probability for one in model.of("A1").predicted}
    assert chance["WGA"] == pytest.approx(1 / (1 + np.exp(2 - 4 * 0.3)), abs=1e-3)


def test_a_gene_of_which_nothing_is_known_is_refused_in_a_sentence(model):
    with pytest.raises(UnknownGeneError, match="MDM2 was not measured"):
        model.of("MDM2")


def test_the_tool_gives_measured_and_model_evidence(model, p53_knowledge):
    box = Toolbox([predict_morphology_tool(p53_knowledge, lambda: model)])
    found = box.call("predict_morphology", json.dumps({"gene": "p53"}))
    kinds = {fact.id.split(":")[0]: fact.kind for fact in found.evidence}
    assert kinds == {"meas": "measured", "mod": "model"}
    assert "altered: 60 changed features, 40 make a channel altered" in found.content


def test_related_genes_predict_each_other_and_chances_are_calibrated():
    rng = np.random.default_rng(0)
    side = rng.random(300) < 0.5
    vectors = rng.normal(0, 0.1, (300, 8)).astype(np.float32)
    vectors[:, 0] += side
    traits = np.zeros((300, 1), np.float32)
    altered = (rng.random(300) < np.where(side, 0.9, 0.1))[:, None]
    fit = ChannelKernel.fit(vectors[:200], traits[:200], altered[:200])
    scores = fit.scores(vectors[200:], traits[200:])
    assert scores[side[200:]].mean() > 0.7
    assert scores[~side[200:]].mean() < 0.3
    chances = logistic(scores, *calibration(scores, altered[200:]))
    assert chances.mean() == pytest.approx(altered[200:].mean(), abs=0.02)
