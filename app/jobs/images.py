"""The work behind `knockwise image analyse`: cells, profiles, tests, pictures, and the report."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import Field

from evals.harness.run import part
from knowledge.errors import DataError, QuestionError
from knowledge.extras import install
from knowledge.files import harmless_cell, replace_text, replacing
from knowledge.plugins import plugin, plugin_names
from knowledge.progress import Progress
from knowledge.schema import Frozen
from tools.images import pictures
from tools.images.analysis import CellTable, cells_of, shown_field
from tools.images.association import associations
from tools.images.decoding import Decoded, Saying, decoded, moved, sayings
from tools.images.names import pattern_of
from tools.images.plate import open_plates, read_map
from tools.images.profiles import (
    COUNT,
    PLACE,
    Aligner,
    Reproducibility,
    heritability,
    reproducibility,
    well_profiles,
)
from tools.images.quality import quality_notes
from tools.images.schema import Plates
from tools.images.segmentation import Segmenter, segmented

if TYPE_CHECKING:
    from models.images.model import PhenotypeModel

FRAMES = 14
REACH = 1.25
FIELD_WIDTH = 900
NO_CONTROL = (
    "No well of the map is a control (--control names one): nothing is tested against controls, "
    "no picture is decoded, and plates are aligned by all of their cells."
)
NO_TORCH = (
    f"PyTorch is not installed, so no phenotypes were learnt; `{install('train')}` brings it."
)
FEW_WELLS = (
    "{} has {} wells against {} controls on {}: there are {} ways to exchange them, so that no "
    "p-value is below {:.2g}. A worked example, not a statistic."
)
CELLS = "Cells of a well are no replicates: effects come from cells, p-values from wells."
WAYS_FOR_TEST = 200


@dataclass(frozen=True)
class Asked:
    """What an analysis was told; see `knockwise image analyse --help`."""

    folder: Path
    well_map: Path
    out: Path
    controls: tuple[str, ...] = ()
    nuclei: str = ""
    names: tuple[str, ...] = ()
    pattern: str = ""
    segmenter: str = ""
    learn: bool = True
    seed: int = 0
    threads: int = 2


class WellFound(Frozen):
    """A well, and how many cells of it were measured."""

    plate: str
    well: str
    perturbation: str
    role: str
    cells: int


class PerturbationFound(Frozen):
    """What a perturbation looks like.

    Attributes:
        perturbation: Which.
        wells: How many were analysed.
        sayings: What is to be said of it, each sentence checked.
        shares: Channel -> its share of the change of the decoded picture.
        picture: File of its pictures below the folder of the analysis; empty without one.
        animation: Likewise.
    """

    perturbation: str
    wells: int
    sayings: tuple[Saying, ...]
    shares: dict[str, float] = Field(default_factory=dict)
    picture: str = ""
    animation: str = ""


class Findings(Frozen):
    """What an analysis found; the tables lie beside it."""

    out: str
    channels: tuple[str, ...]
    plates: tuple[str, ...]
    wells: tuple[WellFound, ...]
    measurements: int
    learnt: int
    perturbations: tuple[PerturbationFound, ...]
    reproducibility: tuple[Reproducibility, ...]
    fields: tuple[str, ...]
    notes: tuple[str, ...]


def analysed(asked: Asked, progress: Progress) -> Findings:
    """Return the findings of an analysis, and write all of it into its folder.

    Raises:
        DataError: Nothing can be read or measured.
        QuestionError: The map or an option does not fit.
        RunError: The folder holds something else.
    """
    wells, notes = read_map(asked.well_map, asked.controls)
    progress("looking for pictures", 0.0)
    plates = open_plates(
        asked.folder,
        wells,
        pattern=pattern_of(asked.pattern) if asked.pattern else None,
        nuclei=asked.nuclei,
        names=_channel_names(asked.names),
    )
    segmenter = _segmenter(asked.segmenter)
    found = cells_of(plates, asked.out, part(progress, 0.02, 0.4), segmenter)
    told = [*notes, *plates.notes, *found.notes, *quality_notes(list(found.quality))]
    if not (found.cells["role"] == "control").any():
        told.append(NO_CONTROL)
    model = _model(asked, plates, found, told, part(progress, 0.42, 0.45))
    progress("comparing wells", 0.88)
    result = _compared(asked, plates, found, model, told)
    progress("writing the report", 0.97)
    from app.show.images import html_report

    replace_text(asked.out / "report.html", html_report(result, asked.out))
    replace_text(asked.out / "findings.json", result.model_dump_json(indent=1) + "\n")
    progress("done", 1.0)
    return result


def _channel_names(words: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for word in words:
        channel, equals, shown = word.partition("=")
        if not equals or not channel or not shown.strip():
            raise QuestionError(f"--name {word} is not understood; write it as Tritc=actin.")
        found[channel.strip().casefold()] = shown.strip()
    return found


def _segmenter(name: str) -> Segmenter | None:
    if not name:
        return None
    try:
        found: Segmenter = plugin("segmenters", name)
    except KeyError:
        known = ", ".join(plugin_names("segmenters")) or "none is installed"
        raise QuestionError(
            f"There is no segmenter {name} ({known}); see docs/images.md."
        ) from None
    return found


def _model(
    asked: Asked, plates: Plates, found: CellTable, told: list[str], progress: Progress
) -> "PhenotypeModel | None":
    """Return the model of the cells' pictures: kept, or trained now; none where that is not so."""
    if not asked.learn:
        return None
    try:
        import torch
    except ModuleNotFoundError:
        told.append(NO_TORCH)
        return None
    from models.images.model import PhenotypeModel
    from models.images.training import trained

    folder = asked.out / "encoder"
    if folder.is_dir():
        kept = PhenotypeModel.load(folder)
        if (kept.config.seed, kept.config.channels) == (asked.seed, plates.channels):
            return kept
    torch.set_num_threads(asked.threads)
    rows = training_rows(len(found.crops), asked.seed)
    number = pd.factorize(found.cells["plate"])[0]
    control = (found.cells["role"] == "control").to_numpy()
    try:
        model = trained(
            found.crops[rows], number[rows], control[rows], plates.channels, progress,
            seed=asked.seed,
        )  # fmt: skip
    except DataError as error:
        told.append(str(error))
        return None
    model.save(folder)
    return model


