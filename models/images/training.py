"""Trains the autoencoder on the cells of some plates, in minutes on two cores."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.progress import Progress
from models.images.model import Config, PhenotypeModel
from models.images.network import (
    CellNetwork,
    contrast,
    divergence,
    misalignment,
    reconstruction_loss,
)

PHENOTYPES = 24
STEPS = 450
BATCH = 64
RATE = 3e-3
NATS = 2.0
"""Weight of the divergence, against a squared error in units of the pixels' own noise."""
CONTRAST, ALIGN = 8.0, 4.0
NOISE = 0.25
"""What a pixel may be off by, as a share of its channel's spread over cells."""
FEWEST = 50


def trained(
    crops: NDArray[np.uint8],
    plates: NDArray[np.int64],
    control: NDArray[np.bool_],
    channels: tuple[str, ...],
    progress: Progress,
    *,
    seed: int = 0,
    steps: int = STEPS,
    contrastive: bool = True,
) -> PhenotypeModel:
    """Return a model of the cells' pictures; which gene was perturbed is not looked at.

    Args:
        crops: `(cells, channels, 48, 48)`.
        plates: Number of each cell's plate.
        control: Which cells are of controls; those of all plates are drawn together.
        channels: Names of the channels.
        progress: Told how far it has come.
        seed: Of weights, batches and views.
        steps: Of gradient descent.
        contrastive: Whether views of a cell are drawn together.

    Raises:
        DataError: There are too few cells.
    """
    if len(crops) < FEWEST:
        raise DataError(
            f"{len(crops):,} cells are too few to learn phenotypes from (at least {FEWEST}); "
            "measurements are all there is."
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = CellNetwork(len(channels), PHENOTYPES).to(device)
    pictures = torch.from_numpy(crops)
    spread = crops.astype(np.float32).std(axis=(0, 2, 3)) / 255
    weights = torch.from_numpy(1 / np.maximum(NOISE * spread, 1e-3) ** 2 / 2).to(device)
    # A pixel has neighbours that say the same: about one in sixteen is news.
    weights = (weights / 16).float()
    number, mine = torch.from_numpy(plates), torch.from_numpy(control)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-3,
    )
    network.train()
    for step in range(steps):
        rows = torch.randint(len(crops), (min(BATCH, len(crops)),), generator=generator)
        batch = pictures[rows].float() / 255
        one = _view(batch, generator).to(device)
        found = network.encode(one)
        drawn = found.mean + (0.5 * found.spread).exp() * torch.randn(
            found.mean.shape, generator=generator
        ).to(device)
        loss = reconstruction_loss(network.decode(drawn), batch.to(device), weights)
        loss = loss + NATS * min(1.0, step / (0.3 * steps)) * divergence(found)
        loss = loss + ALIGN * misalignment(
            found.mean, number[rows].to(device), mine[rows].to(device)
        )
        if contrastive:
            other = network.encode(_view(batch, generator).to(device))
            loss = loss + CONTRAST * contrast(
                network.project(found.mean), network.project(other.mean)
            )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 50.0)
        optimiser.step()
        schedule.step()
        if step % 10 == 0:
            progress(f"learning phenotypes, step {step:,} of {steps:,}", step / steps)
    network.eval()
    progress("learnt phenotypes", 1.0)
    config = Config(
        channels=channels, phenotypes=PHENOTYPES, seed=seed, steps=steps, cells=len(crops)
    )
    return PhenotypeModel(config, network.cpu())


def _view(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return cells as they might as well have been taken: gain, noise, a shift, a flip."""
    size = (len(batch), batch.shape[1], 1, 1)
    gain = 1 + 0.12 * (2 * torch.rand(size, generator=generator) - 1)
    seen = batch * gain + 0.02 * torch.randn(batch.shape, generator=generator)
    across, down = torch.randint(-2, 3, (2,), generator=generator).tolist()
    seen = torch.roll(seen, (down, across), dims=(2, 3))
    flips = torch.rand((len(batch),), generator=generator) < 0.25
    return torch.where(flips[:, None, None, None], seen.flip(2), seen)
