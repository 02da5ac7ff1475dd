"""Finds the pictures of a plate and what its wells hold; says in words what does not fit."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from knowledge.errors import DataError, QuestionError
from knowledge.user_tables.file import open_table, regular_file, require_columns
from knowledge.user_tables.words import CONTROL, MISSING
from tools.images.names import ENDINGS, FileName, read_name, well_name
from tools.images.reading import read_planes
from tools.images.schema import NUCLEI, Field, Plane, Plates, Role, Well

COLUMNS = {
    "well": ("well_name", "well_id", "position"),
    "perturbation": ("pert", "gene", "target", "sirna", "treatment", "reagent", "GeneID"),
}
EMPTY = frozenset({"empty", "blank", "no cells", "media", "medium"})
SHOWN = 4
LUCIFERASE = re.compile(r"[rf]?-?luc(iferase)?\d?", re.IGNORECASE)


def read_map(path: Path, controls: Collection[str]) -> tuple[tuple[Well, ...], tuple[str, ...]]:
    """Return what each well holds, and notes.

    Wells without a perturbation (`NA`, empty) are left out, as are wells called empty.

    Args:
        path: A table with the columns well and perturbation, and plate if plates differ.
        controls: Perturbations that are controls; without any, the usual words are.

    Raises:
        QuestionError: It is no such table, or contradicts itself.
    """
    table = open_table(regular_file(path))
    at = require_columns(table, COLUMNS)
    plate_at = table.column("plate", "plate_name", "barcode", "Metadata_Plate")
    wanted = {word.casefold() for word in controls}
    wells: dict[tuple[str, str], Well] = {}
    left_out = 0
    for row in table.rows():
        if row.problem:
            raise QuestionError(f"{path}, line {row.line}: {row.problem}; correct the line.")
        word, perturbation = row.cells[at["well"]], row.cells[at["perturbation"]]
        plate = row.cells[plate_at] if plate_at is not None else ""
        if perturbation.casefold() in MISSING | EMPTY or not perturbation:
            left_out += 1
            continue
        well = well_name(word)
        if not well:
            raise QuestionError(
                f"{path}, line {row.line}: {word!r} is no well; write wells as A03 or P24."
            )
        role: Role = "control" if _is_control(perturbation, wanted) else "perturbed"
        found = Well(plate=plate, well=well, perturbation=perturbation, role=role)
        before = wells.setdefault((plate, well), found)
        if before != found:
            raise QuestionError(
                f"{path}, line {row.line}: well {well} holds {before.perturbation} and "
                f"{perturbation}; keep one."
            )
    if not wells:
        raise QuestionError(f"{path} names no well with a perturbation.")
    missing = wanted - {one.perturbation.casefold() for one in wells.values()}
    if missing:
        named = ", ".join(sorted({one.perturbation for one in wells.values()})[:8])
        raise QuestionError(
            f"No well of {path} holds the control {sorted(missing)[0]}; its perturbations are "
            f"{named}."
        )
    notes = list(table.notes)
    if left_out:
        notes.append(f"{left_out:,} wells of the map hold nothing and are left out.")
    return tuple(wells.values()), tuple(notes)


def _is_control(word: str, wanted: Collection[str]) -> bool:
    if wanted:
        return word.casefold() in wanted
    return bool(CONTROL.fullmatch(word) or LUCIFERASE.fullmatch(word))


def open_plates(
    folder: Path,
    wells: Sequence[Well],
    *,
    pattern: re.Pattern[str] | None = None,
    nuclei: str = "",
    names: Mapping[str, str] = MappingProxyType({}),
) -> Plates:
    """Return the fields of a folder that the map knows, with the channels that all of them have.

    A field that lacks a channel which most have is left out and named, as are wells that the map
    does not know and wells of the map without a picture.

    Args:
        folder: Of one plate, or with a folder for each plate; or an OME-Zarr plate.
        wells: What the map says.
        pattern: How paths are read, where they are unusual.
        nuclei: Which channel shows the nuclei; found by its name if empty.
        names: Channel in lower case -> what it is called instead.

    Raises:
        DataError: There is no picture that can be used.
        QuestionError: No channel of nuclei was found.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; name the folder that holds a plate's pictures.")
    notes: list[str] = []
    found = _renamed(_found(folder, pattern, notes), names)
    plates = sorted({key[0] for key in found})
    holds, more = _matched(found, wells, plates)
    notes += more
    known = {key: planes for key, planes in found.items() if key[:2] in holds}
    if not known:
        raise DataError(
            f"No picture in {folder} is of a well of the map: pictures are of "
            f"{_some(sorted({f'{p} {w}' for p, w, _ in found}))}, the map names "
            f"{_some(sorted({f'{one.plate} {one.well}'.strip() for one in wells}))}."
        )
    counts = Counter(channel for planes in known.values() for channel in planes)
    channels = [name for name, count in counts.items() if 2 * count > len(known)]
    rare = sorted(set(counts) - set(channels))
    if rare:
        notes.append(f"Few fields have the channels {', '.join(rare)}: they are not used.")
    first = _nuclei(channels, nuclei, folder)
    ordered = (first, *sorted(name for name in channels if name != first))
    whole = {key: planes for key, planes in known.items() if set(ordered) <= set(planes)}
    for (plate, well, _), planes in known.items():
        if (plate, well, _) not in whole:
            lacks = ", ".join(name for name in ordered if name not in planes)
            notes.append(f"Well {well} of {plate} lacks the channel {lacks} and is left out.")
    if not whole:
        raise DataError(f"No field in {folder} has all of the channels {', '.join(ordered)}.")
    fields = tuple(
        Field(plate=plate, well=well, site=site, planes={name: planes[name] for name in ordered})
        for (plate, well, site), planes in sorted(whole.items())
    )
    used = {(one.plate, one.well) for one in fields}
    return Plates(
        fields=fields,
        wells=tuple(holds[key] for key in sorted(used)),
        channels=ordered,
        notes=tuple(notes),
    )