def training_rows(count: int, seed: int, most: int = 20_000) -> "np.ndarray[Any, Any]":
    """Return which cells are learnt from: all, or as many as are drawn."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def _compared(
    asked: Asked, plates: Plates, found: CellTable, model: "PhenotypeModel | None", told: list[str]
) -> Findings:
    out, cells = asked.out, found.cells
    on = list(cells["plate"])
    control = (cells["role"] == "control").to_numpy()
    plain = Aligner.of(found.values(), on, control)(found.values(), on)
    sphered = Aligner.of(found.values(), on, control, sphere=True)(found.values(), on)
    names = found.measurements
    profiles = well_profiles(cells, plain, names)
    independent = well_profiles(cells, sphered, names)
    tested = (
        associations(profiles, cells, plain, names, asked.seed) if control.any() else pd.DataFrame()
    )
    learnt = np.zeros((len(cells), 0))
    if model is not None:
        raw = model.embed(found.crops)
        learnt = Aligner.of(raw.astype(float), on, control, sphere=True)(raw.astype(float), on)
        of_learnt = well_profiles(cells, learnt, model.names)
        if control.any():
            more = associations(of_learnt, cells, learnt, model.names, asked.seed)
            tested = pd.concat([tested, more[more["phenotype"] != COUNT]], ignore_index=True)
        profiles = profiles.merge(of_learnt.drop(columns=COUNT), on=list(PLACE))
    _write_tables(out, cells, profiles, tested, learnt, model)
    features = [*names, *(model.names if model is not None else ())]
    _write_csv(out / "heritability.csv", heritability(profiles, features, asked.seed))
    alike = reproducibility(independent, names)
    if len(plates.plates) == 1:
        told.append("There is one plate: how far replicates agree cannot be said.")
    about = []
    (out / "pictures").mkdir(exist_ok=True)
    for name in sorted(set(cells.loc[~control, "perturbation"])):
        rows = tested[tested["perturbation"] == name] if len(tested) else tested
        if len(rows):
            told += _few(name, rows, cells)
        seen = None
        if model is not None and control.any():
            seen = decoded(name, cells, model.embed(found.crops), found.pictures, plates.channels,
                           model.decode)  # fmt: skip
        about.append(_about(name, cells, rows, seen, model, found, plates, out))
    if control.any():
        told.append(CELLS)
    return Findings(
        out=str(out),
        channels=plates.channels,
        plates=plates.plates,
        wells=_wells(cells, plates),
        measurements=len(names),
        learnt=learnt.shape[1],
        perturbations=tuple(about),
        reproducibility=tuple(alike),
        fields=_fields(plates, found, out),
        notes=tuple(dict.fromkeys(told)),
    )


def _few(name: str, rows: pd.DataFrame, cells: pd.DataFrame) -> list[str]:
    ways = int(rows["ways"].iloc[0])
    if ways >= WAYS_FOR_TEST:
        return []
    on = set(cells.loc[cells["perturbation"] == name, "plate"])
    there = cells[(cells["role"] == "control") & cells["plate"].isin(on)]
    controls = there.groupby(["plate", "well"]).ngroups
    # As many wells on either side of each plate: the mirrored exchange is as extreme.
    mine = cells[cells["perturbation"] == name].groupby("plate")["well"].nunique()
    least = (2 if mine.equals(there.groupby("plate")["well"].nunique()) else 1) / ways
    said = f"{len(on)} plates" if len(on) > 1 else "one plate"
    return [FEW_WELLS.format(name, int(rows["wells"].iloc[0]), controls, said, ways, least)]


def _about(
    name: str,
    cells: pd.DataFrame,
    rows: pd.DataFrame,
    seen: Decoded | None,
    model: "PhenotypeModel | None",
    found: CellTable,
    plates: Plates,
    out: Path,
) -> PerturbationFound:
    safe = "".join(c if c.isalnum() else "-" for c in name)
    picture = moving = ""
    if seen is not None and model is not None:
        picture, moving = f"pictures/{safe}.png", f"pictures/{safe}.gif"
        _write(out / picture, pictures.png(_grid(seen)))
        frames = model.decode(moved(cells, model.embed(found.crops), name, FRAMES, REACH))
        _write(out / moving, pictures.animation([pictures.composite(one) for one in frames]))
    measured = rows[~rows["phenotype"].str.startswith("learnt_")] if len(rows) else rows
    wells = cells.loc[cells["perturbation"] == name].groupby(["plate", "well"]).ngroups
    return PerturbationFound(
        perturbation=name,
        wells=wells,
        sayings=tuple(sayings(seen, measured, plates.channels)) if len(rows) else (),
        shares=seen.shares if seen is not None else {},
        picture=picture,
        animation=moving,
    )


def _grid(seen: Decoded) -> "np.ndarray[Any, Any]":
    """Return rows of pictures: in colours, then each channel; real controls, decoded, real ones."""
    groups = (seen.controls, seen.made, seen.perturbed)
    rows = [_row([[pictures.composite(one) for one in group] for group in groups])]
    for channel in range(seen.made.shape[1]):
        rows.append(_row([[pictures.grey(one[channel]) for one in group] for group in groups]))
    gap = np.full((pictures.GAP, rows[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([piece for row in rows for piece in (row, gap)][:-1])


def _row(groups: list[list[pictures.Colour]]) -> pictures.Colour:
    """Return groups of pictures side by side, a wider gap between groups."""
    strips = [pictures.strip(group, zoom=2) for group in groups]
    gap = np.full((strips[0].shape[0], 12, 3), 255, np.uint8)
    return np.concatenate([piece for one in strips for piece in (one, gap)][:-1], axis=1)


def _wells(cells: pd.DataFrame, plates: Plates) -> tuple[WellFound, ...]:
    counts = cells.groupby(["plate", "well"]).size()
    return tuple(
        WellFound(plate=one.plate, well=one.well, perturbation=one.perturbation, role=one.role,
                  cells=int(counts.get((one.plate, one.well), 0)))
        for one in plates.wells
    )  # fmt: skip


def _fields(plates: Plates, found: CellTable, out: Path) -> tuple[str, ...]:
    """Write a field of each perturbation with its outlines, and return the names of the files."""
    names = []
    done = set()
    for field in plates.fields:
        what = plates.well(field.plate, field.well).perturbation
        if what in done:
            continue
        try:
            shown = shown_field(field, plates, found.scales)
        except DataError:
            continue
        done.add(what)
        nuclear, *others = (shown[name] for name in plates.channels)
        outlined = pictures.field_picture(
            shown, found.scales.tops[field.plate], segmented(nuclear, others)
        )
        safe = "".join(
            c if c.isalnum() else "-" for c in f"field-{what}-{field.plate}-{field.well}"
        )
        _write(out / "pictures" / f"{safe}.png", pictures.png(outlined, FIELD_WIDTH))
        names.append(f"pictures/{safe}.png")
    return tuple(names)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as draft:
        draft.write_bytes(content)


def _write_tables(
    out: Path,
    cells: pd.DataFrame,
    profiles: pd.DataFrame,
    tested: pd.DataFrame,
    learnt: "np.ndarray[Any, Any]",
    model: "PhenotypeModel | None",
) -> None:
    whole = cells
    if model is not None:
        whole = pd.concat(
            [cells, pd.DataFrame(learnt, columns=list(model.names), index=cells.index)], axis=1
        )
    with replacing(out / "cells.parquet") as draft:
        whole.to_parquet(draft, index=False)
    _write_csv(out / "profiles.csv", profiles)
    if len(tested):
        size = -tested["effect"].abs()
        order = np.lexsort((size, tested["p"], tested["perturbation"]))
        _write_csv(out / "phenotypes.csv", tested.iloc[order])


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    shown = table.copy()
    for name in shown.columns:
        if shown[name].dtype == object:
            shown[name] = [harmless_cell(str(one)) for one in shown[name]]
    text = io.StringIO()
    shown.to_csv(text, index=False, float_format="%.6g")
    replace_text(path, text.getvalue())
