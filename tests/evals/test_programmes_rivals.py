"""SAMS-VAE and its comparators: losses by hand, and planted sparse shifts found."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from evals.programmes.rivals.cells import simulated  # noqa: E402
from evals.programmes.rivals.doubles import SparseShifts  # noqa: E402
from evals.programmes.rivals.fitting import fitted, mask_auroc, measured  # noqa: E402
from evals.programmes.rivals.losses import (  # noqa: E402
    beta_divergence,
    gaussian_divergence,
    mask_divergence,
    negative_binomial,
)
from evals.programmes.rivals.models import KINDS, CellModel  # noqa: E402
from models.expression.baselines import Additive  # noqa: E402
from models.expression.screens import ExpressionScreen  # noqa: E402


def test_the_negative_binomial_is_that_by_hand():
    # Two failures before one success of probability 2/3: mean 0.5, dispersion 1.
    found = negative_binomial(torch.tensor(2.0), torch.tensor(0.5), torch.tensor(1.0))
    assert float(found) == pytest.approx(math.log(2 / 3 * (1 / 3) ** 2), abs=1e-5)


def test_divergences_are_those_by_hand():
    found = gaussian_divergence(torch.tensor(1.0), torch.tensor(1.0), 0.0, 1.0)
    assert float(found) == pytest.approx(0.5)
    # Beta(1, 1): E log p = E log(1 - p) = -1, so a fair mask costs 1 - log 2.
    one = torch.tensor(1.0)
    assert float(mask_divergence(torch.tensor(0.5), one, one)) == pytest.approx(
        1 - math.log(2), abs=1e-6
    )
    # KL(Beta(2, 1) || Beta(1, 1)) = log 2 - 1/2.
    assert float(beta_divergence(torch.tensor(2.0), one, 1.0, 1.0)) == pytest.approx(
        math.log(2) - 0.5, abs=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_more_particles_never_loosen_the_bound(kind):
    cells = simulated(0, cells=200, genes=20, perturbations=3, latent=4)
    model = CellModel(kind, 20, 3, latent=4, hidden=16)
    count, dose = cells.of(0)

    def bound(particles):
        return float(model.iwelbo(count, dose, particles, torch.Generator().manual_seed(0)).mean())

    assert bound(1) < bound(30)


def test_masks_are_matched_whatever_the_order_of_latents():
    cells = simulated(1)
    assert mask_auroc(cells.mask[:, ::-1].astype(float), cells.mask) == 1.0


def test_planted_sparse_shifts_are_recovered_better_than_by_chance():
    cells = simulated(0, cells=1500, genes=60, perturbations=8, latent=6)
    model = fitted("SAMS-VAE", cells, seed=0, epochs=40, latent=6, hidden=48)
    found = measured(model, cells, seed=0)
    assert found.masks > 0.65
    assert found.effects > 0.5


def test_planted_sparse_shifts_of_genes_add_up_to_their_pairs():
    rng = np.random.default_rng(0)
    genes = [f"G{i}" for i in range(12)]
    codes = rng.normal(size=(12, 4)) * (rng.random((12, 4)) < 0.4)
    mechanisms = rng.normal(size=(4, 30))
    pairs = [(i, j) for i in range(12) for j in range(i + 1, 12)]
    rows = [(i,) for i in range(12)] + pairs
    noise = rng.normal(scale=0.3, size=(len(rows), 30))
    truth = np.array([codes[list(row)].sum(axis=0) @ mechanisms for row in rows])
    named = tuple(tuple(genes[i] for i in row) for row in rows)
    screen = ExpressionScreen(
        "planted", "activation", "latent", tuple(f"R{i}" for i in range(30)), named,
        (truth + noise).astype(np.float32), None, np.ones(len(rows), int),
    )  # fmt: skip
    seen = screen.take(np.arange(len(rows) - 20))
    asked = named[-20:]

    def wrong(predictor):
        found = predictor.fit(seen, 0).predict(asked)
        return float(np.linalg.norm(found - truth[-20:], axis=1).mean())

    assert wrong(SparseShifts(4, 0.003)) < 0.6 * wrong(Additive())
    unknown = SparseShifts(4, 0.003).fit(seen, 0).predict([("G0", "NEW")])
    assert np.isnan(unknown).all()
