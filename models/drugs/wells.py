"""Takes out of signatures what the well did: every line of Tahoe-100M shares one well a drug."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FACTORS = 8
"""Directions in which signatures of drugs without a known target vary, and which are taken out."""
LEAST_ON_PLATE = 8


def without_wells(
    shares: Sequence[Floats], plates: Sequence[str], inert: NDArray[np.bool_]
) -> list[Floats]:
    """Return the ranks of signatures without the mean of their plate and without wells' factors.

    Negative controls are the drugs without a known target: along the directions in which they vary
    most no signature is read (RUV with negative control samples, Gagnon-Bartlett and Speed 2012).

    Args:
        shares: Per line the ranks as a share from 0 (most raised) to 1, NaN where not ranked
            `(drugs, genes)`.
        plates: Plate of each drug.
        inert: Which drugs have no known target `(drugs,)`.
    """
    position = [np.where(np.isfinite(share), 0.5 - share, 0.0) for share in shares]
    joined = np.concatenate([centred(one, plates) for one in position], axis=1)
    _, _, axes = np.linalg.svd(joined[inert], full_matrices=False)
    factors = axes[:FACTORS]
    cleaned = joined - (joined @ factors.T) @ factors
    cuts = np.cumsum([one.shape[1] for one in shares])[:-1]
    out = []
    for share, part in zip(shares, np.split(cleaned, cuts, axis=1), strict=True):
        order = np.argsort(np.argsort(np.where(np.isfinite(share), -part, np.inf), axis=1), axis=1)
        ranked = np.isfinite(share).sum(axis=1, keepdims=True)
        out.append(np.where(np.isfinite(share), order / np.maximum(ranked - 1, 1), np.nan))
    return out


def centred(position: Floats, plates: Sequence[str]) -> Floats:
    """Return signatures without the mean of all drugs, and of the drugs of each larger plate."""
    out = position - position.mean(axis=0)
    names = np.array(plates)
    for plate in sorted(set(plates)):
        here = names == plate
        if here.sum() >= LEAST_ON_PLATE:
            out[here] -= out[here].mean(axis=0)
    return np.asarray(out)
