"""Puts channels together to pictures that people look at: PNG, and GIF for what moves."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from tools.images.reading import Picture
from tools.images.segmentation import Cells

COLOURS = (
    (0.25, 0.45, 1.0),
    (0.2, 0.9, 0.35),
    (1.0, 0.35, 0.15),
    (0.9, 0.2, 0.9),
    (0.95, 0.85, 0.1),
)
"""Of the channels in order, the nuclei blue."""
NAMES = ("blue", "green", "orange", "magenta", "yellow")
Colour = NDArray[np.uint8]
GAP = 3
FRAME_MS = 90


def composite(channels: NDArray[np.floating]) -> Colour:
    """Return `(rows, columns, 3)` of channels `(channels, rows, columns)` from 0 to 1."""
    out = np.zeros((*channels.shape[1:], 3))
    for number, one in enumerate(channels):
        out += np.clip(one, 0, 1)[..., None] * np.array(COLOURS[number % len(COLOURS)])
    return np.asarray(np.clip(out, 0, 1) * 255, np.uint8)


def grey(one: NDArray[np.floating]) -> Colour:
    """Return `(rows, columns, 3)` of one channel from 0 to 1."""
    return np.repeat((np.clip(one, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def field_picture(
    channels: dict[str, Picture], tops: dict[str, float], cells: Cells | None = None
) -> Colour:
    """Return a field in colours, outlines of nuclei and cells drawn if they are given."""
    scaled = [np.sqrt(np.clip(one / tops[name], 0, 1)) for name, one in channels.items()]
    picture = composite(np.stack(scaled))
    if cells is not None:
        from skimage.segmentation import find_boundaries

        picture[find_boundaries(cells.cells, mode="inner")] = (235, 235, 235)
        picture[find_boundaries(cells.nuclei, mode="inner")] = (255, 225, 0)
    return picture


def strip(pictures: Sequence[Colour], zoom: int = 1) -> Colour:
    """Return pictures of one height side by side, enlarged."""
    big = [np.repeat(np.repeat(one, zoom, axis=0), zoom, axis=1) for one in pictures]
    gap = np.full((big[0].shape[0], GAP, 3), 255, np.uint8)
    parts = [part for one in big for part in (one, gap)][:-1]
    return np.concatenate(parts, axis=1)


def png(picture: Colour, width: int | None = None) -> bytes:
    """Return a PNG file, made no wider than `width`."""
    from PIL import Image

    image = Image.fromarray(picture)
    if width and image.width > width:
        image = image.resize((width, round(image.height * width / image.width)))
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def animation(frames: Sequence[Colour], zoom: int = 4) -> bytes:
    """Return a GIF file that goes through frames and back, for ever."""
    from PIL import Image

    size = (frames[0].shape[1] * zoom, frames[0].shape[0] * zoom)
    images = [Image.fromarray(one).resize(size, Image.Resampling.BICUBIC) for one in frames]
    there_and_back = [*images, *reversed(images[1:-1])]
    out = BytesIO()
    there_and_back[0].save(
        out, "GIF", save_all=True, append_images=there_and_back[1:], duration=FRAME_MS, loop=0
    )
    return out.getvalue()
