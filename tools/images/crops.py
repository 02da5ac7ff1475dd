"""Cuts a picture of each cell out of its field, all of one size, upright, the neighbours masked."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tools.images.reading import Picture
from tools.images.segmentation import Cells

SIDE = 48
"""Pixels along an edge of a crop."""
ACROSS = 4.5
"""What a crop shows, in nuclear diameters."""
Crops = NDArray[np.uint8]
SHAPES = ("nucleus", "cell", "surroundings")
"""Planes of a crop after its channels: outline of the nucleus, of the cell, and nuclei around."""
WIDER, SMOOTHED = 3.0, 2.0
"""How much more than a crop its surroundings show, and how smooth, in nuclear diameters."""


def crops_of(
    cells: Cells,
    table: pd.DataFrame,
    channels: Mapping[str, Picture],
    tops: Mapping[str, float],
    diameter: float,
) -> Crops:
    """Return `(cells, channels and SHAPES, SIDE, SIDE)`: 255 is the brightness that counts as full.

    The nucleus is in the middle, the cell's long axis lies across, and more of the cell lies to
    the right of the nucleus and below it: how a cell happens to lie is no phenotype. Values are
    square roots, so that dim parts are seen. After the channels come the outlines, and how much of
    a wider view nuclei cover, smoothed: cells that have lost their neighbours look different. Past
    the edge of the field its mirror image stands in.

    Args:
        cells: What was segmented.
        table: A row for each cell, with its place.
        channels: Name -> picture without background.
        tops: Brightness of each channel that counts as full.
        diameter: Of a nucleus; the same for all plates, so that sizes compare.
    """
    from scipy.ndimage import gaussian_filter

    half = max(8.0, ACROSS * diameter / 2)
    reach = math.ceil(half * math.sqrt(2)) + 2
    padded = {name: np.pad(one, reach) for name, one in channels.items()}
    labels = np.pad(cells.cells, reach)
    step = 2 * half / SIDE
    far = math.ceil(WIDER * reach)
    covered = np.pad((cells.nuclei > 0).astype(np.float32), far, mode="reflect")
    around = gaussian_filter(covered, SMOOTHED * diameter)
    nuclei = np.pad(cells.nuclei, reach)
    found = np.zeros((len(table), len(channels) + len(SHAPES), SIDE, SIDE), np.uint8)
    places = zip(table["label"], table["row"], table["column"], strict=True)
    for number, (label, row, column) in enumerate(places):
        top, left = round(row), round(column)
        window = (slice(top, top + 2 * reach + 1), slice(left, left + 2 * reach + 1))
        own = labels[window] == label
        turn = _turn(own, reach, step)
        # A soft edge, so that no gradient of the mask is learnt.
        mask = np.clip(2 * gaussian_filter(own.astype(np.float32), 1.5), 0, 1)
        shapes = [(nuclei[window] == label).astype(np.float32), own.astype(np.float32)]
        shown = [one[window] * mask / max(tops[name], 1e-6) for name, one in padded.items()]
        for place, one in enumerate([*shown, *shapes]):
            even = gaussian_filter(one, 0.4 * step) if step > 1 else one
            found[number, place] = _small(even, turn)
        wide = (slice(top, top + 2 * far + 1), slice(left, left + 2 * far + 1))
        found[number, -1] = _small(around[wide], _widened(turn, reach, far))
    return found


def _small(picture: NDArray[np.floating], turn: NDArray[np.float64]) -> Crops:
    from skimage.transform import warp

    small = warp(picture, turn, output_shape=(SIDE, SIDE), order=1, preserve_range=True)
    return np.asarray(np.clip(np.sqrt(np.clip(small, 0, 1)) * 255, 0, 255), np.uint8)


def _widened(turn: NDArray[np.float64], reach: int, far: int) -> NDArray[np.float64]:
    """Return the matrix to a window of `far` pixels about the same place, seen from further."""
    out = turn.copy()
    out[:2, :2] *= WIDER
    out[:2, 2] = far + WIDER * (turn[:2, 2] - reach)
    return out


def _turn(own: NDArray[np.bool_], reach: int, step: float) -> NDArray[np.float64]:
    """Return the matrix from places in a crop, as (x, y, 1), to places in a window."""
    y, x = np.nonzero(own)
    y, x = y - reach, x - reach
    if len(x) < 10:
        axis = np.eye(2)
    else:
        _, axes = np.linalg.eigh(np.cov(np.stack([x, y])))
        axis = axes[:, ::-1]  # columns: the long axis, the short one
        centre = np.array([x.mean(), y.mean()])
        axis = axis * np.where(centre @ axis < 0, -1.0, 1.0)
    middle = (SIDE - 1) / 2
    out = np.eye(3)
    out[:2, :2] = step * axis
    out[:2, 2] = reach - step * axis @ np.array([middle, middle])
    return out
