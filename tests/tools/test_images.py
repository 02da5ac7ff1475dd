"""Pictures of plates: read by any usual name and format, measured, compared, and told in words."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("skimage")
from knowledge.errors import DataError, QuestionError
from tools.images.analysis import cells_of
from tools.images.association import associations, false_discovery
from tools.images.names import read_name
from tools.images.plate import open_plates, read_map
from tools.images.profiles import Aligner, reproducibility, well_profiles
from tools.images.quality import quality_notes
from tools.images.reading import read_planes
from tools.images.wording import words_of

_spec = importlib.util.spec_from_file_location(
    "images_world", Path(__file__).with_name("images_world.py")
)
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)
WELLS = {"A01": "NT", "A02": "KIF11"}


def quiet(what, share):
    pass


@pytest.fixture
def mapped(tmp_path):
    return read_map(world.well_map(tmp_path / "wells.csv", WELLS), ())[0]


@pytest.mark.parametrize(
    ("path", "plate", "well", "site", "channel"),
    [
        ("PK-10B-pl1/Well-A003/FITC.jpeg", "PK-10B-pl1", "A03", 1, "FITC"),
        ("P7/B12_s3_DAPI.tif", "P7", "B12", 3, "DAPI"),
        ("r02c11f05p01-ch2sk1fk1fl1.tiff", "", "B11", 5, "ch2"),
        ("plate_C04_w1.tif", "", "C04", 1, "w1"),
    ],
)
def test_names_of_files_tell_plate_well_site_and_channel(path, plate, well, site, channel):
    found = read_name(Path(path))
    assert (found.plate, found.well, found.site) == (plate, well, site)
    assert found.channel == channel


def test_cells_are_found_with_their_sizes(tmp_path, mapped):
    world.plate(tmp_path / "in", {"A01": (12, 8), "A02": (6, 11)})
    found = cells_of(open_plates(tmp_path / "in", mapped), tmp_path / "out", quiet)
    counts = found.cells.groupby("well").size()
    assert counts.to_dict() == {"A01": 12, "A02": 6}
    area = found.cells.groupby("well")["nucleus_area"].median()
    assert area["A01"] == pytest.approx(np.pi * 64, rel=0.3)
    assert area["A02"] == pytest.approx(np.pi * 121, rel=0.3)
    assert found.crops.shape == (18, 5, 48, 48)
    assert found.pictures.shape == (18, 2, 48, 48)
    nucleus, cell, around = found.crops[:, 2:].mean(axis=(2, 3)).T
    assert (nucleus < cell).all()
    assert (around > 0).all()


def test_an_interrupted_analysis_goes_on_with_what_is_kept(tmp_path, mapped, monkeypatch):
    world.plate(tmp_path / "in", {"A01": (9, 8), "A02": (9, 8)})
    plates = open_plates(tmp_path / "in", mapped)
    first = cells_of(plates, tmp_path / "out", quiet)
    monkeypatch.setattr("tools.images.analysis.measured", None)
    again = cells_of(plates, tmp_path / "out", quiet)
    pd.testing.assert_frame_equal(first.cells, again.cells)


def test_a_folder_of_another_analysis_is_refused(tmp_path, mapped):
    world.plate(tmp_path / "in", {"A01": (9, 8), "A02": (9, 8)})
    cells_of(open_plates(tmp_path / "in", mapped), tmp_path / "out", quiet)
    world.plate(tmp_path / "other", {"A01": (4, 8)})
    with pytest.raises(Exception, match="name another --out"):
        cells_of(open_plates(tmp_path / "other", mapped), tmp_path / "out", quiet)


def test_what_is_missing_damaged_or_unknown_is_told_and_left_out(tmp_path):
    folder = world.plate(
        tmp_path / "in", {"A01": (9, 8), "A02": (9, 8), "A03": (9, 8), "A04": (0, 8), "H09": (4, 8)}
    )
    (folder / "P1" / "A02_Tritc.png").unlink()
    (folder / "P1" / "A03_Hoechst.png").write_bytes(b"no picture")
    names = {"A01": "NT", "A02": "KIF11", "A03": "PLK1", "A04": "UBC", "B01": "TP53"}
    wells, _ = read_map(world.well_map(tmp_path / "wells.csv", names), ())
    plates = open_plates(folder, wells)
    told = " ".join(plates.notes)
    assert "Well A02 of P1 lacks the channel Tritc and is left out." in told
    assert "The map does not name 1 wells that were photographed" in told
    assert "1 wells of the map have no picture: B01 (TP53)." in told
    found = cells_of(plates, tmp_path / "out", quiet)
    assert any("A03" in note and "cannot be read as a picture" in note for note in found.notes)
    assert any("A04 of P1 (site 1) shows no cell" in note for note in quality_notes(found.quality))
    assert set(found.cells["well"]) == {"A01"}


def test_eight_and_sixteen_bits_are_read_alike_and_the_mix_is_told(tmp_path, mapped):
    tifffile = pytest.importorskip("tifffile")
    folder = world.plate(tmp_path / "in", {"A01": (9, 8)})
    deep = world.drawn(9, 8, np.random.default_rng(1), top=65535)
    for channel, picture in zip(world.CHANNELS, deep, strict=True):
        tifffile.imwrite(folder / "P1" / f"A02_{channel}.tif", picture)
    found = cells_of(open_plates(folder, mapped), tmp_path / "out", quiet)
    mean = found.cells.groupby("well")["nucleus_Hoechst_mean"].median()
    assert mean["A01"] == pytest.approx(mean["A02"], rel=0.1)
    assert any("8-bit and 16-bit" in note for note in quality_notes(list(found.quality)))


def test_ome_files_tell_their_channels(tmp_path):
    tifffile, zarr = pytest.importorskip("tifffile"), pytest.importorskip("zarr")
    picture = world.drawn(4, 8, np.random.default_rng(0))
    tifffile.imwrite(
        tmp_path / "A01.ome.tif",
        picture,
        metadata={"axes": "CYX", "Channel": {"Name": ["DNA", "Actin"]}},
    )
    group = zarr.open_group(str(tmp_path / "A01.ome.zarr"), mode="w", zarr_format=2)
    array = group.create_array("0", shape=picture.shape, dtype=picture.dtype, chunks=(1, 64, 64))
    array[...] = picture
    group.attrs["multiscales"] = [{"axes": list("cyx"), "datasets": [{"path": "0"}]}]
    group.attrs["omero"] = {"channels": [{"label": "DNA"}, {"label": "Actin"}]}
    for name in ("A01.ome.tif", "A01.ome.zarr"):
        found = read_planes(tmp_path / name)
        assert found.names == ("DNA", "Actin")
        assert found.bits == 8
        np.testing.assert_allclose(found.pixels, picture / 255, atol=1e-6)


def test_a_map_that_contradicts_itself_or_lacks_its_control_is_refused(tmp_path):
    path = tmp_path / "wells.csv"
    path.write_text("well,perturbation\nA01,NT\nA01,UBC\n")
    with pytest.raises(QuestionError, match="well A01 holds NT and UBC"):
        read_map(path, ())
    path.write_text("well,perturbation\nA01,UBC\n")
    with pytest.raises(QuestionError, match=r"No well of .* holds the control rluc"):
        read_map(path, ("RLUC",))
    path.write_text("well,perturbation\nZ99,UBC\n")
    with pytest.raises(QuestionError, match="'Z99' is no well"):
        read_map(path, ())


def test_a_channel_of_nuclei_is_asked_for_where_none_is_known(tmp_path, mapped):
    folder = world.plate(tmp_path / "in", {"A01": (9, 8)})
    (folder / "P1" / "A01_Hoechst.png").rename(folder / "P1" / "A01_w1.png")
    with pytest.raises(QuestionError, match="name it with --nuclei"):
        open_plates(folder, mapped)
    assert open_plates(folder, mapped, nuclei="w1").channels[0] == "w1"


def test_an_empty_folder_says_what_is_looked_for(tmp_path, mapped):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="no picture whose name tells a well"):
        open_plates(tmp_path / "in", mapped)


@pytest.fixture
def simulated():
    """Cells of four wells on each of two plates, of which B shifts the first measurement."""
    rng = np.random.default_rng(0)
    rows, values = [], []
    for plate, gain in (("P1", 1.0), ("P2", 3.0)):
        for well, name in (("A01", "NT"), ("A02", "NT"), ("B01", "B"), ("B02", "B")):
            found = rng.normal(0, 1, (40, 5))
            found[:, 0] += 2.0 * (name == "B")
            values.append(gain * found + 5)
            rows += [(plate, well, name, "control" if name == "NT" else "perturbed")] * 40
    cells = pd.DataFrame(rows, columns=["plate", "well", "perturbation", "role"])
    return cells, np.concatenate(values)


def test_an_effect_is_found_against_controls_and_no_p_is_below_what_wells_allow(simulated):
    cells, values = simulated
    names = [f"cell_m{i}" for i in range(5)]
    on, control = list(cells["plate"]), (cells["role"] == "control").to_numpy()
    aligned = Aligner.of(values, on, control)(values, on)
    found = associations(well_profiles(cells, aligned, names), cells, aligned, names)
    first = found.set_index("phenotype").loc["cell_m0"]
    assert first["effect"] == pytest.approx(2, abs=0.5)
    assert first["auroc"] > 0.85
    assert first["ways"] == 36
    # The exchange of everything on both plates is as large the other way round.
    assert first["p"] == pytest.approx(2 / 36)
    assert (found["q"] >= found["p"] - 1e-12).all()


def test_sphering_makes_controls_independent_and_keeps_effects(simulated):
    cells, values = simulated
    values = values @ (np.eye(5) + 0.8)
    on, control = list(cells["plate"]), (cells["role"] == "control").to_numpy()
    sphered = Aligner.of(values, on, control, sphere=True)(values, on)
    alike = np.corrcoef(sphered[control], rowvar=False)
    assert np.abs(alike - np.eye(5)).max() < 0.35
    names = [f"m{i}" for i in range(5)]
    agree = reproducibility(well_profiles(cells, sphered, names), names)
    assert next(one for one in agree if one.perturbation == "B").correlation > 0.9


def test_false_discovery_is_benjamini_and_hochbergs():
    np.testing.assert_allclose(
        false_discovery([0.01, 0.04, 0.03, 0.5]), [0.04, 0.16 / 3, 0.16 / 3, 0.5]
    )


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("nucleus_area", True, "larger nuclei"),
        ("well_cells", False, "fewer cells"),
        ("cell_actin_mean", True, "brighter actin in cells"),
        ("cell_actin_granularity_2", True, "more grains of 5 pixels in actin"),
        ("cell_DNA_with_actin", False, "DNA and actin more apart"),
    ],
)
def test_measurements_are_told_in_plain_words(name, more, words):
    assert words_of(name, ("DNA", "actin"), more=more) == words
