"""Reads from the name of a file which plate, well, site and channel it shows."""

import re
from pathlib import Path

from knowledge.errors import QuestionError
from knowledge.schema import Frozen

ENDINGS = (".ome.tiff", ".ome.tif", ".tiff", ".tif", ".jpeg", ".jpg", ".png")
_WELL = re.compile(
    r"(?<![a-z0-9])(?:well[ _-]*)?([a-p])[ _-]?0{0,2}([1-9]|1[0-9]|2[0-4])(?![0-9])", re.IGNORECASE
)
_OPERA = re.compile(r"(?<![a-z])r(\d{1,2})c(\d{1,2})", re.IGNORECASE)
_SITE = re.compile(
    r"(?<![a-z0-9])(?:site|field|fov|pos|s|f)[ _-]?(\d{1,3})(?![0-9])", re.IGNORECASE
)
_OPERA_SITE = re.compile(r"r\d{1,2}c\d{1,2}f(\d{1,3})", re.IGNORECASE)
_CHANNEL = re.compile(
    r"ch\d{1,2}(?=sk\d)|(?<![a-z])(?:hoechst(?: ?\d{5})?|dapi|draq5|dna|fitc|tritc|texas ?red|"
    r"cy[357]|[ermg]?c?gfp|rfp|yfp|cfp|mcherry|tdtomato|alexa[ _-]?\d{3}|actin|phalloidin|tubulin|"
    r"er|cona|rna|syto\d*|agp|wga|golgi|mito(?:tracker)?|nucle(?:i|us|ar)|brightfield|bf|"
    r"ch?[ _-]?\d{1,2}|w[ _-]?\d)(?![a-z])",
    re.IGNORECASE,
)
_PARTS = ("plate", "well", "site", "channel")


class FileName(Frozen):
    """What a file's name says; empty or 0 where it does not."""

    plate: str = ""
    well: str = ""
    site: int = 1
    channel: str = ""


def well_name(word: str) -> str:
    """Return a well as `A03`, or nothing if the word is none; `Well-A003` and `a3` are."""
    found = _WELL.fullmatch(word.strip())
    return f"{found[1].upper()}{int(found[2]):02d}" if found else ""


def pattern_of(text: str) -> re.Pattern[str]:
    """Return a pattern for paths that a user gave.

    Raises:
        QuestionError: It is no regular expression, or names no well.
    """
    try:
        found = re.compile(text)
    except re.error as error:
        raise QuestionError(f"--pattern is no regular expression ({error}); correct it.") from error
    if "well" not in found.groupindex:
        raise QuestionError(
            "--pattern needs a group (?P<well>...), and may have (?P<plate>...), (?P<site>...) and "
            "(?P<channel>...)."
        )
    return found


def read_name(path: Path, pattern: re.Pattern[str] | None = None) -> FileName:
    """Return what a path below the folder of a plate says.

    The well is looked for in the file's name, then in its folders, innermost first; the plate is
    the outermost folder that names no well.

    Args:
        path: Relative to the folder.
        pattern: A user's own, searched in the whole path.
    """
    stem = path.name
    for ending in (*ENDINGS, ".ome.zarr", ".zarr"):
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
            break
    if pattern is not None:
        found = pattern.search(path.as_posix())
        if found is None:
            return FileName()
        parts = {name: found[name] or "" for name in _PARTS if name in pattern.groupindex}
        site = parts.get("site", "")
        return FileName(
            plate=parts.get("plate", ""),
            well=well_name(parts["well"]) or parts["well"],
            site=int(site) if site.isdigit() else 1,
            channel=parts.get("channel", ""),
        )
    folders = list(path.parent.parts)
    well, left = "", stem
    for number, text in enumerate([stem, *reversed(folders)]):
        if well := _well_in(text):
            if number == 0:
                left = _WELL.sub(" ", _OPERA.sub(" ", text))
            break
    # A plate called P1 is no well where the file itself names one.
    plates = [folder for folder in folders if _well_in(folder) != well]
    site = _OPERA_SITE.search(stem) or _SITE.search(stem)
    if site is not None:
        left = left.replace(site[0], " ")
    channels = list(_CHANNEL.finditer(left))
    return FileName(
        plate=plates[0] if plates else "",
        well=well,
        site=int(site[1]) if site else 1,
        # The last one: what stands before may be a part of the plate's name.
        channel=channels[-1][0] if channels else re.sub(r"[\s_.-]+", " ", left).strip(),
    )


def _well_in(text: str) -> str:
    if opera := _OPERA.search(text):
        row, column = int(opera[1]), int(opera[2])
        return f"{chr(64 + row)}{column:02d}" if 1 <= row <= 16 and column else ""
    found = list(_WELL.finditer(text))
    # `C1` at the end of `A03_C1` is a channel.
    return f"{found[0][1].upper()}{int(found[0][2]):02d}" if found else ""
