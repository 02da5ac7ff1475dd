"""Log-likelihoods and divergences of the models, each testable by hand."""

import torch
from torch import Tensor


def negative_binomial(count: Tensor, mean: Tensor, dispersion: Tensor) -> Tensor:
    """Return the log-probability of counts with variance `mean + mean ** 2 / dispersion`."""
    log_total = torch.log(dispersion + mean)
    return (
        torch.lgamma(count + dispersion)
        - torch.lgamma(dispersion)
        - torch.lgamma(count + 1)
        + dispersion * (torch.log(dispersion) - log_total)
        + count * (torch.log(mean) - log_total)
    )


def gaussian(value: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Return the log-density of a normal distribution."""
    density: Tensor = torch.distributions.Normal(mean, deviation).log_prob(value)  # type: ignore[no-untyped-call]
    return density


def gaussian_divergence(
    mean: Tensor, deviation: Tensor, prior_mean: Tensor | float, prior_deviation: Tensor | float
) -> Tensor:
    """Return KL(N(mean, deviation) || N(prior_mean, prior_deviation)), elementwise."""
    ratio = deviation / prior_deviation
    away = (mean - prior_mean) / prior_deviation
    return 0.5 * (ratio**2 + away**2 - 1) - torch.log(ratio)


def mask_divergence(on: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return E[KL(Bernoulli(on) || Bernoulli(p))] with p ~ Beta(a, b), elementwise."""
    total = torch.digamma(a + b)
    log_p, log_not = torch.digamma(a) - total, torch.digamma(b) - total
    off = 1 - on
    entropy = -(torch.xlogy(on, on) + torch.xlogy(off, off))
    return -entropy - on * log_p - off * log_not


def beta_divergence(a: Tensor, b: Tensor, prior_a: float, prior_b: float) -> Tensor:
    """Return KL(Beta(a, b) || Beta(prior_a, prior_b)), elementwise."""
    prior = torch.distributions.Beta(torch.full_like(a, prior_a), torch.full_like(b, prior_b))
    return torch.distributions.kl_divergence(torch.distributions.Beta(a, b), prior)
