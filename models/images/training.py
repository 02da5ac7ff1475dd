"""Trains the autoencoder on the cells of some plates, in a minute on one core.

Every figure here was chosen by pictures of cells of the plate learnt from that were set aside.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from knowledge.errors import DataError
from knowledge.progress import Progress
from models.images.model import Config, PhenotypeModel
from models.images.network import (
    SIDE,
    CellNetwork,
    contrast,
    divergence,
    misalignment,
    reconstruction_loss,
)

PHENOTYPES = 24
STEPS = 400
BATCH = 64
RATE = 3e-3
LOST = 50.0
"""What a channel costs that is not rebuilt at all, in nats; the other terms are in nats too."""
BESIDES = 0.15
"""Weight of the planes that are no channels, of which a channel has 1."""
NATS, CONTRAST, ALIGN = 0.05, 1.0, 0.5
COPIES, MOST = 3, 2000
"""Cells that components are taken of: how often each is turned, and how many in all."""
TURN, STRETCH, SHIFT = math.radians(6), 0.06, 1.0
"""How a cell might as well have lain: by an angle, a share of its size, pixels."""
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
) -> PhenotypeModel:
    """Return a model of the cells' pictures; which gene was perturbed is not looked at.

    Args:
        crops: `(cells, planes, 48, 48)`, the planes of the channels first.
        plates: Number of each cell's plate.
        control: Which cells are of controls; those of all plates are drawn together.
        channels: Names of the channels.
        progress: Told how far it has come.
        seed: Of weights, batches and views.
        steps: Of gradient descent; with 0 principal components are all there is.

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
        network = CellNetwork(crops.shape[1], PHENOTYPES)
    pictures = torch.from_numpy(crops)
    some = pictures[torch.randperm(len(crops), generator=generator)[:MOST]].float() / 255
    weights = _weights(some, len(channels))
    copies = min(COPIES, MOST // len(some) - 1)
    network.begin(torch.cat([some, *(_lain(some, generator) for _ in range(copies))]), weights)
    network, weights = network.to(device), weights.to(device)
    number, mine = torch.from_numpy(plates), torch.from_numpy(control)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1, (step + 1) / 30) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-3,
    ) if steps else None  # fmt: skip
    network.train()
    for step in range(steps):
        rows = torch.randint(len(crops), (min(BATCH, len(crops)),), generator=generator)
        batch = pictures[rows].float() / 255
        goal = _lain(batch, generator)
        found = network.encode(_view(goal, generator).to(device))
        drawn = found.mean + (0.5 * found.spread).exp() * torch.randn(
            found.mean.shape, generator=generator
        ).to(device)
        other = network.encode(_view(_lain(batch, generator), generator).to(device))
        loss = (
            reconstruction_loss(network.decode(drawn), goal.to(device), weights)
            + NATS * divergence(found)
            + ALIGN * misalignment(found.mean, number[rows].to(device), mine[rows].to(device))
            + CONTRAST * contrast(network.project(found.mean), network.project(other.mean))
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 50.0)
        optimiser.step()
        if schedule is not None:
            schedule.step()
        if step % 10 == 0:
            progress(f"learning phenotypes, step {step:,} of {steps:,}", step / steps)
    network.eval()
    progress("learnt phenotypes", 1.0)
    config = Config(
        channels=channels, planes=crops.shape[1], phenotypes=PHENOTYPES, seed=seed, steps=steps,
        cells=len(crops),
    )  # fmt: skip
    return PhenotypeModel(config, network.cpu())


def _weights(pictures: torch.Tensor, channels: int) -> torch.Tensor:
    """Return the weight of each plane's squared error: channels count alike, dim or bright."""
    spread = ((pictures - pictures.mean(dim=0)) ** 2).mean(dim=(0, 2, 3)).clamp(min=1e-5)
    share = torch.full_like(spread, BESIDES)
    share[:channels] = 1.0
    return LOST * share / spread / SIDE**2


def _lain(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return cells as they might as well have lain: turned, stretched, shifted, mirrored."""
    count = len(batch)

    def drawn() -> torch.Tensor:
        return 2 * torch.rand(count, generator=generator) - 1

    angle, wide, high = TURN * drawn(), 1 + STRETCH * drawn(), 1 + STRETCH * drawn()
    high = torch.where(drawn() < 0, -high, high)
    turn = torch.zeros(count, 2, 3)
    turn[:, 0, 0], turn[:, 0, 1] = angle.cos() * wide, -angle.sin() * high
    turn[:, 1, 0], turn[:, 1, 1] = angle.sin() * wide, angle.cos() * high
    turn[:, :, 2] = torch.stack([drawn(), drawn()], dim=1) * SHIFT * 2 / SIDE
    grid = functional.affine_grid(turn, list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)


def _view(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return cells as they might as well have been taken; gain is small, brightness is a look."""
    gain = 2 * torch.rand((len(batch), batch.shape[1], 1, 1), generator=generator) - 1
    return batch * (1 + 0.03 * gain) + 0.02 * torch.randn(batch.shape, generator=generator)
