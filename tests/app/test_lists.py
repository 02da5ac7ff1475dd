"""`explain`, `who`, `find` and `atlas` from the command line, offline with the starter pack."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

STRESS = "DDIT3+,HERPUD1+,TRIB3+,ASNS+,CHAC1+,DNAJB9+,SDF2L1+,HYOU1-"


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def refused(result):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_list_is_explained_on_the_terminal_as_a_page_and_as_a_table(knockwise, tmp_path):
    page, table = tmp_path / "page.html", tmp_path / "rows.csv"
    result = knockwise(
        "explain", STRESS, "--pert", "BiP", "--cell-line", "k562", "--page", page, "--out", table
    )
    assert result.exit_code == 0, result.output
    assert "explained by a signed path" in result.stdout
    assert "HSPA5 ↓ → ATF6 ↑ → DDIT3 ↑" in result.stdout
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert {row["gene"]: row["verdict"] for row in rows}["HYOU1"] == "conflicting"
    assert {"perturbation", "kind", "cell_line", "gene", "call", "p_de", "path"} <= set(rows[0])
    html = page.read_text()
    assert "<svg" in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_an_explanation_is_one_json_object(knockwise):
    result = knockwise("explain", STRESS, "--pert", "HSPA5", "--cell-line", "K562", "--json")
    told = json.loads(result.stdout)
    assert told["schema"] == "knockwise/explanation/1"
    assert told["counts"]["conflicting"] == 1
    assert len(told["rows"]) == told["changed"]


@pytest.mark.parametrize(
    ("words", "said"),
    [("imatinib,dasatinib", "drugs"), ("foo,bar,baz", "no list of human genes"),
     ("nothing.csv", "is no file")],
)  # fmt: skip
def test_what_cannot_be_explained_is_said_in_a_sentence(knockwise, words, said):
    assert said in refused(knockwise("explain", words, "--pert", "HSPA5"))


def test_a_list_without_a_perturbation_is_sent_to_who(knockwise):
    assert "knockwise who" in refused(knockwise("explain", STRESS))


def test_a_screen_needs_to_say_what_it_read(knockwise, tmp_path):
    from tests.tools.test_lists_results import MAGECK

    file = tmp_path / "gene_summary.txt"
    file.write_text(MAGECK)
    assert "--readout" in refused(knockwise("explain", file))
    result = knockwise("explain", file, "--readout", "LDLR", "--cell-line", "HepG2")
    assert "SREBF2 ↓ → LDLR ↓" in result.stdout


def test_causes_are_told_without_an_atlas_and_the_lack_of_one_too(knockwise, tmp_path):
    page = tmp_path / "who.html"
    result = knockwise("who", STRESS, "--cell-line", "K562", "--top", 5, "--page", page)
    assert result.exit_code == 0, result.output
    assert "no atlas of K562" in result.stdout.replace("\n", " ")
    assert page.is_file()


def test_an_atlas_is_built_gone_on_with_and_searched(knockwise, own_data):
    build = ("atlas", "build", "--cell-line", "K562", "--pert", "SCAP", "--pert", "HSPA5")
    assert knockwise(*build).exit_code == 0
    assert "Everything is there" in knockwise(*build).stderr
    status = json.loads(knockwise("atlas", "status", "--json").stdout)
    assert status["rows"][0]["perturbations"] == 2
    result = knockwise("find", "LDLR", "--down", "--cell-line", "K562", "--out", "-")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {"SCAP", "SREBF2"} <= {row["perturbation"] for row in rows}
    assert {row["call"] for row in rows} == {"down"}


def test_a_search_needs_something_to_search_for(knockwise):
    assert "Name genes" in refused(knockwise("find", "--up"))
    assert "--up or --down" in refused(knockwise("find", "LDLR", "--up", "--down"))


@pytest.mark.slow
def test_two_workers_of_ray_make_the_same_parts(knockwise, own_data, tmp_path):
    pytest.importorskip("ray")
    genes = [word for gene in ("SCAP", "HSPA5", "TP53") for word in ("--pert", gene)]
    here, there = tmp_path / "here", tmp_path / "there"
    lines = ("--cell-line", "K562", "--cell-line", "RPE1")
    assert knockwise("atlas", "build", *genes, *lines, "--out", here).exit_code == 0
    # Ray leaves processes behind that only end with the one that began them.
    words = ["atlas", "build", *genes, *lines, "--out", str(there), "--ray", "--jobs", "2"]
    run = [sys.executable, "-c", "from app.cli import main; main()", *words]
    result = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, check=False)
    if "timed out during startup" in result.stderr:
        pytest.skip("the machine is too busy for Ray to start")
    assert result.returncode == 0, result.stderr
    for line in ("K562", "RPE1"):
        name = f"{line}/part-0000.parquet"
        assert (here / name).read_bytes() == (there / name).read_bytes()
