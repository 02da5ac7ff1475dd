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


def crops_of(
    cells: Cells,
    table: pd.DataFrame,
    channels: Mapping[str, Picture],
    tops: Mapping[str, float],
    diameter: float,
) -> Crops:
    """Return `(cells, channels, SIDE, SIDE)`: 255 is the brightness that counts as full.

    The nucleus is in the middle, the cell's long axis lies across, and more of the cell lies to
    the right of the nucleus and below it: how a cell happens to lie is no phenotype. Values are
    square roots, so that dim parts are seen.

    Args:
        cells: What was segmented.
        table: A row for each cell, with its place.
        channels: Name -> picture without background.
        tops: Brightness of each channel that counts as full.
        diameter: Of a nucleus; the same for all plates, so that sizes compare.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.transform import warp

    half = max(8.0, ACROSS * diameter / 2)
    reach = math.ceil(half * math.sqrt(2)) + 2
    padded = {name: np.pad(one, reach) for name, one in channels.items()}
    labels = np.pad(cells.cells, reach)
    step = 2 * half / SIDE
    found = np.zeros((len(table), len(channels), SIDE, SIDE), np.uint8)
    places = zip(table["label"], table["row"], table["column"], strict=True)
    for number, (label, row, column) in enumerate(places):
        top, left = round(row), round(column)
        window = (slice(top, top + 2 * reach + 1), slice(left, left + 2 * reach + 1))
        own = labels[window] == label
        turn = _turn(own, reach, step)
        # A soft edge, so that no gradient of the mask is learnt.
        mask = np.clip(2 * gaussian_filter(own.astype(np.float32), 1.5), 0, 1)
        for place, (name, picture) in enumerate(padded.items()):
            shown = picture[window] * mask / max(tops[name], 1e-6)
            if step > 1:
                shown = gaussian_filter(shown, 0.4 * step)
            small = warp(shown, turn, output_shape=(SIDE, SIDE), order=1, preserve_range=True)
            found[number, place] = np.clip(np.sqrt(np.clip(small, 0, 1)) * 255, 0, 255)
    return found


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
