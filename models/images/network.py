"""A small convolutional variational autoencoder of single cells, with a contrastive head.

The autoencoder is Kingma and Welling's (2014); the contrastive term is that of SimCLR (Chen et
al., ICML 2020) between two views of a cell. Nothing here sees which gene was perturbed, so that
what is tested later was not put in.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (8, 16, 24, 32)
SIDE, SMALLEST = 48, 3
"""Edge of a picture and of its coarsest map."""
HEAD = 32
QUIET = -3.0
"""Logarithm of the variance of phenotypes before training."""


class Encoded(NamedTuple):
    """Mean and logarithm of the variance of each cell's phenotypes `(cells, phenotypes)`."""

    mean: Tensor
    spread: Tensor


class CellNetwork(nn.Module):
    """Pictures to phenotypes and back: principal components, and what a small network adds.

    Before training it is principal component analysis, since what the network adds begins at 0.

    Args:
        planes: Of a picture of 48 by 48 pixels.
        phenotypes: How many numbers a cell is told by.
    """

    usual: Tensor
    axes: Tensor
    back: Tensor

    def __init__(self, planes: int, phenotypes: int) -> None:
        super().__init__()
        size = planes * SIDE * SIDE
        self.register_buffer("usual", torch.zeros(size))
        self.register_buffer("axes", torch.zeros(phenotypes, size))
        self.register_buffer("back", torch.zeros(phenotypes, size))
        down: list[nn.Module] = []
        before = planes
        for width in WIDTHS:
            down += [nn.Conv2d(before, width, 4, 2, 1), nn.GroupNorm(8, width), nn.SiLU()]
            before = width
        flat = before * SMALLEST * SMALLEST
        self.down = nn.Sequential(*down, nn.Flatten())
        self.more = nn.Linear(flat, phenotypes)
        self.spread = nn.Linear(flat, phenotypes)
        self.head = nn.Sequential(
            nn.Linear(phenotypes, 2 * HEAD), nn.SiLU(), nn.Linear(2 * HEAD, HEAD)
        )
        # Each map is made at half its size and unfolded (Shi et al., CVPR 2016): a quarter of the
        # work of convolving the full one.
        up: list[nn.Module] = []
        for width in reversed(WIDTHS[:-1]):
            up += [
                nn.Conv2d(before, 4 * width, 3, 1, 1),
                nn.PixelShuffle(2),
                nn.GroupNorm(8, width),
                nn.SiLU(),
            ]
            before = width
        self.start = nn.Linear(phenotypes, flat)
        last = nn.Conv2d(before, 4 * planes, 3, 1, 1)
        self.up = nn.Sequential(*up, last, nn.PixelShuffle(2))
        for layer in (self.more, self.spread, last):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)
        nn.init.constant_(self.spread.bias, QUIET)
        self.planes = planes

    def begin(self, pictures: Tensor, weights: Tensor) -> None:
        """Take principal components of pictures, planes weighed.

        Args:
            pictures: `(cells, planes, 48, 48)`, from 0 to 1.
            weights: Of each plane's squared error.
        """
        flat = pictures.flatten(1)
        scale = weights.sqrt().repeat_interleave(SIDE * SIDE)
        self.usual.copy_(flat.mean(dim=0))
        centred = (flat - self.usual) * scale
        # Fewer cells than pixels: from the products of cells.
        size, sides = torch.linalg.eigh(centred @ centred.T)
        count = min(len(self.axes), len(flat))
        size = size.flip(0)[:count].clamp(min=1e-6)
        axes = sides.flip(1)[:, :count].T @ centred / size.sqrt()[:, None]
        spread = (size / len(flat)).sqrt()[:, None]
        self.axes[:count] = axes * scale / spread
        self.back[:count] = axes / scale * spread

    def encode(self, pictures: Tensor) -> Encoded:
        """Return the phenotypes of pictures `(cells, planes, 48, 48)`."""
        found = self.down(pictures)
        linear = (pictures.flatten(1) - self.usual) @ self.axes.T
        return Encoded(linear + self.more(found), self.spread(found).clamp(-8, 4))

    def decode(self, phenotypes: Tensor) -> Tensor:
        """Return pictures `(cells, planes, 48, 48)`, mostly between 0 and 1."""
        coarse = self.start(phenotypes).unflatten(1, (WIDTHS[-1], SMALLEST, SMALLEST))
        linear = (self.usual + phenotypes @ self.back).reshape(-1, self.planes, SIDE, SIDE)
        found: Tensor = self.up(coarse) + linear
        return found

    def project(self, phenotypes: Tensor) -> Tensor:
        """Return directions of unit length, in which views of a cell shall lie together."""
        return functional.normalize(self.head(phenotypes), dim=1)


def reconstruction_loss(made: Tensor, pictures: Tensor, weights: Tensor) -> Tensor:
    """Return the squared error of a picture, channels weighed, a mean over cells."""
    return ((made - pictures) ** 2 * weights[None, :, None, None]).sum(dim=(1, 2, 3)).mean()


def divergence(found: Encoded) -> Tensor:
    """Return how far phenotypes are from independent normal ones, in nats, a mean over cells."""
    return 0.5 * (found.mean**2 + found.spread.exp() - 1 - found.spread).sum(dim=1).mean()


def contrast(one: Tensor, other: Tensor, temperature: float = 0.2) -> Tensor:
    """Return how badly views find their other view among those of all cells, in nats."""
    alike = one @ other.T / temperature
    own = torch.arange(len(one), device=one.device)
    return 0.5 * (functional.cross_entropy(alike, own) + functional.cross_entropy(alike.T, own))


def misalignment(phenotypes: Tensor, plates: Tensor, control: Tensor) -> Tensor:
    """Return how far the control cells of plates lie apart in mean and spread; 0 on one plate."""
    means, spreads = [], []
    for plate in plates.unique():  # type: ignore[no-untyped-call]  # torch declares no types of it
        rows = phenotypes[(plates == plate) & control]
        if len(rows) > 2:
            means.append(rows.mean(dim=0))
            spreads.append(rows.std(dim=0))
    if len(means) < 2:
        return phenotypes.new_zeros(())
    apart = torch.stack(means).var(dim=0, correction=0).sum()
    return apart + torch.stack(spreads).var(dim=0, correction=0).sum()
