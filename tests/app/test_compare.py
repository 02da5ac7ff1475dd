"""`compare` from the command line and from Python, offline with the starter pack."""

import csv
import io
import json

import pytest

OWN = """gene,log2FoldChange,padj
DDIT3,2,1e-9
HERPUD1,2,1e-9
LDLR,-1,1e-4
GAPDH,.01,.9
ACTB,.02,.8
"""


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()


def told(result):
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["schema"] == "knockwise/comparison/1"
    return found


def test_two_losses_with_contrary_consequences_are_told_apart_and_drawn(knockwise, tmp_path):
    page, table = tmp_path / "page.html", tmp_path / "rows.csv"
    result = knockwise(
        "compare", "SCAP", "INSIG1", "--cell-line", "HepG2", "--page", page, "--out", table
    )
    assert "SCAP | INSIG1" in result.stdout
    rows = {row["gene"]: row for row in csv.DictReader(io.StringIO(table.read_text()))}
    assert rows["HMGCR"]["pattern"] == "opposite ways"
    assert (rows["HMGCR"]["SCAP: call"], rows["HMGCR"]["INSIG1: call"]) == ("down", "up")
    html = page.read_text()
    assert html.count("<svg") == 2
    assert "same way" in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_a_double_alone_is_set_beside_its_singles_and_independence(knockwise):
    words = ("compare", "MDM2+TP53", "--cell-line", "RPE1", "--readout", "CDKN1A", "--json")
    found = told(knockwise(*words))
    labels = [one["label"] for one in found["columns"]]
    assert labels == ["MDM2", "TP53", "MDM2+TP53", "expected if independent"]
    (row,) = found["rows"]
    assert row["calls"][:3] == ["up", "down", "down"]
    assert not any(3 in one["sides"] for one in found["regions"])


def test_a_screen_that_measured_a_pair_shows_it_beside_the_sum_of_its_singles(knockwise):
    found = told(knockwise("compare", "KLF1+MAP2K6", "--context", "norman", "--json"))
    roles = [one["role"] for one in found["columns"]]
    assert roles == ["measured", "measured", "measured", "expected"]
    values = next(row["values"] for row in found["rows"] if row["gene"] == "HBZ")
    assert values[3] == pytest.approx(values[0] + values[1], abs=1e-3)


def test_lines_are_compared_over_what_their_screens_all_read(knockwise):
    lines = [word for line in ("K562", "RPE1", "HepG2") for word in ("--cell-line", line)]
    found = told(knockwise("compare", "HSPA5", *lines, "--json"))
    assert [one["cell_line"] for one in found["columns"]] == ["K562", "RPE1", "HepG2"]
    assert found["shared"] < min(one["known"] for one in found["columns"])
    assert sum(one["count"] for one in found["regions"]) <= found["changed"]


def test_a_table_of_ones_own_stands_beside_the_prediction(knockwise, tmp_path):
    table = tmp_path / "own.csv"
    table.write_text(OWN)
    found = told(knockwise("compare", "HSPA5", "--table", table, "--cell-line", "K562", "--json"))
    (pair,) = found["pairs"]
    assert (pair["common"], pair["same"]) == (2, 2)
    assert pair["ranked"] > 0.5
    assert found["columns"][1]["role"] == "measured"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("HSPA5",), "two things to compare"),
        ((), "Name what to compare"),
        (("HSPA5", "NOTAGENE"), "NOTAGENE"),
        (("HSPA5", "SCAP", "--context", "nowhere"), "No context"),
        (("HSPA5", "SCAP", "--context", "norman", "--cell-line", "K562"), "by itself"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(knockwise, words, said):
    result = knockwise("compare", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_python_returns_a_table_with_its_pairs():
    import knockwise as kw

    table = kw.compare(["SCAP", "INSIG1"], cell_lines=["HepG2"], readouts=["LDLR", "HMGCR"])
    assert list(table["gene"]) == ["LDLR", "HMGCR"]
    assert table.attrs["pairs"][0]["first"] == "SCAP"
