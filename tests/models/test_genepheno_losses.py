import math

import numpy as np
import pytest
import torch

from models.genepheno.losses import contrastive, exclusivity
from models.genepheno.network import HeadSettings, fitted_head


def test_contrastive_loss_is_what_a_hand_computes():
    logits = torch.tensor([[2.0, 1.0, 0.0]])
    labels = torch.tensor([[1.0, 0.0, 0.0]])
    by_hand = math.log(1 + math.exp(-1) + math.exp(-2))
    assert contrastive(logits, labels, 1.0).item() == pytest.approx(by_hand, rel=1e-6)


def test_contrastive_loss_averages_over_present_labels_then_rows():
    logits = torch.tensor([[1.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
    labels = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    first = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-3))) / 2
    second = math.log(1 + 2 * math.exp(-4))
    expected = (first + second) / 2
    assert contrastive(logits, labels, 1.0).item() == pytest.approx(expected, rel=1e-6)


def test_a_lower_temperature_makes_the_same_difference_count_more():
    logits, labels = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    by_hand = math.log(1 + math.exp(-2))
    assert contrastive(logits, labels, 0.5).item() == pytest.approx(by_hand, rel=1e-6)


def test_rows_without_present_or_without_absent_labels_count_for_nothing():
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = contrastive(logits, torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), 1.0)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad == 0).all()


def test_contrastive_loss_pushes_present_labels_up_and_absent_ones_down():
    logits = torch.zeros(1, 3, requires_grad=True)
    contrastive(logits, torch.tensor([[1.0, 0.0, 0.0]]), 1.0).backward()
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-6)


def test_exclusivity_is_what_a_hand_computes():
    found = exclusivity(torch.tensor([[0.5, 0.4]]), torch.tensor([[0, 1]]), 0.1)
    assert found.item() == pytest.approx(0.2 - 0.1 * (0.9 - 0.2), rel=1e-6)


def test_exclusivity_falls_when_opposites_separate():
    pairs = torch.tensor([[0, 1]])
    together = exclusivity(torch.tensor([[0.6, 0.6]]), pairs, 0.03)
    apart = exclusivity(torch.tensor([[0.9, 0.3]]), pairs, 0.03)
    far = exclusivity(torch.tensor([[1.0, 0.0]]), pairs, 0.03)
    assert together > apart > far == 0


def test_opposites_that_occur_together_as_often_as_measured_cost_nothing():
    assert exclusivity(torch.tensor([[0.1, 0.1]]), torch.tensor([[0, 1]]), 0.1).item() == 0


def test_a_vocabulary_without_opposites_costs_nothing():
    nothing = torch.zeros(0, 2, dtype=torch.long)
    assert exclusivity(torch.tensor([[0.5, 0.5]]), nothing, 0.1).item() == 0


def test_a_gene_on_which_more_was_written_counts_no_more():
    rng = np.random.default_rng(0)
    latent = rng.standard_normal((40, 6)).astype(np.float32)
    latent -= latent.mean(axis=0)
    labels = (rng.random((40, 5)) < 0.3).astype(np.float32)
    prior, pairs = labels.mean(axis=0), np.zeros((0, 2), np.int64)
    settings = HeadSettings(contrastive=0.0, exclusivity=0.0)
    written = latent.copy()
    written[0] *= 50
    plain = fitted_head(latent, labels, prior, pairs, 0.0, settings, 0).layer
    more = fitted_head(written, labels, prior, pairs, 0.0, settings, 0).layer
    directions = [one / np.linalg.norm(one) for one in (plain, more)]
    np.testing.assert_allclose(*directions, atol=1e-4)