Found = dict[tuple[str, str, int], dict[str, Plane]]


def _found(folder: Path, pattern: re.Pattern[str] | None, notes: list[str]) -> Found:
    """Return (plate, well, site) -> channel -> plane of everything below a folder."""
    found: Found = defaultdict(dict)
    unread, damaged = [], []
    for path in _pictures(folder):
        relative = path.relative_to(folder) if path != folder else Path(path.name)
        name = read_name(relative, pattern)
        if path.is_dir():
            name = _zarr_name(relative, name)
        if not name.well:
            unread.append(relative.as_posix())
            continue
        plate = name.plate or folder.name
        try:
            named = _channels(path, name)
        except DataError as error:
            damaged.append(str(error).replace(f"{folder}/", ""))
            continue
        for channel, plane in named.items():
            if channel in found[plate, name.well, name.site]:
                raise DataError(
                    f"{relative} and {Path(found[plate, name.well, name.site][channel].path).name} "
                    f"both seem to be channel {channel} of well {name.well}, site {name.site}; "
                    "say with --pattern how names are read."
                )
            found[plate, name.well, name.site][channel] = plane
    if unread:
        notes.append(f"{len(unread):,} pictures name no well and are left out: {_some(unread)}.")
    notes += [f"Left out: {one}" for one in damaged]
    if not found:
        raise DataError(
            f"{folder} holds no picture whose name tells a well (.jpg, .png, .tif, .ome.tif, "
            ".ome.zarr); say with --pattern how names are read."
        )
    return {key: planes for key, planes in found.items() if planes}


def _renamed(found: Found, names: Mapping[str, str]) -> Found:
    known = sorted({channel for planes in found.values() for channel in planes})
    for name in names:
        if name not in {channel.casefold() for channel in known}:
            raise QuestionError(
                f"--name is about the channel {name}, which is not there; there are "
                f"{', '.join(known)}."
            )
    return {
        key: {names.get(channel.casefold(), channel): plane for channel, plane in planes.items()}
        for key, planes in found.items()
    }


