"""Measures cells as CellProfiler does: shape, brightness, texture, granularity, neighbours.

Shape by scikit-image's region properties; texture is Haralick's, of grey levels side by side;
granularity is the share of brightness that openings of growing radius take away (Ravkin and Temov
1988). All of one field come as one table, a row for each cell.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tools.images.reading import Picture
from tools.images.segmentation import Cells

SHAPES = ("area", "perimeter", "eccentricity", "solidity", "extent", "major_axis_length",
          "minor_axis_length")  # fmt: skip
RADII = (1, 2, 4, 6)
LEVELS = 16
TEXTURES = ("contrast", "homogeneity", "correlation", "energy")
PLACE = ("label", "row", "column")
"""Columns that say where a cell is, and are no measurements."""
Array = NDArray[np.float64]


def measured(
    cells: Cells, channels: Mapping[str, Picture], tops: Mapping[str, float]
) -> pd.DataFrame:
    """Return a row for each cell, and a column for each measurement after those of `PLACE`.

    Args:
        cells: What was segmented.
        channels: Name -> picture without background, the nuclei first.
        tops: Brightness of each channel that counts as full, for texture.
    """
    count = int(cells.nuclei.max())
    if not count:
        return pd.DataFrame()
    columns: dict[str, Array] = {}
    columns |= dict(_shapes("nucleus", cells.nuclei, count))
    columns |= dict(_shapes("cell", cells.cells, count))
    columns["nucleus_share"] = columns["nucleus_area"] / np.maximum(columns["cell_area"], 1)
    columns |= dict(_neighbours(columns["row"], columns["column"], cells.diameter))
    rim = np.where(cells.nuclei > 0, 0, cells.cells)
    for name, picture in channels.items():
        columns |= dict(_brightness(name, picture, cells, rim, count))
        columns |= dict(_granularity(name, picture, cells, count))
        columns |= dict(_textures(name, picture, cells, count, tops[name]))
    columns |= dict(_correlations(channels, cells, count))
    table = pd.DataFrame({"label": np.arange(1, count + 1), **columns})
    return table.replace([np.inf, -np.inf], np.nan)


def measurements_of(table: pd.DataFrame) -> list[str]:
    """Return the columns of a table that are measurements."""
    return [
        name for name in table.columns if name.startswith(("nucleus_", "cell_", "rim_", "near_"))
    ]


def _shapes(part: str, labels: NDArray[np.int32], count: int) -> Iterator[tuple[str, Array]]:
    from skimage.measure import regionprops_table

    found = regionprops_table(labels, properties=("label", "centroid", *SHAPES))
    at = found["label"] - 1

    def whole(values: Array) -> Array:
        out = np.full(count, np.nan)
        out[at] = values
        return out

    if part == "nucleus":
        yield "row", whole(found["centroid-0"])
        yield "column", whole(found["centroid-1"])
    for name in SHAPES:
        yield f"{part}_{name}", whole(found[name])
    area, perimeter = whole(found["area"]), whole(found["perimeter"])
    yield f"{part}_roundness", 4 * math.pi * area / np.maximum(perimeter, 1) ** 2
    yield (
        f"{part}_elongation",
        whole(found["major_axis_length"]) / np.maximum(whole(found["minor_axis_length"]), 1),
    )


def _neighbours(row: Array, column: Array, diameter: float) -> Iterator[tuple[str, Array]]:
    from scipy.spatial import cKDTree

    places = np.column_stack([row, column])
    tree = cKDTree(places)
    reach = 4 * diameter
    yield (
        "near_cells",
        np.array([len(one) - 1 for one in tree.query_ball_point(places, reach)], float),
    )
    if len(places) > 1:
        yield "near_distance", np.asarray(tree.query(places, k=2)[0][:, 1])
    else:
        yield "near_distance", np.full(1, np.nan)


def _brightness(
    name: str, picture: Picture, cells: Cells, rim: NDArray[np.int32], count: int
) -> Iterator[tuple[str, Array]]:
    from scipy import ndimage

    index = np.arange(1, count + 1)
    for part, labels in (("nucleus", cells.nuclei), ("cell", cells.cells), ("rim", rim)):
        area = np.bincount(labels.ravel(), minlength=count + 1)[1 : count + 1].astype(float)
        total = np.bincount(labels.ravel(), picture.ravel(), minlength=count + 1)[1 : count + 1]
        square = np.bincount(labels.ravel(), picture.ravel() ** 2, minlength=count + 1)[
            1 : count + 1
        ]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / area
            spread = np.sqrt(np.maximum(square / area - mean**2, 0))
        yield f"{part}_{name}_mean", mean
        yield f"{part}_{name}_sd", spread
        yield f"{part}_{name}_unevenness", spread / np.maximum(mean, 1e-6)
        if part != "rim":
            yield f"{part}_{name}_total", np.asarray(total, np.float64)
            quantiles = ndimage.labeled_comprehension(picture, labels, index, _tops, object, None)
            rows = np.array([(np.nan,) * 2 if one is None else one for one in quantiles], float)
            yield f"{part}_{name}_dim", rows[:, 0]
            yield f"{part}_{name}_bright", rows[:, 1]
    inner = np.bincount(cells.nuclei.ravel(), picture.ravel(), minlength=count + 1)[1 : count + 1]
    outer = np.bincount(rim.ravel(), picture.ravel(), minlength=count + 1)[1 : count + 1]
    yield f"cell_{name}_share_in_nucleus", inner / np.maximum(inner + outer, 1e-6)


def _tops(values: NDArray[np.float32]) -> tuple[float, float]:
    low, high = np.percentile(values, [10, 95])
    return float(low), float(high)


def _granularity(
    name: str, picture: Picture, cells: Cells, count: int
) -> Iterator[tuple[str, Array]]:
    import warnings

    from scipy import ndimage
    from skimage.morphology import disk

    before = picture
    labels = cells.cells.ravel()
    total = np.bincount(labels, picture.ravel(), minlength=count + 1)[1 : count + 1]
    for radius in RADII:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = ndimage.grey_opening(picture, footprint=disk(radius))
        lost = np.bincount(labels, (before - opened).ravel(), minlength=count + 1)[1 : count + 1]
        yield f"cell_{name}_granularity_{radius}", lost / np.maximum(total, 1e-6)
        before = opened


def _textures(
    name: str, picture: Picture, cells: Cells, count: int, top: float
) -> Iterator[tuple[str, Array]]:
    from scipy import ndimage
    from skimage.feature import graycomatrix, graycoprops

    grey = np.clip(picture / max(top, 1e-6) * (LEVELS - 1), 0, LEVELS - 1).astype(np.uint8) + 1
    found = np.full((count, len(TEXTURES)), np.nan)
    for number, box in enumerate(ndimage.find_objects(cells.cells, max_label=count)):
        if box is None:
            continue
        inside = np.where(cells.cells[box] == number + 1, grey[box], 0).astype(np.uint8)
        if min(inside.shape) < 4:
            continue
        pairs = graycomatrix(inside, [2], [0, math.pi / 2], levels=LEVELS + 1, symmetric=True)
        pairs = pairs[1:, 1:].astype(float)  # what lies outside the cell is no grey level
        pairs /= np.maximum(pairs.sum(axis=(0, 1), keepdims=True), 1)
        found[number] = [float(graycoprops(pairs, one).mean()) for one in TEXTURES]
    for column, texture in enumerate(TEXTURES):
        yield f"cell_{name}_texture_{texture}", found[:, column]


def _correlations(
    channels: Mapping[str, Picture], cells: Cells, count: int
) -> Iterator[tuple[str, Array]]:
    names = list(channels)
    labels = cells.cells.ravel()
    area = np.maximum(np.bincount(labels, minlength=count + 1)[1 : count + 1], 1).astype(float)

    def mean(values: NDArray[np.floating]) -> Array:
        return np.asarray(
            np.bincount(labels, values.ravel(), minlength=count + 1)[1 : count + 1] / area
        )

    means = {name: mean(channels[name]) for name in names}
    squares = {name: mean(channels[name] ** 2) for name in names}
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            both = mean(channels[one] * channels[other]) - means[one] * means[other]
            spread = np.sqrt(
                np.maximum(squares[one] - means[one] ** 2, 1e-12)
                * np.maximum(squares[other] - means[other] ** 2, 1e-12)
            )
            yield f"cell_{one}_with_{other}", np.clip(both / spread, -1, 1)
