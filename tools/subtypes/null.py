"""Data sets without groups, and how often "rare and stable" is found in them."""

from collections.abc import Sequence

import numpy as np

from tools.subtypes.matrix import FloatArray
from tools.subtypes.methods import Data
from tools.subtypes.settings import Null


def without_groups(data: Data, kind: Null, seed: int) -> Data:
    """Return data of the same genes whose samples form no groups.

    `permuted`: the values of each gene change places among the samples, each gene on its own; what
    is left is noise. `rotated`: the samples are turned at random within their span (Langsrud,
    Statistics and Computing 15, 53, 2005), so that means and the covariance of genes stay exactly
    what they were and samples scatter evenly: what passes here is not just a strong axis.
    """
    rng = np.random.default_rng([seed, 0 if kind == "permuted" else 1])
    if kind == "permuted":
        return Data.of(rng.permuted(data.values, axis=0))
    size, rank = data.rotated.shape
    draws = rng.standard_normal((size, rank))
    turned, _ = np.linalg.qr(draws - draws.mean(axis=0))
    rotated: FloatArray = turned * np.linalg.norm(data.rotated, axis=0)
    return Data(rotated @ data.axes, rotated, data.axes)


def false_discovery_rates(real: Sequence[float], nulls: Sequence[Sequence[float]]) -> list[float]:
    """Return the false-discovery rate at which each group is found.

    Of a threshold: how many groups a data set without groups has at least so stable, on average
    and counting the real data as one that has one (so that few data sets promise no low rate),
    over how many the real data have. Each group takes the lowest rate of thresholds that let it
    pass.

    Args:
        real: Stability of the groups found.
        nulls: The same of each data set without groups.
    """
    drawn = np.sort(np.concatenate([np.asarray(one, float) for one in nulls] or [np.empty(0)]))
    order = np.argsort(-np.asarray(real, float), kind="stable")
    values = np.asarray(real, float)
    rates = np.ones(len(values))
    for at in order:
        beyond = len(drawn) - np.searchsorted(drawn, values[at] - 1e-12, "left")
        expected = (1 + beyond) / (len(nulls) + 1)
        rates[at] = min(1.0, expected / int((values >= values[at] - 1e-12).sum()))
    # From the least stable up: a stricter threshold is never worse.
    least = 1.0
    for at in order[::-1]:
        least = min(least, rates[at])
        rates[at] = least
    return [float(one) for one in rates]
