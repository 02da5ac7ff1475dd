"""A screen of one's own becomes evidence, and is left out again: `knockwise screen`."""

import json

import numpy as np
import pytest

from agent.session import Session
from agent.settings import Settings
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation

# HSPA5 was not measured in K562, and GATA1's loss is no stress: both are told apart from training.
TABLE = """group,names,logfoldchanges,pvals_adj
SEL1L_KO,DDIT3,-2.0,1e-9
SEL1L_KO,HERPUD1,-1.5,1e-9
SEL1L_KO,ASNS,-1.5,1e-9
SEL1L_KO,GAPDH,0.01,0.9
SEL1L_KO,NOTAGENE,3,1e-9
OR2T8,DDIT3,1.8,1e-7
OR2T8,ACTB,0.0,0.99
non-targeting,DDIT3,1.8,1e-7
"""


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("KNOCKWISE_DATA", str(folder))
    return folder


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "screen.csv"
    file.write_text(TABLE)
    return file


def session(data, **more):
    return Session.open(Settings(data=data, runs=data / "runs", **more))


def loss(gene):
    return Perturbation(genes=(gene,), kind="knockdown", cell_line="K562")


def test_a_table_of_groups_is_added_listed_and_removed(knockwise, table, data):
    result = knockwise("screen", "add", table, "--name", "mine", "--cell-line", "k562")
    assert result.exit_code == 0, result.output
    assert "6 rows of 2 perturbations" in result.stdout.replace("\n", " ")
    assert "non-targeting" in result.stderr
    again = knockwise("screen", "add", table, "--name", "Mine", "--cell-line", "K562")
    assert (again.exit_code, "--replace" in again.stderr) == (2, True)
    (row,) = json.loads(knockwise("screen", "list", "--json").stdout)["rows"]
    assert (row["name"], row["changed"], row["private"]) == ("mine", 4, False)
    assert knockwise("screen", "remove", "MINE").exit_code == 0
    assert json.loads(knockwise("screen", "list", "--json").stdout)["rows"] == []
    assert "There is no screen" in knockwise("screen", "remove", "mine").stderr


def test_own_rows_are_measured_evidence_and_neighbours_until_they_are_left_out(
    knockwise, table, data
):
    knockwise("screen", "add", table, "--name", "mine", "--cell-line", "K562")
    mine, without = session(data), session(data, without_screens=("mine",))
    row = mine.predictor.measured(loss("SEL1L"), "DDIT3")
    assert (row.outcome, row.evidence.source) == ("down", "your screen mine")
    assert mine.versions.data["your screen mine"]
    before = without.predictor.measured(loss("SEL1L"), "DDIT3")
    assert before is None or before.evidence.source != "your screen mine"
    (now,), (then,) = (one.predictor.effects(loss("SEL1L"), ["DDIT3"]) for one in (mine, without))
    assert now.p_up < then.p_up
    # A relative of a perturbation that only the own screen measured hears of it.
    near = [
        one.predictor.response.predict(["OR2T29"], ["DDIT3"], "K562")[0] for one in (mine, without)
    ]
    assert near[0].p_de != near[1].p_de
    assert {"mine"} <= {
        word
        for fact in mine.predictor.analogues(loss("OR2T29"), "DDIT3")
        for word in fact.source.split()
    }
    with pytest.raises(QuestionError, match="no screen other"):
        session(data, without_screens=("other",))


def test_what_a_screen_measured_answers_who_and_find(knockwise, table, data):
    knockwise("screen", "add", table, "--name", "mine", "--cell-line", "K562")
    found = knockwise("who", "DDIT3-,HERPUD1-,ASNS-", "--cell-line", "K562", "--by", "measured",
                      "--sought", "loss", "--json")  # fmt: skip
    first = json.loads(found.stdout)["rows"][0]
    assert (first["gene"], first["measured_in"]) == ("SEL1L", ["K562"])
    words = ("find", "DDIT3", "--up", "--cell-line", "K562", "--json", "--top", 1000)
    rows = {row["gene"]: row for row in json.loads(knockwise(*words).stdout)["rows"]}
    assert rows["OR2T8"]["measured"] == "up"
    rows = json.loads(knockwise(*words, "--without-screen", "mine").stdout)["rows"]
    assert all(row["measured"] is None for row in rows if row["gene"] == "OR2T8")


