"""Ranks of a signature as one of fifteen levels, half a byte each, finest at both ends."""

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]
EDGES = (0.01, 0.05, 0.1, 0.175, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.825, 0.9, 0.95, 0.99)
"""Upper ends of the levels 1 to 14, as a share of the ranked genes, the most raised first."""
UNRANKED = 0
_BOUNDS = np.array([0.0, *EDGES, 1.0])
_MIDDLE = (_BOUNDS[:-1] + _BOUNDS[1:]) / 2
POSITION = np.r_[0.0, 0.5 - _MIDDLE].astype(np.float32)
"""Where a level stands: 0.5 most raised, -0.5 most lowered, 0 in the middle or not ranked."""
UP, DOWN = (1, 2), (14, 15)
"""Among the 5 % of a drug's genes that are raised most, and lowered most."""
MIDDLE = (6, 7, 8, 9, 10)
CHANGE = np.zeros(16, np.float32)
CHANGE[[*UP, *DOWN]] = 1.0
CHANGE[list(MIDDLE)] = -1.0
"""What a level says of a change: 1 at either end, -1 in the middle half."""


def levels(share: NDArray[np.floating]) -> Levels:
    """Return the levels of ranks given as a share from 0 (most raised) to 1; NaN is not ranked."""
    out = np.searchsorted(np.array(EDGES), share, side="right") + 1
    return np.where(np.isfinite(share), out, UNRANKED).astype(np.uint8)


def words(level: int) -> str:
    """Return what a level says, in words."""
    if level == UNRANKED:
        return "not ranked"
    if level in UP:
        return f"among the {EDGES[level - 1]:.0%} raised most"
    if level in DOWN:
        return f"among the {1 - EDGES[level - 2]:.0%} lowered most"
    return f"ranked {_BOUNDS[level - 1]:.0%} to {_BOUNDS[level]:.0%} from the top"


def packed(table: Levels) -> NDArray[np.uint8]:
    """Return two levels a byte `(drugs, ceil(genes / 2))`."""
    if table.shape[1] % 2:
        table = np.c_[table, np.zeros(len(table), np.uint8)]
    return np.ascontiguousarray(table[:, ::2] << 4 | table[:, 1::2])


def unpacked(bytes_: NDArray[np.uint8], genes: int) -> Levels:
    """Return what `packed` was given."""
    out = np.empty((bytes_.shape[0], bytes_.shape[1] * 2), np.uint8)
    out[:, ::2], out[:, 1::2] = bytes_ >> 4, bytes_ & 15
    return out[:, :genes]
