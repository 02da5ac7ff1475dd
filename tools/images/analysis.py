"""Carries a plate from files to cells, one field after the other; what is done is kept.

A field's cells lie in `units/`, so that an interrupted analysis goes on and memory holds one
field and the cells' numbers.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import DataError, RunError
from knowledge.files import content_digest, replace_text, replacing
from knowledge.progress import Progress
from knowledge.schema import Frozen
from tools.images.crops import SHAPES, Crops, crops_of
from tools.images.illumination import Illumination, corrected
from tools.images.measurements import measured, measurements_of
from tools.images.quality import Quality, saturated, sharpness
from tools.images.reading import Picture, read_planes
from tools.images.schema import Field, Plates
from tools.images.segmentation import Segmenter, nuclei_of, segmented

VERSION = 2
"""Of what is kept: another one is not gone on with."""
CONFIG = "analysis.json"
LIGHT_FROM = 60
"""Fields of a plate that its illumination is taken from, spread over it."""
MOST_CROPS = 40_000
TOP = 99.7
"""Percentile of the brightness within cells that counts as full."""
SCALE_FROM = 12


class Scales(Frozen):
    """What is the same for all fields.

    Attributes:
        light: Plate -> channel -> coefficients of its illumination.
        tops: Plate -> channel -> brightness that counts as full, the same for all wells of a plate.
        diameter: Of a nucleus in pixels, the median over plates.
    """

    light: dict[str, dict[str, tuple[float, ...]]]
    tops: dict[str, dict[str, float]]
    diameter: float


@dataclass(frozen=True)
class CellTable:
    """All measured cells.

    Attributes:
        cells: plate, well, site, perturbation, role, then where a cell is, then measurements.
        measurements: Columns that are measurements and vary.
        crops: `(cells, channels and SHAPES, side, side)`.
        quality: Of every field.
        scales: What was the same for all.
        notes: What could not be read, each a sentence.
    """

    cells: pd.DataFrame
    measurements: tuple[str, ...]
    crops: Crops
    quality: tuple[Quality, ...]
    scales: Scales
    notes: tuple[str, ...]

    @property
    def pictures(self) -> Crops:
        """Return the crops without outlines and surroundings `(cells, channels, side, side)`."""
        return self.crops[:, : -len(SHAPES)]

    def values(self) -> NDArray[np.float64]:
        """Return the measurements `(cells, measurements)`."""
        return self.cells[list(self.measurements)].to_numpy(float)


def cells_of(
    plates: Plates, out: Path, progress: Progress, segmenter: Segmenter | None = None
) -> CellTable:
    """Return the cells of all fields; those that were done before are read.

    Args:
        plates: What is analysed.
        out: Folder that keeps what is done.
        progress: Told which field is worked on.
        segmenter: Another finder of nuclei.

    Raises:
        DataError: No field can be read, or none shows a cell.
        RunError: `out` holds an analysis of something else.
    """
    _claim(plates, out)
    notes: list[str] = []
    path = out / "units" / "scales.json"
    if path.is_file():
        scales = Scales.model_validate_json(path.read_bytes())
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        scales = _scales(plates, progress, segmenter)
        replace_text(path, scales.model_dump_json())
    tables, crops, quality = [], [], []
    for number, field in enumerate(plates.fields):
        share = 0.15 + 0.85 * number / len(plates.fields)
        progress(f"plate {field.plate}, well {field.well}", share)
        try:
            table, cut, one = _kept(field, plates, scales, out / "units", segmenter)
        except DataError as error:
            notes.append(f"Well {field.well} of {field.plate} is left out: {error}")
            continue
        quality.append(one)
        if len(table):
            tables.append(table)
            crops.append(cut)
    if not tables:
        raise DataError(
            "No field shows a cell that could be measured: " + (" ".join(notes) or "is the "
            f"channel of nuclei {plates.channels[0]}? --nuclei names another.")
        )  # fmt: skip
    cells = pd.concat(tables, ignore_index=True)
    names = tuple(name for name in measurements_of(cells) if _varies(cells[name]))
    progress("measured cells", 1.0)
    return CellTable(cells, names, np.concatenate(crops), tuple(quality), scales, tuple(notes))


def _claim(plates: Plates, out: Path) -> None:
    """Note what is analysed in `out`, or check that it is the same as before."""
    files: dict[str, str] = {}
    for field in plates.fields:
        for plane in field.planes.values():
            stat = Path(plane.path).stat()
            files[plane.path] = f"{stat.st_size} {int(stat.st_mtime)}"
    told = {
        "version": VERSION,
        "channels": list(plates.channels),
        "fields": hashlib.sha256(plates.model_dump_json().encode()).hexdigest(),
        "files": content_digest(files),
    }
    path = out / CONFIG
    if not path.is_file():
        if out.is_dir() and any(one for one in out.iterdir() if not one.name.startswith(".")):
            raise RunError(f"{out} holds something other than an analysis; name another --out.")
        out.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(told, indent=1) + "\n")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RunError(f"{path} cannot be read ({error}); name another --out.") from error
    changed = [name for name, value in told.items() if before.get(name) != value]
    if changed:
        raise RunError(
            f"{out} holds an analysis with other {' and '.join(changed)}; name another --out."
        )


def _pictures(field: Field, channels: Sequence[str]) -> dict[str, tuple[Picture, int]]:
    """Return channel -> picture and bits; a file of several channels is read once."""
    files: dict[str, tuple[Picture, int]] = {}
    found = {}
    for name in channels:
        plane = field.planes[name]
        if plane.path not in files:
            read = read_planes(Path(plane.path))
            files[plane.path] = (read.pixels, read.bits)
        pixels, bits = files[plane.path]
        if plane.index >= len(pixels):
            raise DataError(f"{plane.path} lacks the channel {name}.")
        found[name] = (pixels[max(plane.index, 0)], bits)
    shapes = {one.shape for one, _ in found.values()}
    if len(shapes) > 1:
        said = ", ".join(
            f"{name} {one.shape[1]} by {one.shape[0]}" for name, (one, _) in found.items()
        )
        raise DataError(f"its channels are of several sizes ({said}).")
    return found


def _scales(plates: Plates, progress: Progress, segmenter: Segmenter | None) -> Scales:
    light: dict[str, dict[str, tuple[float, ...]]] = {}
    tops: dict[str, dict[str, float]] = {}
    diameters = []
    for number, plate in enumerate(plates.plates):
        fields = [one for one in plates.fields if one.plate == plate]
        chosen = fields[:: max(1, len(fields) // LIGHT_FROM)][:LIGHT_FROM]
        readable: list[tuple[Field, dict[str, tuple[Picture, int]]]] = []
        sizes: dict[tuple[int, ...], list[dict[str, Picture]]] = {}
        light[plate], tops[plate] = {}, {}
        for place, field in enumerate(chosen):
            progress(
                f"light of plate {plate}",
                0.15 * (number + place / len(chosen)) / len(plates.plates),
            )
            try:
                read = _pictures(field, plates.channels)
            except DataError:
                continue
            small = {name: one[0] for name, one in read.items()}
            sizes.setdefault(next(iter(small.values())).shape, []).append(small)
            if len(readable) < SCALE_FROM:
                readable.append((field, read))
        if not readable:
            raise DataError(f"No field of plate {plate} can be read; check its files.")
        common = max(sizes.values(), key=len)
        fits = {name: Illumination.of(one[name] for one in common) for name in plates.channels}
        light[plate] = {name: tuple(map(float, fit.coefficients)) for name, fit in fits.items()}
        inside: dict[str, list[NDArray[np.float32]]] = {name: [] for name in plates.channels}
        for _, read in readable:
            even = {name: corrected(one[0], fits[name]) for name, one in read.items()}
            labels = (segmenter or nuclei_of)(even[plates.channels[0]])
            areas = np.bincount(labels.ravel())[1:]
            if (areas > 0).any():
                diameters.append(float(2 * np.sqrt(np.median(areas[areas > 0]) / np.pi)))
            for name, picture in even.items():
                lit = picture[picture > np.percentile(picture, 70)]
                inside[name].append(lit[:: max(1, lit.size // 20000)])
        for name, parts in inside.items():
            tops[plate][name] = max(float(np.percentile(np.concatenate(parts), TOP)), 1e-4)
    if not diameters:
        raise DataError(
            f"No nuclei were found in the channel {plates.channels[0]}; --nuclei names another."
        )
    return Scales(light=light, tops=tops, diameter=float(np.median(diameters)))


def _kept(
    field: Field, plates: Plates, scales: Scales, folder: Path, segmenter: Segmenter | None
) -> tuple[pd.DataFrame, Crops, Quality]:
    name = hashlib.sha256(field.name.encode()).hexdigest()[:8] + "-" + field.well
    paths = [folder / f"{name}.{ending}" for ending in ("parquet", "npy", "json")]
    if all(path.is_file() for path in paths):
        table = pd.read_parquet(paths[0])
        quality = Quality.model_validate_json(paths[2].read_bytes())
        return table, np.load(paths[1], allow_pickle=False), quality
    table, crops, quality = _field(field, plates, scales, segmenter)
    with replacing(paths[0]) as draft:
        table.to_parquet(draft, index=False)
    with replacing(paths[1]) as draft, draft.open("wb") as file:
        np.save(file, crops, allow_pickle=False)
    replace_text(paths[2], quality.model_dump_json())
    return table, crops, quality


def _field(
    field: Field, plates: Plates, scales: Scales, segmenter: Segmenter | None
) -> tuple[pd.DataFrame, Crops, Quality]:
    read = _pictures(field, plates.channels)
    even = evened(field, {name: one[0] for name, one in read.items()}, scales)
    nuclear, *others = (even[name] for name in plates.channels)
    cells = segmented(nuclear, others, segmenter)
    tops = scales.tops[field.plate]
    table = measured(cells, even, tops)
    crops = (
        crops_of(cells, table, even, tops, scales.diameter)
        if len(table)
        else np.zeros((0, len(even) + len(SHAPES), 1, 1), np.uint8)
    )
    well = plates.well(field.plate, field.well)
    holds: dict[str, str | int] = {
        "plate": field.plate,
        "well": field.well,
        "site": field.site,
        "perturbation": well.perturbation,
        "role": well.role,
    }
    for place, (key, value) in enumerate(holds.items()):
        table.insert(place, key, value)
    quality = Quality(
        plate=field.plate,
        well=field.well,
        site=field.site,
        cells=len(table),
        saturated={name: saturated(one[0]) for name, one in read.items()},
        sharpness={name: sharpness(one[0]) for name, one in read.items()},
        bits={name: one[1] for name, one in read.items()},
    )
    return table, crops, quality


def evened(field: Field, pictures: dict[str, Picture], scales: Scales) -> dict[str, Picture]:
    """Return the pictures of a field under even light and without background."""
    light = scales.light[field.plate]
    return {
        name: corrected(one, Illumination(np.array(light[name]))) for name, one in pictures.items()
    }


def shown_field(field: Field, plates: Plates, scales: Scales) -> dict[str, Picture]:
    """Return the evened pictures of a field, for a person to look at."""
    read = _pictures(field, plates.channels)
    return evened(field, {name: one[0] for name, one in read.items()}, scales)


def _varies(column: pd.Series) -> bool:
    known = column.dropna()
    return len(known) > 0.5 * len(column) and float(known.std()) > 1e-9
