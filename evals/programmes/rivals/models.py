"""SAMS-VAE, CPA-VAE, SVAE+ and a conditional VAE over counts of single cells.

All have a negative-binomial decoder and latents of `latent` dimensions. With a one-hot row `d` of
the cell's perturbation, effects `e ~ N(0, 1)` and masks `m ~ Bernoulli(p)`, `p ~ Beta(1, 10)`:

SAMS-VAE      z = basal + d (m e), basal ~ N(0, 1)
CPA-VAE       z = basal + d e: the same without masks
SVAE+         z ~ N(d (m e), 1): the shift moves the prior of the cell, not the cell
conditional   z ~ N(0, 1), and the decoder sees a vector of the perturbation

The mean-field guide draws effects and basal states without looking at each other. The correlated
guide draws an effect given its mask (the prior where the mask is off), and a basal state given the
cell's shift.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from evals.programmes.rivals.losses import (
    beta_divergence,
    gaussian,
    gaussian_divergence,
    mask_divergence,
    negative_binomial,
)

Kind = Literal["SAMS-VAE", "SAMS-VAE, mean-field", "CPA-VAE", "SVAE+", "conditional VAE"]
KINDS: tuple[Kind, ...] = (
    "SAMS-VAE",
    "SAMS-VAE, mean-field",
    "CPA-VAE",
    "SVAE+",
    "conditional VAE",
)
PRIOR_A, PRIOR_B = 1.0, 10.0
LEAST = 1e-4


class Globals(NamedTuple):
    """One draw of what all cells share.

    Attributes:
        shift: Of each perturbation `(perturbations, latent)`.
        mask: Which of it is on, relaxed `(perturbations, latent)`.
    """

    shift: Tensor
    mask: Tensor


class CellModel(nn.Module):
    """One of the models.

    Args:
        kind: Which.
        genes: Number of genes.
        perturbations: Number of perturbations, controls not counted.
        latent: Latent dimensions.
        hidden: Width of encoder and decoder.
        seed: Of the weights.
    """

    def __init__(
        self,
        kind: Kind,
        genes: int,
        perturbations: int,
        latent: int = 20,
        hidden: int = 96,
        seed: int = 0,
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.kind = kind
        self.masked = kind in ("SAMS-VAE", "SAMS-VAE, mean-field", "SVAE+")
        self.correlated = kind in ("SAMS-VAE", "CPA-VAE")
        self.conditional = kind == "conditional VAE"
        extra = latent if self.correlated or self.conditional else 0
        self.encoder = _network([genes + extra, hidden, hidden, 2 * latent])
        self.decoder = _network([latent + (latent if self.conditional else 0), hidden, hidden,
                                 genes])  # fmt: skip
        self.log_dispersion = nn.Parameter(torch.zeros(genes))
        self.effect = nn.Parameter(0.1 * torch.randn(perturbations, latent))
        self.log_deviation = nn.Parameter(torch.full((perturbations, latent), -2.0))
        self.mask_logit = nn.Parameter(torch.full((perturbations, latent), 1.0))
        self.log_beta = nn.Parameter(torch.tensor([PRIOR_A, PRIOR_B]).log().repeat(latent, 1))
        self.epochs = 0

    @property
    def on(self) -> Tensor:
        """Return the probability that each mask is on `(perturbations, latent)`."""
        return torch.sigmoid(self.mask_logit)

    def globals(self, generator: torch.Generator, hard: bool = False) -> Globals:
        """Return one draw of effects and masks; gradients flow through a relaxed mask."""
        mask = torch.ones_like(self.effect)
        if self.masked:
            noise = torch.rand(mask.shape, generator=generator).clamp(LEAST, 1 - LEAST)
            relaxed = torch.sigmoid((self.mask_logit + torch.logit(noise)) / 0.5)
            sharp = (relaxed > 0.5).float()
            mask = sharp if hard else sharp + relaxed - relaxed.detach()
        normal = torch.randn(mask.shape, generator=generator)
        drawn: Tensor = self.effect
        if not self.conditional and self.kind != "SVAE+":
            drawn = self.effect + self.log_deviation.exp() * normal
        return Globals(mask * drawn, mask)

    def global_divergence(self) -> Tensor:
        """Return the divergence of the guide of effects and masks from their prior."""
        if self.conditional:
            return torch.zeros(())
        if self.kind == "SVAE+":
            effects = torch.zeros_like(self.effect)
        else:
            effects = gaussian_divergence(self.effect, self.log_deviation.exp(), 0.0, 1.0)
        if not self.masked:
            return effects.sum()
        a, b = self.log_beta.exp().unbind(-1)
        masks = mask_divergence(self.on, a, b).sum() + beta_divergence(a, b, PRIOR_A, PRIOR_B).sum()
        # An effect whose mask is off is the prior's in the correlated guide.
        weighed = self.on * effects if self.kind == "SAMS-VAE" else effects
        return masks + weighed.sum()

    def bound(
        self, count: Tensor, dose: Tensor, drawn: Globals, generator: torch.Generator
    ) -> Tensor:
        """Return log p(x, z | globals) - log q(z) of one draw of the cells' states `(cells,)`."""
        shift = dose @ drawn.shift
        library = count.sum(1, keepdim=True)
        seen = torch.log1p(1e4 * count / library.clamp(min=1))
        given = [seen, shift] if self.correlated or self.conditional else [seen]
        mean, spread = self.encoder(torch.cat(given, 1)).chunk(2, 1)
        deviation = nn.functional.softplus(spread) + LEAST
        state = mean + deviation * torch.randn(mean.shape, generator=generator)
        prior_mean = shift if self.kind == "SVAE+" else torch.zeros_like(shift)
        prior = gaussian(state, prior_mean, torch.ones_like(deviation))
        return self.likelihood(count, self.decoded(state, shift), library) + (
            prior - gaussian(state, mean, deviation)
        ).sum(1)

    def decoded(self, state: Tensor, shift: Tensor) -> Tensor:
        """Return the share of each gene in the counts of cells `(cells, genes)`."""
        if self.conditional:
            given = torch.cat([state, shift], 1)
        else:
            given = state if self.kind == "SVAE+" else state + shift
        return torch.softmax(self.decoder(given), 1)

    def likelihood(self, count: Tensor, share: Tensor, library: Tensor) -> Tensor:
        """Return the log-probability of the counts `(cells,)`."""
        mean = share * library + 1e-8
        return negative_binomial(count, mean, self.log_dispersion.exp() + LEAST).sum(1)

    def elbo(self, count: Tensor, dose: Tensor, cells: int, generator: torch.Generator) -> Tensor:
        """Return the evidence lower bound per cell of a minibatch out of `cells`."""
        local = self.bound(count, dose, self.globals(generator), generator).mean()
        return local - self.global_divergence() / cells

    @torch.no_grad()
    def iwelbo(
        self, count: Tensor, dose: Tensor, particles: int, generator: torch.Generator
    ) -> Tensor:
        """Return the importance-weighted bound of each cell, globals drawn from the guide."""
        draws = [
            self.bound(count, dose, self.globals(generator, hard=True), generator)
            for _ in range(particles)
        ]
        stacked = torch.stack(draws)
        return torch.logsumexp(stacked, 0) - torch.log(torch.tensor(float(particles)))

    @torch.no_grad()
    def mean_shares(self, perturbation: int | None, draws: int, generator: torch.Generator
                    ) -> Tensor:  # fmt: skip
        """Return the mean share of each gene after a perturbation, None for a control."""
        total = torch.zeros(self.log_dispersion.shape[0])
        for _ in range(draws):
            drawn = self.globals(generator, hard=True)
            state = torch.randn((64, self.effect.shape[1]), generator=generator)
            shift = torch.zeros_like(state)
            if perturbation is not None:
                shift = shift + drawn.shift[perturbation]
            if self.kind == "SVAE+":
                state = state + shift
            total += self.decoded(state, shift).mean(0)
        return total / draws


def _network(widths: Sequence[int]) -> nn.Sequential:
    parts: list[nn.Module] = []
    for number, (inward, outward) in enumerate(pairwise(widths)):
        parts.append(nn.Linear(inward, outward))
        if number < len(widths) - 2:
            parts += [nn.LayerNorm(outward), nn.LeakyReLU()]
    return nn.Sequential(*parts)
