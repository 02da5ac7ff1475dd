"""`knockwise image analyse` on a drawn plate, from files to the report."""

import json
import runpy
from pathlib import Path

import pandas as pd
import pytest

from tests.app.refusal import one_sentence

pytest.importorskip("skimage")
WORLD = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "images_world.py"))
WELLS = {"A01": "NT", "A02": "NT", "B01": "KIF11"}


@pytest.fixture
def plate(tmp_path):
    return WORLD["plate"](tmp_path / "in", {"A01": (9, 8), "A02": (9, 8), "B01": (6, 11)})


def test_a_plate_is_analysed_into_tables_pictures_and_a_report(knockwise, plate, tmp_path):
    table = WORLD["well_map"](tmp_path / "wells.csv", WELLS)
    out = tmp_path / "seen"
    words = ("image", "analyse", str(plate), "--map", str(table), "--out", str(out), "--no-learn")
    result = knockwise(*words, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["schema"] == "knockwise/images/1"
    (one,) = found["perturbations"]
    said = {saying["text"] for saying in one["sayings"]}
    assert {"larger nuclei", "fewer cells"} <= said
    assert any("no p-value is below 0.33" in note for note in found["notes"])
    profiles = pd.read_csv(out / "profiles.csv")
    assert set(profiles["perturbation"]) == {"NT", "KIF11"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 2
    assert "KIF11" in page


def test_a_plate_without_controls_is_measured_and_told_to_have_none(knockwise, plate, tmp_path):
    table = WORLD["well_map"](tmp_path / "wells.csv", {"A01": "TP53", "B01": "KIF11"})
    out = tmp_path / "seen"
    words = ("image", "analyse", str(plate), "--map", str(table), "--out", str(out), "--no-learn")
    result = knockwise(*words)
    assert result.exit_code == 0, result.output
    assert "No well of the map is a control" in " ".join(result.stdout.split())
    assert not (out / "phenotypes.csv").exists()
    assert (out / "report.html").is_file()


def test_a_control_that_no_well_holds_is_refused_in_a_sentence(knockwise, plate, tmp_path):
    table = WORLD["well_map"](tmp_path / "wells.csv", WELLS)
    result = knockwise("image", "analyse", str(plate), "--map", str(table), "--control", "RLUC",
                       "--out", str(tmp_path / "seen"))  # fmt: skip
    assert "holds the control" in one_sentence(result)
