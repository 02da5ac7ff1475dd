"""`knockwise analyse` through the front door: small counts, a whole report, every sentence held."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from knowledge.starter import load_starter
from tools.counts.facts import MARK, facts_of

pytest.importorskip("pydeseq2")
pytest.importorskip("decoupler")
RAISED = ("CA9", "VEGFA", "ANKRD37", "EGLN3", "NDRG1", "SLC2A1", "ADM", "PDK1", "LDHA", "PGK1",
          "BNIP3", "ALDOA", "ENO1", "HK2")  # fmt: skip
LOWERED = ("UMOD", "ALB", "APOA1")


def counts():
    """Counts of three VHL knockouts and three controls; targets of HIF rise, three genes fall."""
    rng = np.random.default_rng(3)
    genes = [*dict.fromkeys([*RAISED, *LOWERED, *(g.symbol for g in load_starter().genes)])][:320]
    base = rng.gamma(3.0, 100.0, len(genes)) + 60
    mean = np.outer(base, np.ones(6))
    names = ["wt1", "wt2", "wt3", "ko1", "ko2", "ko3"]
    table = pd.DataFrame(mean, genes, names)
    table.loc[list(RAISED), names[3:]] *= 8
    table.loc[list(LOWERED), names[3:]] /= 8
    if "VHL" in table.index:
        table.loc["VHL", names[3:]] /= 10
    values = rng.negative_binomial(30, 30 / (30 + table.to_numpy()))
    return pd.DataFrame(values, genes, names)


def run(*args):
    return CliRunner().invoke(app, ["analyse", *(str(one) for one in args)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counts")
    counts().to_csv(folder / "counts.csv")
    (folder / "design.csv").write_text(
        "sample,genotype\n" + "".join(f"{n},{n[:2].upper()}\n" for n in counts().columns)
    )
    asked = ("--design", folder / "design.csv", "--contrast", "KO against WT", "--pert", "VHL",
             "--jobs", 1, "--out", folder / "run")  # fmt: skip
    result = run(folder / "counts.csv", *asked)
    assert result.exit_code == 0, result.output
    return folder, asked, result


def test_the_folder_holds_the_report_its_tables_and_a_notebook(made):
    folder = made[0] / "run"
    for name in ("report.html", "report.md", "methods.md", "notebook.ipynb", "differential.csv",
                 "gene_sets.csv", "regulators.csv", "samples.csv", "explained.csv", "sources.csv",
                 "figures/volcano.png", "figures/heatmap.svg", "run.json"):  # fmt: skip
        assert (folder / name).stat().st_size, name
    held = json.loads((folder / "run.json").read_text())
    assert held["versions"]["pydeseq2"]
    assert all(len(one) == 64 for one in held["inputs"].values())


def test_every_sentence_is_confirmed_by_the_tables(made):
    sentences = pd.read_csv(made[0] / "run" / "sentences.csv")
    assert sentences["confirmed"].all(), sentences[~sentences["confirmed"]].to_string()
    assert len(sentences) > 30
    assert "sentences are confirmed" in made[2].output


def test_what_was_raised_is_found_and_explained_from_vhl(made):
    text = (made[0] / "run" / "report.md").read_text()
    assert re.search(r"CA9 is [\d.]+-fold higher in KO", text)
    assert "explained by VHL ↓ → " in text
    assert re.search(r"UMOD is [\d.]+-fold lower in KO", text)


def test_a_sentence_with_another_number_sign_or_gene_is_not_confirmed(made):
    facts = facts_of(made[0] / "run")
    sentences = pd.read_csv(made[0] / "run" / "sentences.csv")
    text = next(one for one in sentences["sentence"] if one.startswith("CA9 is"))
    assert facts.check(text).confirmed
    assert facts.check(text.replace("higher", "lower")).problem == "a marked row goes the other way"
    assert (
        "no marked row holds" in facts.check(re.sub(r"change [\d.]+", "change 9.87", text)).problem
    )
    assert "ENO1" in facts.check(text.replace("CA9 is", "CA9, like ENO1, is")).problem
    assert facts.check(MARK.sub("", text)).problem == "it marks no row"
    assert "there is no row" in facts.check(text.replace("[gene CA9]", "[gene NOPE]")).problem
    quoted = next(one for one in sentences["sentence"] if "“" in one)
    assert "the source does not say" in facts.check(quoted.replace("“", "“Not ")).problem


def test_questions_are_answered_from_the_tables(made):
    folder = made[0] / "run"
    answer = run(folder, "--ask", "is HIF1A active?", "--ask", "did CA9 change?")
    assert "HIF1A is more active: score" in answer.output, answer.output
    assert "CA9 is" in answer.output
    sets = run(folder, "--ask", "what about hypoxia genes?", "--json")
    rows = json.loads(sets.output)["rows"]
    assert rows[0]["confirmed"]
    assert "ypoxi" in rows[0]["read"][0]
    nothing = run(folder, "--ask", "what about qwertz?")
    assert nothing.exit_code == 2
    assert "hold no gene, gene set or regulator" in nothing.output


def test_the_same_command_goes_on_and_another_is_refused(made, monkeypatch):
    folder, asked, _ = made

    def again(*args, **kwargs):
        raise AssertionError("the test ran twice")

    monkeypatch.setattr("tools.counts.analysis.differential", again)
    assert run(folder / "counts.csv", *asked, "--json").exit_code == 0
    other = run(folder / "counts.csv", *asked, "--alpha", 0.01)
    assert other.exit_code == 2
    assert "holds another analysis" in other.output


@pytest.mark.parametrize(("change", "said"), [
    (lambda c: np.log2(c + 1.0), "looks log-transformed"),
    (lambda c: c[["wt1", "ko1"]], "has no counts of wt2"),
])  # fmt: skip
def test_data_that_cannot_answer_get_a_sentence(made, tmp_path, change, said):
    change(counts()).to_csv(tmp_path / "bad.csv")
    result = run(tmp_path / "bad.csv", "--design", made[0] / "design.csv", "--out", tmp_path / "o")
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
