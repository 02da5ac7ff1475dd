"""Learnt phenotypes: principal components to begin with, pictures back, kept and read again."""

import numpy as np
import pytest

pytest.importorskip("torch")
from knowledge.errors import DataError
from models.images.model import PhenotypeModel
from models.images.training import trained


def learnt(crops, steps):
    count = len(crops)
    return trained(crops, np.zeros(count, np.int64), np.ones(count, bool), ("DNA",),
                   lambda what, share: None, steps=steps)  # fmt: skip


pytestmark = pytest.mark.slow  # imports what torch trains with


@pytest.fixture
def discs():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48] - 23.5
    discs = np.hypot(y, x) < rng.uniform(6, 16, 60)[:, None, None]
    return np.stack([discs * 200, discs * 255], axis=1).astype(np.uint8)


def test_before_training_components_rebuild_pictures(discs):
    model = learnt(discs, 0)
    seen = discs[:, :1] / 255
    lost = ((model.decode(model.embed(discs)) - seen) ** 2).mean()
    assert lost < 0.2 * seen.var(axis=0).mean()


def test_a_model_is_read_as_it_was_kept(discs, tmp_path):
    model = learnt(discs, 2)
    model.save(tmp_path / "encoder")
    again = PhenotypeModel.load(tmp_path / "encoder")
    phenotypes = again.embed(discs)
    np.testing.assert_allclose(phenotypes, model.embed(discs), atol=1e-6)
    assert again.decode(phenotypes).shape == (60, 1, 48, 48)


def test_too_few_cells_are_refused(discs):
    with pytest.raises(DataError, match="too few to learn"):
        learnt(discs[:20], 0)
