"""Blocks of perturbations are predicted fast, and as one by one."""

import lightgbm
import numpy as np
import pytest

from models.response import ResponseModel, batch
from models.response.batch import BatchPredictor, Parts
from models.response.ensemble import Ensemble
from models.response.leaves import LeafMasks, compiler_is_there

GENES = ("HSPA5", "TP53", "GATA1", "NFE2L2", "RPL5", "NOGENE")


@pytest.fixture(scope="module")
def model():
    return ResponseModel.load()


def one_by_one(model, genes, line):
    found = [model.predict((gene,), None, line) for gene in genes]
    return (
        np.array([[row.p_de for row in rows] for rows in found]),
        np.array([[row.p_up for row in rows] for rows in found]),
    )


def same_numbers(model, genes, line):
    predicted = BatchPredictor(Parts.of(model)).predict(genes, line)
    said = [i for i, why in enumerate(predicted.trouble) if not why]
    p_de, p_up = one_by_one(model, [genes[i] for i in said], line)
    np.testing.assert_allclose(predicted.p_de[said], p_de, atol=1e-6)
    np.testing.assert_allclose(predicted.p_up[said], p_up, atol=1e-6)
    return predicted


@pytest.mark.skipif(not compiler_is_there(), reason="Numba is not installed")
@pytest.mark.parametrize("line", ["K562", "HepG2"])
def test_a_block_has_the_numbers_of_its_perturbations_one_by_one(model, line):
    predicted = same_numbers(model, GENES, line)
    assert predicted.readouts == model.readouts(line)
    assert "vocabulary" in predicted.trouble[-1]
    assert np.isnan(predicted.p_de[-1]).all()


def test_without_numba_the_numbers_are_the_same(model, monkeypatch):
    monkeypatch.setattr(batch, "compiler_is_there", lambda: False)
    same_numbers(model, GENES[:2], "K562")


@pytest.mark.skipif(not compiler_is_there(), reason="Numba is not installed")
def test_leaf_masks_score_as_the_trees_do_with_values_missing():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, 4)).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    label = (np.nan_to_num(features[:, 0]) * np.nan_to_num(features[:, 1]) > 0).astype(int)
    trees = Ensemble(
        tuple(
            lightgbm.train(
                {"objective": "binary", "num_leaves": 31, "seed": seed, "verbose": -1},
                lightgbm.Dataset(features, label),
                20,
            )
            for seed in range(2)
        )
    )
    masks = LeafMasks.of([trees], 4)
    perturbed, read = masks.everything(600), masks.everything(1)
    masks.narrow(perturbed, 0, features[:, 0])
    planes = features[:, 1:].T[:, :, None].copy()
    found = masks.scores(perturbed, read, (1, 2, 3), planes)[0, :, 0]
    np.testing.assert_allclose(found, trees.raw_score(features, 1), atol=1e-9)


def test_a_tree_with_more_leaves_than_bits_is_refused():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2000, 2))
    label = (np.sin(4 * features[:, 0]) > features[:, 1]).astype(int)
    big = {"objective": "binary", "num_leaves": 64, "min_data_in_leaf": 2, "verbose": -1}
    trees = Ensemble((lightgbm.train(big, lightgbm.Dataset(features, label), 2),))
    with pytest.raises(ValueError, match="32 leaves"):
        LeafMasks.of([trees], 2)
