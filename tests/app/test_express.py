"""`knockwise express` with a model that says what it was told, and with one that was trained."""

import csv
import io
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.expression.genes import GeneFeatures
from tests.app.refusal import one_sentence

TOLD = runpy.run_path(str(Path(__file__).parents[1] / "told_expression.py"))


@pytest.fixture
def model(monkeypatch):
    """The model that the command loads instead of the shipped one."""
    told = TOLD["ToldExpression"]()
    monkeypatch.setattr("models.expression.model.ExpressionModel.load", lambda *folder: told)
    return told


def test_the_genes_that_change_most_are_shown_as_a_table(knockwise, model):
    result = knockwise("express", "--pert", "MDM2", "--context", "papalexi", "--top", "2")
    assert result.exit_code == 0, result.output
    assert "Knocking out MDM2 in THP-1" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["CDKN1A", "+2.00", "[+1.20,", "+2.80]"] in rows
    assert ["MDM2", "-1.00", "[-1.80,", "-0.20]"] in rows
    assert not any(row[:1] == ["GADD45A"] for row in rows)
    assert "3 more with --out FILE or --json" in result.stdout
    assert "Measured responses that count most: MDM4 50%, ATM+CHEK2 20%" in result.stdout


def test_a_measured_response_is_shown_as_such(knockwise, model):
    result = knockwise("express", "--pert", "MDM4", "--context", "papalexi")
    assert "measured log2 fold changes as the screen has them" in result.stdout
    assert "interval" not in result.stdout
    assert ["CDKN1A", "+1.00"] in [line.split() for line in result.stdout.splitlines()]


def test_genes_perturbed_together_stand_beside_their_sum(knockwise, model):
    result = knockwise("express", "--pert", "MDM4,MDM2", "--context", "papalexi")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["CDKN1A", "+5.00", "[+4.20,", "+5.80]", "+3.00"] in rows
    assert "1.57 times its size" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    "words", [("MDM4,MDM2",), ("MDM2+MDM4",), ("mdm2", "--pert", " MDM4"), ("HDM2,MDMX",)]
)
def test_genes_are_joined_however_they_are_written(knockwise, model, words):
    result = knockwise("express", "--pert", *words, "--context", "PAPALEXI")
    assert result.exit_code == 0, result.output
    assert model.asked == [(("MDM2", "MDM4"), "papalexi")]


def test_an_alias_is_told(knockwise, model):
    assert (
        "HDM2 is read as MDM2."
        in knockwise("express", "--pert", "HDM2", "--context", "papalexi").stderr
    )


def test_a_gene_that_only_the_screen_knows_can_be_asked_about(knockwise, model):
    knockwise("express", "--pert", "lncX", "--context", "papalexi")
    assert model.asked == [(("lncX",), "papalexi")]


def test_csv_on_stdout_has_every_readout_and_nothing_else(knockwise, model):
    result = knockwise("express", "--pert", "MDM2", "--context", "papalexi", "--out", "-")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["gene", "change", "low", "high"]
    assert [row["gene"] for row in rows] == ["CDKN1A", "GADD45A", "MDM2", "TP53", "ATF4"]
    assert (rows[0]["change"], rows[0]["low"]) == ("2.0", "1.2")


def test_a_csv_file_of_several_genes_has_the_sum_as_a_column(knockwise, model, tmp_path):
    out = tmp_path / "out.csv"
    result = knockwise("express", "--pert", "MDM2,MDM4", "--context", "papalexi", "--out", out)
    assert f"5 readouts written to {out}." in result.stderr.replace("\n", "")
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [row["additive"] for row in rows] == ["3.0", "0.9", "-1.0", "0.0", "0.0"]
    assert [x.name for x in tmp_path.iterdir()] == ["out.csv"]


def test_coordinates_are_written_like_genes(knockwise, model):
    result = knockwise("express", "--pert", "MDM2", "--context", "norman-latent", "--out", "-")
    assert result.stdout.splitlines()[1].startswith("z1,2.0,")


