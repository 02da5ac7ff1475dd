"""Says in plain words what a measurement is, and what more or less of it looks like."""

import re

from tools.images.profiles import COUNT

PARTS = {"nucleus": "nuclei", "cell": "cells", "rim": "cytoplasm"}
SHAPES = {
    "area": ("larger {}", "smaller {}"),
    "perimeter": ("longer outline of {}", "shorter outline of {}"),
    "eccentricity": ("more elongated {}", "rounder {}"),
    "elongation": ("more elongated {}", "rounder {}"),
    "roundness": ("rounder {}", "more irregular {}"),
    "solidity": ("smoother outline of {}", "more ragged outline of {}"),
    "extent": ("more compact {}", "more branched {}"),
    "major_axis_length": ("longer {}", "shorter {}"),
    "minor_axis_length": ("broader {}", "narrower {}"),
}
LIGHT = {
    "mean": ("brighter {0} in {1}", "dimmer {0} in {1}"),
    "bright": ("brighter brightest parts of {0} in {1}", "dimmer brightest parts of {0} in {1}"),
    "dim": ("brighter dim parts of {0} in {1}", "dimmer dim parts of {0} in {1}"),
    "total": ("more {0} in all in {1}", "less {0} in all in {1}"),
    "sd": ("more contrast of {0} in {1}", "less contrast of {0} in {1}"),
    "unevenness": ("more uneven {0} in {1}", "more even {0} in {1}"),
    "share_in_nucleus": ("more of {0} over the nucleus", "less of {0} over the nucleus"),
    "texture_contrast": ("coarser texture of {0}", "finer texture of {0}"),
    "texture_homogeneity": ("smoother texture of {0}", "rougher texture of {0}"),
    "texture_correlation": ("{0} in larger patches", "{0} in smaller patches"),
    "texture_energy": ("plainer texture of {0}", "richer texture of {0}"),
}
_GRANULES = re.compile(r"granularity_(\d+)")


def words_of(name: str, channels: tuple[str, ...], *, more: bool) -> str:
    """Return what more (or less) of a measurement looks like, such as `larger nuclei`.

    Args:
        name: Of the measurement.
        channels: Names of the channels.
        more: Whether there is more of it than in controls.
    """
    way = 0 if more else 1
    if name == COUNT:
        return ("more cells", "fewer cells")[way]
    if name == "nucleus_share":
        return ("nuclei that fill more of the cell", "nuclei that fill less of the cell")[way]
    if name == "near_cells":
        return ("more neighbours", "fewer neighbours")[way]
    if name == "near_distance":
        return ("cells further apart", "cells closer together")[way]
    part, _, rest = name.partition("_")
    where = PARTS.get(part, part)
    if rest in SHAPES:
        return SHAPES[rest][way].format(where)
    for channel in sorted(channels, key=len, reverse=True):
        if rest.startswith(f"{channel}_with_"):
            other = rest.removeprefix(f"{channel}_with_")
            return (f"{channel} and {other} more together", f"{channel} and {other} more apart")[
                way
            ]
        if rest.startswith(f"{channel}_"):
            kind = rest.removeprefix(f"{channel}_")
            if found := _GRANULES.fullmatch(kind):
                size = f"grains of {2 * int(found[1]) + 1} pixels in {channel}"
                return (f"more {size}", f"fewer {size}")[way]
            if kind in LIGHT:
                return LIGHT[kind][way].format(channel, where)
    return f"{('more', 'less')[way]} {name.replace('_', ' ')}"


def family(name: str, channels: tuple[str, ...]) -> str:
    """Return what a measurement is about, so that a sentence names each once: `area of nuclei`."""
    part, _, rest = name.partition("_")
    if name in (COUNT, "near_cells", "near_distance"):
        return "number"
    for channel in sorted(channels, key=len, reverse=True):
        if rest.startswith(f"{channel}_"):
            kind = rest.removeprefix(f"{channel}_")
            if "texture" in kind or "granularity" in kind or kind in ("sd", "unevenness"):
                return f"{channel} texture"
            if kind.startswith("with_"):
                return f"{channel} with others"
            return f"{channel} place" if kind == "share_in_nucleus" else f"{channel} brightness"
    size = rest in ("area", "perimeter", "major_axis_length", "minor_axis_length")
    return f"{part} {'size' if size else 'shape'}"