@pytest.mark.anyio
async def test_a_private_screen_stays_out_of_reports_pages_and_endpoints(knockwise, table, data):
    knockwise("screen", "add", table, "--name", "mine", "--cell-line", "K562", "--private")
    asked = session(data)
    answer = await asked.ask("SEL1L knockdown in K562: DDIT3")
    assert any(fact.source == "private screen mine" for fact in answer.evidence)
    assert "mine" not in str(answer.versions)
    run = next((data / "runs").iterdir())
    report = knockwise("report", run)
    assert (report.exit_code, "private screen" in report.stderr) == (2, True)
    page = data / "page.html"
    knockwise("find", "DDIT3", "--down", "--cell-line", "K562", "--page", page)
    assert "SEL1L" not in page.read_text() or "measured" not in page.read_text()
    for closed in ({"screens": "public"}, {"llm": {"base_url": "http://127.0.0.1:9/v1"}}):
        assert session(data, **closed).predictor.response.screens == ()


def test_cells_are_tested_against_their_controls_and_added(knockwise, tmp_path, data):
    anndata = pytest.importorskip("anndata")
    pd = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    genes = ["DDIT3", "HERPUD1", "ASNS", "GAPDH", "ACTB", "SEL1L"]
    labels = ["ctrl"] * 60 + ["SEL1L"] * 40 + ["SCAP"] * 40 + ["A1BG"] * 4
    rate = np.full((len(labels), len(genes)), 20.0)
    rate[60:100, 0] = 80.0
    counts = sparse.csr_matrix(rng.poisson(rate).astype(np.float32))
    obs = pd.DataFrame({"gene": labels}, index=[f"c{i}" for i in range(len(labels))])
    file = tmp_path / "cells.h5ad"
    anndata.AnnData(counts, obs, pd.DataFrame(index=genes)).write_h5ad(file)
    words = ("screen", "add", file, "--name", "cells", "--cell-line", "K562")
    assert "--pert-col" in knockwise(*words).stderr
    result = knockwise(*words, "--pert-col", "gene", "--control", "ctrl")
    assert result.exit_code == 0, result.output
    assert "4 cells" in result.stderr
    mine = session(data).predictor
    assert mine.measured(loss("SEL1L"), "DDIT3").outcome == "up"
    assert mine.measured(loss("SEL1L"), "SEL1L") is None
    assert mine.response.own_screen("SCAP", "DDIT3", "K562") == "your screen cells"


def test_a_sorted_screen_says_what_its_hits_do_to_what_it_was_sorted_by(knockwise, tmp_path, data):
    from tests.tools.test_lists_results import MAGECK

    file = tmp_path / "gene_summary.txt"
    file.write_text(MAGECK)
    words = ("screen", "add", file, "--name", "sorted", "--cell-line", "HepG2")
    assert "--pert" in knockwise(*words).stderr
    assert knockwise(*words, "--readout", "LDLR", "--sorted-for", "high").exit_code == 0
    one = Perturbation(genes=("SREBF2",), kind="knockdown", cell_line="HepG2")
    assert session(data).predictor.measured(one, "LDLR").outcome == "down"


def test_what_cannot_be_a_screen_is_refused(knockwise, table, tmp_path):
    words = ("screen", "add", table, "--cell-line", "K562")
    assert "cannot name a screen" in knockwise(*words, "--name", "../x").stderr
    gain = knockwise(*words, "--name", "mine", "--kind", "activation")
    assert "screen of activation" in gain.stderr.replace("\n", " ")
    bare = tmp_path / "bare.csv"
    bare.write_text("gene,log2FoldChange,padj\nDDIT3,1,0.001\n")
    assert "--pert" in knockwise("screen", "add", bare, "--name", "b", "--cell-line", "K562").stderr
