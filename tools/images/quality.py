"""Judges pictures before anything is made of them: out of focus, overexposed, without cells."""

import numpy as np

from knowledge.schema import Frozen
from tools.images.reading import Picture

SATURATED = 0.02
BLURRED = 0.5
"""Sharpness as a share of the median of the channel's pictures, below which one is blurred."""
FEW_CELLS = 10


class Quality(Frozen):
    """What one field is like.

    Attributes:
        plate: Its plate.
        well: Its well.
        site: Its number.
        cells: How many were measured.
        saturated: Share of the pixels at the end of the scale, by channel.
        sharpness: Spread of the Laplacian relative to the picture's own, by channel.
        bits: Of the file, by channel.
    """

    plate: str
    well: str
    site: int
    cells: int
    saturated: dict[str, float]
    sharpness: dict[str, float]
    bits: dict[str, int]


def saturated(picture: Picture) -> float:
    """Return the share of pixels at the end of the scale."""
    return float((picture >= 0.999).mean())


def sharpness(picture: Picture) -> float:
    """Return the spread of the Laplacian over the picture's: fine detail, whatever the gain."""
    from scipy.ndimage import laplace

    spread = float(picture.std())
    return float(laplace(picture).std() / spread) if spread > 0 else 0.0


def quality_notes(found: list[Quality]) -> list[str]:
    """Return what is wrong with fields, a sentence each."""
    notes = []
    for one in found:
        where = f"Well {one.well} of {one.plate}"
        if not one.cells:
            notes.append(f"{where} (site {one.site}) shows no cell that can be measured.")
        elif one.cells < FEW_CELLS:
            notes.append(
                f"{where} (site {one.site}) shows {one.cells} cells; its medians are uncertain."
            )
        for channel, share in one.saturated.items():
            if share > SATURATED:
                notes.append(
                    f"{where}: {100 * share:.0f} % of {channel} is overexposed; its brightness is "
                    "a lower bound."
                )
    for channel in found[0].sharpness if found else ():
        usual = float(np.median([one.sharpness[channel] for one in found]))
        for one in found:
            if one.sharpness[channel] < BLURRED * usual:
                notes.append(f"Well {one.well} of {one.plate}: {channel} may be out of focus.")
        bits = {one.bits[channel] for one in found}
        if len(bits) > 1:
            said = " and ".join(f"{b}-bit" if b else "decimal" for b in sorted(bits))
            notes.append(
                f"{channel} comes as {said} files; all are read as shares of their own range, so "
                "that brightness compares within plates of one kind only."
            )
    return notes