def _pictures(folder: Path) -> list[Path]:
    """Return files, and OME-Zarr images, below a folder; nothing inside an image."""
    if _is_image(folder):
        return [folder]
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            found += [path] if _is_image(path) else _pictures(path)
        elif path.name.lower().endswith(ENDINGS):
            found.append(path)
    return found


def _is_image(folder: Path) -> bool:
    for name in ("zarr.json", ".zattrs"):
        if (folder / name).is_file():
            return '"multiscales"' in (folder / name).read_text(encoding="utf-8", errors="replace")
    return False


def _zarr_name(relative: Path, name: FileName) -> FileName:
    """Return the place of an image in an OME-Zarr plate, whose folders are row, column and site."""
    *outer, row, column, site = ("", "", "", *relative.parts)
    well = well_name(f"{row}{column}")
    if not well or not site.isdigit():
        return name
    plate = next((part for part in reversed(outer) if part), "")
    return FileName(plate=plate.removesuffix(".zarr").removesuffix(".ome"), well=well,
                    site=int(site) + 1)  # fmt: skip


def _channels(path: Path, name: FileName) -> Mapping[str, Plane]:
    """Return the channels of a file: by its own names, by its name, or by number."""
    if path.suffix.lower() in (".jpg", ".jpeg", ".png") and name.channel:
        return {name.channel: Plane(path=str(path))}
    planes = read_planes(path)
    if len(planes.pixels) == 1:
        said = planes.names[0] if planes.names and not name.channel else name.channel
        return {said or "channel 1": Plane(path=str(path))}
    names = planes.names or [f"channel {i + 1}" for i in range(len(planes.pixels))]
    return {one: Plane(path=str(path), index=i) for i, one in enumerate(names)}


def _matched(
    found: Found, wells: Sequence[Well], plates: Sequence[str]
) -> tuple[dict[tuple[str, str], Well], list[str]]:
    """Return what the wells that were photographed hold, and notes on those that do not fit."""
    by_place = {(one.plate, one.well): one for one in wells}
    named = {one.plate for one in wells if one.plate}
    notes = []
    if named and not named & set(plates):
        raise QuestionError(
            f"The map names the plates {_some(sorted(named))}, the pictures are of "
            f"{_some(list(plates))}; give both the same names, or leave the column plate out."
        )
    holds, unknown = {}, []
    for plate, well in sorted({key[:2] for key in found}):
        there = by_place.get((plate, well)) or by_place.get(("", well))
        if there is None:
            unknown.append(f"{well} of {plate}")
        else:
            holds[plate, well] = there.model_copy(update={"plate": plate})
    if unknown:
        notes.append(
            f"The map does not name {len(unknown):,} wells that were photographed, which are left "
            f"out: {_some(unknown)}."
        )
    seen = {key[:2] for key in found}
    without = [
        f"{one.well} ({one.perturbation})"
        for one in wells
        if not any((plate, one.well) in seen for plate in ([one.plate] if one.plate else plates))
    ]
    if without:
        notes.append(f"{len(without):,} wells of the map have no picture: {_some(without)}.")
    return holds, notes


def _nuclei(channels: Sequence[str], wanted: str, folder: Path) -> str:
    if wanted:
        found = [name for name in channels if name.casefold() == wanted.casefold()]
        if not found:
            raise QuestionError(
                f"There is no channel {wanted} in {folder}; choose among {', '.join(channels)}."
            )
        return found[0]
    for name in channels:
        if name.casefold().split()[0].rstrip("0123456789") in NUCLEI or name.casefold() in NUCLEI:
            return name
    raise QuestionError(
        f"Which channel shows the nuclei is not known; name it with --nuclei, one of "
        f"{', '.join(channels) or 'none'}."
    )


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - SHOWN:,} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
