"""Finds nuclei, and around each the cell, with scikit-image.

Nuclei: a threshold on the smoothed channel, parted by a watershed on the distance to the edge.
Cells: a watershed from the nuclei over the other channels, no further than a few nuclear radii
(the seeded propagation of CellProfiler; Carpenter et al., Genome Biology 2006). Another program,
such as cellpose with weights of its own, takes the place of the first step by the entry point
`knockwise.segmenters`: a function of the channel of nuclei that returns labels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.images.reading import Picture

Labels = NDArray[np.int32]
Segmenter = Callable[[Picture], Labels]
SMALLEST, LARGEST = 0.2, 5.0
"""Area of a nucleus as a multiple of the median of those found."""
REACH = 3.0
"""How far a cell reaches beyond its nucleus, in nuclear radii."""
ABOVE_NOISE = 5.0
LEAST_RADIUS = 3.0


@dataclass(frozen=True)
class Cells:
    """Nuclei and cells of one field; a cell has the label of its nucleus.

    Attributes:
        nuclei: 0 outside `(rows, columns)`.
        cells: Likewise; a nucleus lies within its cell.
        diameter: Median of the nuclei, in pixels; 0 without any.
    """

    nuclei: Labels
    cells: Labels
    diameter: float


def segmented(nuclear: Picture, others: list[Picture], segmenter: Segmenter | None = None) -> Cells:
    """Return the cells of a field whose background has been taken away.

    Nuclei that the edge of the picture cuts are left out.

    Args:
        nuclear: The channel of nuclei.
        others: Further channels, that show the cell.
        segmenter: Labels nuclei instead of the threshold.
    """
    from skimage.segmentation import clear_border, relabel_sequential

    found = segmenter(nuclear) if segmenter is not None else nuclei_of(nuclear)
    if not found.any():
        return Cells(found.astype(np.int32), found.astype(np.int32), 0.0)
    diameter = float(2 * np.sqrt(np.median(_areas(found)) / np.pi))
    cells = _around(found, others, diameter)
    inner = relabel_sequential(clear_border(found))[0].astype(np.int32)
    # Cells take the new numbers of their nuclei.
    numbers = np.zeros(int(found.max()) + 1, np.int32)
    numbers[found[inner > 0]] = inner[inner > 0]
    return Cells(inner, numbers[cells], diameter)


def nuclei_of(nuclear: Picture) -> Labels:
    """Return labelled nuclei, those cut by the edge too."""
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.filters import gaussian, threshold_li, threshold_otsu
    from skimage.morphology import disk, opening, remove_small_objects
    from skimage.segmentation import watershed

    smooth = gaussian(nuclear, 1.0, preserve_range=True)
    middle = float(np.median(smooth))
    noise = 1.4826 * float(np.median(np.abs(smooth - middle))) or 1e-4
    floor = middle + ABOVE_NOISE * noise
    bright = smooth[smooth > floor]
    if bright.size < 30 or float(np.percentile(bright, 90)) < 3 * floor:
        return np.zeros(nuclear.shape, np.int32)
    # Condensed nuclei are so bright that Otsu's threshold would lose the others.
    capped = np.minimum(smooth, np.percentile(bright, 90))
    level = max(floor, min(float(threshold_otsu(capped)), float(threshold_li(capped))))
    mask = ndimage.binary_fill_holes(opening(smooth > level, disk(2)))
    mask = remove_small_objects(mask, max_size=30)
    pieces, count = ndimage.label(mask)
    if not count:
        return np.zeros(nuclear.shape, np.int32)
    radius = max(float(np.sqrt(np.median(_areas(pieces)) / np.pi)), LEAST_RADIUS)
    distance = gaussian(ndimage.distance_transform_edt(mask), radius / 6, preserve_range=True)
    peaks = peak_local_max(
        distance, min_distance=max(2, round(0.6 * radius)), labels=pieces, exclude_border=False
    )
    seeds = np.zeros(nuclear.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    found = watershed(-distance, seeds, mask=mask)
    areas = np.bincount(found.ravel())
    usual = float(np.median(areas[1:][areas[1:] > 0]))
    wrong = (areas < SMALLEST * usual) | (areas > LARGEST * usual)
    found[wrong[found]] = 0
    return np.asarray(found, np.int32)


def _around(nuclei: Labels, others: list[Picture], diameter: float) -> Labels:
    from scipy import ndimage
    from skimage.filters import gaussian, threshold_li
    from skimage.morphology import remove_small_holes
    from skimage.segmentation import expand_labels, watershed

    reach = REACH * diameter / 2
    near = ndimage.distance_transform_edt(nuclei == 0) <= reach
    if not others:
        return np.asarray(expand_labels(nuclei, diameter / 4), np.int32)
    # Each channel in units of its own spread, so that none decides alone; the square root makes
    # the dim edge of a cell count.
    scaled = [one / max(float(np.percentile(one, 99.5)), 1e-6) for one in others]
    body = gaussian(np.sqrt(np.clip(np.mean(scaled, axis=0), 0, 1)), 1.5, preserve_range=True)
    mask = ((body > 0.8 * threshold_li(body)) & near) | (nuclei > 0)
    # Ground that cells surround is no cell: holes are filled up to the size of a nucleus.
    mask = remove_small_holes(mask, max_size=int(diameter**2 * np.pi / 4))
    away = ndimage.distance_transform_edt(nuclei == 0) / reach
    cells = watershed(away - 0.5 * body, nuclei, mask=mask)
    return np.asarray(cells, np.int32)


def _areas(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    counts = np.bincount(labels.ravel())[1:]
    return np.asarray(counts[counts > 0], np.int64)
