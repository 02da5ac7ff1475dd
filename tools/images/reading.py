"""Reads one picture of any usual kind as planes of numbers, and says what it cannot read.

JPEG and PNG by Pillow, TIFF and OME-TIFF by tifffile, OME-Zarr by zarr. (The package ome-zarr
holds pydantic below the version that Knockwise needs, and bioio brings half a laboratory.)
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import DataError

Picture = NDArray[np.float32]
RGB = ("red", "green", "blue")
MOST_PIXELS = 1 << 28
"""Of a plane; a larger one would not fit into memory beside what is made of it."""


@dataclass(frozen=True)
class Planes:
    """The channels of one file.

    Attributes:
        names: Of the channels; empty where the file names none.
        pixels: In shares of the range of the file's type `(channels, rows, columns)`.
        bits: Of the file's numbers; 0 where they are no whole numbers.
        notes: What was done to make planes of it.
    """

    names: tuple[str, ...]
    pixels: Picture
    bits: int
    notes: tuple[str, ...] = ()


def read_planes(path: Path) -> Planes:
    """Return the channels of a file or an OME-Zarr image.

    Several depths become their maximum, of several times the first is taken.

    Raises:
        DataError: It is damaged, too large, or no picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.is_dir():
                found = _zarr(path)
            elif path.suffix.lower() in (".tif", ".tiff"):
                found = _tiff(path)
            else:
                found = _photograph(path)
    except DataError:
        raise
    except ModuleNotFoundError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file makes them
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"{path} cannot be read as a picture ({said}).") from error
    if not np.isfinite(found.pixels).all():
        raise DataError(f"{path} holds values that are no numbers.")
    return found


def _photograph(path: Path) -> Planes:
    from PIL import Image

    with Image.open(path) as image:
        if image.width * image.height > MOST_PIXELS:
            raise DataError(f"{path} is larger than {MOST_PIXELS:,} pixels; cut it into fields.")
        if image.mode in ("L", "I;16", "I", "F"):
            values = np.asarray(image)[None]
            names: tuple[str, ...] = ()
        else:
            colour = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
            grey = all(np.abs(colour[0].astype(int) - one).max() <= 8 for one in colour[1:])
            values, names = (colour[:1], ()) if grey else (colour, RGB)
    if values.dtype == np.int32:
        values = values.clip(0).astype(np.uint16)
    return _planes(names, values)


def _tiff(path: Path) -> Planes:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        if int(np.prod(series.shape)) > 16 * MOST_PIXELS:
            raise DataError(f"{path} is too large; cut it into fields.")
        values, axes = series.asarray(), str(series.axes)
        names: tuple[str, ...] = ()
        if file.is_ome and file.ome_metadata:
            names = _ome_names(tifffile.xml2dict(file.ome_metadata))
    # Pages without a name of their axis are channels, and so are the samples of a pixel.
    letters = axes.replace("Q", "C").replace("I", "C").replace("S", "C")
    return _named(names, *_two_dimensional(values, letters))


def _ome_names(told: Mapping[str, Any]) -> tuple[str, ...]:
    image = told.get("OME", {}).get("Image", {})
    image = image[0] if isinstance(image, list) else image
    channels = image.get("Pixels", {}).get("Channel", ())
    channels = channels if isinstance(channels, list | tuple) else [channels]
    return tuple(str(one.get("Name", "")) for one in channels)


def _zarr(path: Path) -> Planes:
    import zarr

    group = zarr.open_group(str(path), mode="r")
    told: Mapping[str, Any] = dict(group.attrs)
    told = told.get("ome", told)
    scales = told.get("multiscales")
    if not scales:
        raise DataError(f"{path} is no OME-Zarr image: it names no multiscales.")
    axes = [one["name"] if isinstance(one, dict) else one for one in scales[0].get("axes", "tczyx")]
    array: Any = group[scales[0]["datasets"][0]["path"]]
    if int(np.prod(array.shape)) > 16 * MOST_PIXELS:
        raise DataError(f"{path} is too large; cut it into fields.")
    names = tuple(str(one.get("label", "")) for one in told.get("omero", {}).get("channels", ()))
    letters = "".join(axes).upper()[-array.ndim :]
    return _named(names, *_two_dimensional(np.asarray(array[...]), letters))


def _two_dimensional(values: NDArray[Any], axes: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return `(channels, rows, columns)` of an array with these axes, and what was done."""
    notes = []
    for axis in [letter for letter in axes if letter not in "CYX"]:
        at = axes.index(axis)
        several = values.shape[at] > 1
        if axis == "Z":
            values = values.max(axis=at)
            notes += ["the maximum over its depths is taken"] if several else []
        else:
            values = values.take(0, axis=at)
            notes += [f"the first along {axis} is taken"] if several else []
        axes = axes.replace(axis, "", 1)
    while axes.count("C") > 1:
        at = axes.index("C")
        values, axes = (
            values.reshape(*values.shape[:at], -1, *values.shape[at + 2 :]),
            (axes.replace("C", "", 1)),
        )
    if "C" not in axes:
        values, axes = values[None], f"C{axes}"
    order = [axes.index(letter) for letter in "CYX"]
    return np.transpose(values, order), tuple(notes)


def _named(names: Sequence[str], values: NDArray[Any], notes: tuple[str, ...]) -> Planes:
    usable = len(names) == len(values) and all(names) and len(set(names)) == len(names)
    if not usable and len(values) == 3 and values.dtype == np.uint8:
        names, usable = RGB, True
    return _planes(tuple(names) if usable else (), values, notes)


def _planes(names: tuple[str, ...], values: NDArray[Any], notes: tuple[str, ...] = ()) -> Planes:
    if values.dtype == bool:
        values = values.astype(np.uint8) * np.uint8(255)
    whole = np.issubdtype(values.dtype, np.integer)
    if not whole and not np.issubdtype(values.dtype, np.floating):
        raise DataError(f"pixels of type {values.dtype} are not understood.")
    bits = values.dtype.itemsize * 8 if whole else 0
    scale = np.float32(np.iinfo(values.dtype).max) if whole else np.float32(1)
    pixels = values.astype(np.float32) / scale
    if not whole and pixels.size and pixels.max() > 1:
        # Numbers of 16 bits that were saved as decimals.
        pixels /= np.float32(65535 if pixels.max() > 255 else 255)
    return Planes(names, np.clip(pixels, 0, 1), bits, notes)