def test_an_h5ad_file_holds_the_change_with_its_intervals(knockwise, model, tmp_path):
    anndata = pytest.importorskip("anndata")
    out = tmp_path / "out.h5ad"
    result = knockwise("express", "--pert", "MDM2,MDM4", "--context", "papalexi", "--out", out)
    assert result.exit_code == 0, result.output
    found = anndata.read_h5ad(out)
    assert found.obs_names.tolist() == ["MDM2+MDM4"]
    assert found.obs["cell_line"].tolist() == ["THP-1"]
    assert found.var_names.tolist() == ["CDKN1A", "GADD45A", "MDM2", "TP53", "ATF4"]
    assert found.X[0, 0] == 5
    assert found.layers["additive"][0, 0] == 3
    assert found.layers["low"][0, 0] == pytest.approx(4.2)
    assert found.uns["knockwise"]["unit"] == "log2 fold change"
    assert [x.name for x in tmp_path.iterdir()] == ["out.h5ad"]


def test_json_is_the_whole_response_and_nothing_else(knockwise, model):
    result = knockwise("express", "--pert", "MDM2,MDM4", "--context", "papalexi", "--json")
    said = json.loads(result.stdout)
    assert said["perturbation"] == ["MDM2", "MDM4"]
    assert said["context"]["cell_line"] == "THP-1"
    assert said["changes"][0] == {
        "gene": "CDKN1A", "change": 5.0, "low": 4.2, "high": 5.8, "additive": 3.0,
    }  # fmt: skip
    assert said["beside_sum"]["outside_intervals"] == 1
    assert said["neighbours"][1] == {"perturbation": ["ATM", "CHEK2"], "share": 0.2}
    assert said["seen_in_training"] is False


def test_the_contexts_are_listed_with_what_they_are(knockwise, model):
    text = knockwise("express", "--list").stdout
    assert "THP-1: 2 genes and 1 combinations measured, 5 readouts" in text
    assert "What papalexi is." in text
    listed = json.loads(knockwise("express", "--list", "--json").stdout)["rows"]
    assert [one["name"] for one in listed] == ["papalexi", "small", "norman", "norman-latent"]
    assert listed[0]["perturbations"] == [["MDM4"], ["lncX"], ["MDM4", "TP53"]]


def test_a_model_of_ones_own_is_read_from_its_folder(knockwise, monkeypatch, model, tmp_path):
    read = []
    monkeypatch.setattr(
        "models.expression.model.ExpressionModel.load", lambda folder: read.append(folder) or model
    )
    knockwise("express", "--list", "--model", tmp_path)
    assert read == [tmp_path]


def test_a_folder_without_a_model_is_named(knockwise, tmp_path):
    assert str(tmp_path) in one_sentence(knockwise("express", "--list", "--model", tmp_path))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--pert"),
        (("--pert", "MDM2", "--list"), "--list"),
        (("--pert", "MDM2"), "one of papalexi, small, norman, norman-latent"),
        (("--pert", "MDM2", "--context", "HeLa"), "choose among papalexi"),
        (("--pert", "MDM22", "--context", "papalexi"), "did you mean MDM2"),
        (("--pert", "MDM2,", "--context", "papalexi"), "write A,B"),
        (("--pert", "ATF4", "--context", "papalexi"), "ATF4"),
        (("--pert", "MDM2", "--context", "papalexi", "--out", "x.xlsx"), ".csv or .h5ad"),
        (("--pert", "MDM2", "--context", "papalexi", "--out", "no/x.csv"), "no folder"),
        (("--pert", "MDM2", "--context", "papalexi", "--out", "-", "--json"), "choose one"),
    ],
)
def test_what_cannot_be_predicted_is_said_in_one_sentence(knockwise, model, arguments, words):
    assert words in one_sentence(knockwise("express", *arguments))


GENES = ("ATF4", "CHEK2", "ATM", "MDM2", "MDM4", "TP53", "CDKN1A", "GADD45A")
PERTURBED = GENES[:6]


@pytest.fixture
def screen(tmp_path):
    """Counts of eight genes in cells whose six perturbed genes lower CDKN1A, and in controls."""
    anndata = pytest.importorskip("anndata")
    import pandas as pd

    rng = np.random.default_rng(0)
    labels = [label for label in (*PERTURBED, "MDM2+MDM4", "NT") for _ in range(15)]
    rate = np.full((len(labels), len(GENES)), 40.0)
    rate[np.array(labels) != "NT", GENES.index("CDKN1A")] = 10
    path = tmp_path / "screen.h5ad"
    anndata.AnnData(
        X=sparse.csr_matrix(rng.poisson(rate).astype(np.float32)),
        obs=pd.DataFrame({"gene": labels}, index=[f"c{i}" for i in range(len(labels))]),
        var=pd.DataFrame(index=list(GENES)),
    ).write_h5ad(path)
    return path


