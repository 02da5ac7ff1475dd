"""Evens out illumination: a smooth field for each plate and channel, and the dark of each picture.

The field is a quadratic surface through the median over pictures of a plate, as CellProfiler's
polynomial smoothing has it (Singh et al., J. Microscopy 2014): six pictures are enough for six
coefficients, and too few for anything finer.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.images.reading import Picture

GRID = 24
"""Points along each edge that the surface is fitted to."""
FEWEST = 3
"""Pictures below which nothing is evened out."""
LEAST, MOST = 0.5, 2.0
DARK = 5.0
"""Percentile of a picture that counts as no light."""


@dataclass(frozen=True)
class Illumination:
    """The field of one channel of one plate.

    Attributes:
        coefficients: Of the quadratic surface over the unit square `(6,)`.
    """

    coefficients: NDArray[np.float64]

    @classmethod
    def of(cls, pictures: Iterable[Picture]) -> "Illumination":
        """Return the field that pictures share; flat where they are few."""
        coarse = [_coarse(one) for one in pictures]
        flat = cls(np.array([1.0, 0, 0, 0, 0, 0]))
        if len(coarse) < FEWEST:
            return flat
        surface = np.median(np.stack(coarse), axis=0)
        known = np.isfinite(surface)
        terms = _terms(*surface.shape)[known.ravel()]
        values = surface[known]
        keep = np.ones(len(values), bool)
        found = flat.coefficients
        for _ in range(3):  # cells that stand in most pictures are brighter than the surface
            found = np.asarray(np.linalg.lstsq(terms[keep], values[keep], rcond=None)[0], float)
            rest = values - terms @ found
            keep = rest < 2 * max(float(np.median(np.abs(rest))), 1e-9)
        whole = cls(found)
        mean = whole.surface(GRID, GRID).mean()
        return cls(found / mean) if mean > 1e-6 else flat

    def surface(self, rows: int, columns: int) -> Picture:
        """Return the relative light `(rows, columns)`, 1 on average, between a half and two."""
        field = (_terms(rows, columns) @ self.coefficients).reshape(rows, columns)
        return np.clip(field, LEAST, MOST).astype(np.float32)

    @property
    def unevenness(self) -> float:
        """Return by how much the brightest place exceeds the darkest, as a share of the mean."""
        field = self.surface(GRID, GRID)
        return float(field.max() - field.min())


def dark_of(picture: Picture) -> float:
    """Return the level that counts as no light."""
    return float(np.percentile(picture[::4, ::4], DARK))


def corrected(picture: Picture, light: Illumination) -> Picture:
    """Return a picture without its background and under even light, from 0."""
    even = picture / light.surface(*picture.shape)
    return np.asarray(np.clip(even - dark_of(even), 0, None), np.float32)


def _coarse(picture: Picture) -> NDArray[np.float64]:
    """Return the median of each block `(GRID, GRID)` as a multiple of the picture's own median."""
    rows = np.array_split(np.arange(picture.shape[0]), GRID)
    columns = np.array_split(np.arange(picture.shape[1]), GRID)
    blocks = [
        [float(np.median(picture[r[0] : r[-1] + 1, c[0] : c[-1] + 1])) if len(r) and len(c)
         else np.nan for c in columns]
        for r in rows
    ]  # fmt: skip
    found = np.array(blocks)
    middle = float(np.nanmedian(found))
    return found / middle if middle > 0 else np.full_like(found, np.nan)


def _terms(rows: int, columns: int) -> NDArray[np.float64]:
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)
