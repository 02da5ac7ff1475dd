"""`predict --pairs` with a column drug: predicted from related drugs, each row in its place."""

import csv
import io
import json

import pandas as pd
import pytest

import tools.drugs
from tests import drug_world as world
from tools.effect_rows import COLUMNS

PAIRS = """drug,gene,cell_line,plate
Givinostat HCl,G3,op3-t,p1
vorinostat,G3,OP3-B,p2
nothing-of-the-kind,OLDG1,op3-t,p1
givinostat,NOWHERE,op3-b,p1
"""


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    told = world.model()
    monkeypatch.setattr(tools.drugs, "shipped_drug_model", lambda: told)
    file = tmp_path / "pairs.csv"
    file.write_text(PAIRS)
    return file


def test_drugs_by_name_are_predicted_in_the_order_of_the_file(knockwise, pairs):
    result = knockwise("predict", "--pairs", pairs)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(rows[0])[: len(COLUMNS)] == COLUMNS
    assert [(r["perturbation"], r["kind"], r["gene"], r["cell_line"]) for r in rows] == [
        ("givinostat", "drug", "G3", "OP3-T"),
        ("vorinostat", "drug", "G3", "OP3-B"),
        ("nothing-of-the-kind", "drug", "G1", "OP3-T"),
        ("givinostat", "drug", "NOWHERE", "OP3-B"),
    ]
    assert rows[0]["drug_as_given"] == "Givinostat HCl"
    assert [r["plate"] for r in rows] == ["p1", "p2", "p1", "p1"]
    assert [r["seen_in_training"] for r in rows] == ["False", "True", "False", "False"]
    assert rows[0]["p_up"]
    assert "told from" in rows[0]["reason"]
    assert rows[2]["call"] == "unknown"
    assert "no table has the drug" in rows[2]["reason"]
    assert rows[3]["abstained"] == "True"
    assert rows[3]["p_up"] == ""
    assert "1 names are no drugs of any table" in result.stderr


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_files_hold_the_same_rows_whatever_their_format(knockwise, pairs, tmp_path, ending):
    out = tmp_path / f"out.{ending}"
    assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    table = pd.read_parquet(out) if ending == "parquet" else pd.read_csv(out)
    assert table.perturbation.tolist()[:2] == ["givinostat", "vorinostat"]
    assert table.p_de.notna().sum() == 3


def test_json_says_its_schema(knockwise, pairs):
    said = json.loads(knockwise("predict", "--pairs", pairs, "--json").stdout)
    assert said["schema"] == "knockwise/effects/1"
    assert len(said["rows"]) == 4
    assert said["versions"]["models"].keys() == {"drugs"}


def test_cells_without_a_screen_of_drugs_are_refused_or_kept_as_unknown(knockwise, pairs):
    pairs.write_text(PAIRS.replace("OP3-B,p2", "RPE1,p2"))
    result = knockwise("predict", "--pairs", pairs)
    assert result.exit_code == 2
    assert "line 3: no screen of drugs was made in 'RPE1'" in result.stderr
    rows = list(csv.DictReader(io.StringIO(
        knockwise("predict", "--pairs", pairs, "--skip-unknown").stdout
    )))  # fmt: skip
    assert rows[1]["abstained"] == "True"
    assert rows[1]["cell_line"] == "RPE1"


def test_the_cells_of_all_rows_may_be_named_once(knockwise, pairs):
    pairs.write_text("compound,gene\nvorinostat,G3\n")
    result = knockwise("predict", "--pairs", pairs, "--cell-line", "B cells")
    assert result.exit_code == 0, result.output
    assert "OP3-B" in result.stdout
    refused = knockwise("predict", "--pairs", pairs)
    assert refused.exit_code == 2
    assert "--cell-line" in refused.stderr