@pytest.fixture
def train(knockwise, screen, monkeypatch, tmp_path):
    """Train on the screen, with what is known of eight genes made up."""
    vectors = np.random.default_rng(1).normal(size=(len(GENES), 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    known = GeneFeatures(tuple(sorted(GENES)), vectors)
    monkeypatch.setattr("models.expression.training.gene_features", lambda *_: known)
    monkeypatch.setattr("models.expression.training.sources_root", lambda data: data)
    monkeypatch.setattr("models.expression.training.annotations.FILES", ())
    monkeypatch.setattr(
        "models.expression.training.read_symbols",
        lambda _: SymbolTable(Gene(symbol=symbol) for symbol in GENES),
    )

    def run(*more):
        return knockwise(
            *(
                "train",
                "expression",
                "--data",
                tmp_path,
                "--out",
                tmp_path / "model",
                "--h5ad",
                screen,
            ),
            *("--pert-col", "gene", "--control", "NT", *more),
        )

    return run


def test_a_screen_of_ones_own_is_learnt_and_asked(knockwise, train, tmp_path):
    trained = train("--context", "mine", "--kind", "knockdown", "--cell-line", "HAP1")
    assert trained.exit_code == 0, trained.output
    assert re.search(r"mine +6 singles +\d\.\d{3} +no change \d", trained.stdout)
    own = ("express", "--model", tmp_path / "model")
    listed = knockwise(*own, "--list").stdout
    assert "knockdown in HAP1: 6 genes and 1 combinations measured" in listed
    unseen = json.loads(knockwise(*own, "--pert", "GADD45A", "--context", "mine", "--json").stdout)
    change = {row["gene"]: row for row in unseen["changes"]}
    assert change["CDKN1A"]["high"] < 0
    assert not unseen["seen_in_training"]
    joint = json.loads(knockwise(*own, "--pert", "ATM,ATF4", "--context", "mine", "--json").stdout)
    assert joint["changes"][0]["additive"] is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--control", "nobody"), "nobody"),
        (("--pert-col", "guide"), "guide"),
        (("--context", "a", "--context", "b"), "--context once"),
    ],
)
def test_a_screen_that_cannot_be_learnt_is_said_in_one_sentence(train, arguments, words):
    assert words in one_sentence(train(*arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--control", "NT"), "--h5ad"),
        (("--h5ad", "x.h5ad", "--control", "NT"), "--pert-col"),
        (("--context", "HeLa"), "HeLa"),
    ],
)
def test_what_training_is_not_told_is_said_in_one_sentence(knockwise, tmp_path, arguments, words):
    train = ("train", "expression", "--data", tmp_path, "--out", tmp_path / "model")
    assert words in one_sentence(knockwise(*train, *arguments))


DOCS = (Path(__file__).parents[2] / "docs" / "expression.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    re.findall(r"^knockwise (.*)$", "".join(re.findall(r"```sh\n(.*?)```", DOCS, re.S)), re.M),
)
def test_a_documented_command_has_the_options_it_is_shown_with(knockwise, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    words = re.match(r"((?:[a-z]+ )+)", command)[1].split()
    told = knockwise(*words, "--help").output
    assert all(option in told for option in re.findall(r"--[a-z0-9-]+", command))


def test_the_documented_python_runs(capsys):
    exec(compile(re.search(r"```python\n(.*?)```", DOCS, re.S)[1], "expression.md", "exec"), {})
    assert re.search(r"^STAT1 -\d\.\d+$", capsys.readouterr().out, re.M)


def test_the_documented_contexts_are_those_there_are():
    from models.expression.mirror import CONTEXTS

    rows = "".join(re.findall(r"^\| (`.*?) \|", DOCS, re.M))
    assert set(re.findall(r"`([a-z0-9-]+)`", rows)) >= set(CONTEXTS)
