"""`knockwise eval` on a small world of four screens, some of whose test labels are withheld."""

import runpy
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from evals.harness.page import Record
from evals.perturbqa.slices import CLASS_FILES
from models.inputs.annotations import FILES
from models.inputs.screens import CELL_LINES, SCREEN_FILES
from models.response import scoring
from models.response.settings import TrainingSettings

SMALL_WORLD = runpy.run_path(str(Path(__file__).parents[1] / "models" / "conftest.py"))
WITHHELD = ("HepG2", "Jurkat")
ELSEWHERE = "a gene no training row reads"


@pytest.fixture(scope="module")
def world():
    """Return a corpus of training rows and the test rows kept from it, as tables of pairs."""
    corpus = SMALL_WORLD["synthetic_corpus"]()
    rows, screens = corpus.screens.rows, corpus.screens
    # The last member of each complex is tested, in one line per complex and its neighbour.
    tested = (rows.pert % SMALL_WORLD["PER_COMPLEX"] == 5) & (
        (rows.pert // SMALL_WORLD["PER_COMPLEX"]) % 4 == rows.line
    )
    table = pd.DataFrame(
        {
            "pert": np.array(screens.perturbations)[rows.pert],
            "gene": np.array(screens.readouts)[rows.readout],
            "line": np.array(CELL_LINES)[rows.line],
            "de": rows.de,
            "up": rows.up,
            "split": np.where(tested, "test", "train"),
        }
    )
    return replace(corpus, screens=replace(screens, rows=rows.take(~tested))), table


@pytest.fixture(scope="module", autouse=True)
def _small_model(world):
    """What is known of the genes comes ready-made, and trees are few."""
    corpus = world[0]
    quick = partial(TrainingSettings, rounds=30, rank=8)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scoring, "read_corpus", lambda *_: corpus)
        patched.setattr("evals.perturbqa.run.TrainingSettings", quick)
        patched.setattr("evals.perturbqa.run.read_symbols", lambda _: corpus.symbols)
        yield


def write_data(root, table):
    """Write the screens as the benchmark's files; HepG2's and Jurkat's test labels are empty."""
    for name in (*FILES, *CLASS_FILES, *SCREEN_FILES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    members = "\t".join(f"P{i:03d}" for i in range(30))
    (root / CLASS_FILES[0]).write_text(f"Cell Cycle\t\t{members}\n")
    (root / CLASS_FILES[1]).write_text("name\tparents\nCell Cycle\tpw:0000001\n")
    for line in CELL_LINES:
        mine = table[table.line == line]
        for task, label in (("de", "de"), ("dir", "up")):
            part = mine[mine[label] >= 0].rename(columns={label: "label"})
            out = part[["pert", "gene", "label", "split"]].astype(str)
            if line in WITHHELD:
                out.loc[out.split == "test", "label"] = ""
            if task == "de":
                extra = {"pert": "P005", "gene": ELSEWHERE, "label": "", "split": "test"}
                out = pd.concat([out, pd.DataFrame([extra])])
            out.to_csv(root / f"perturbqa/{line.lower()}-{task}.csv", index=False)
    return root


def evaluate(data, out, *args):
    """Run `knockwise eval perturbqa` and return the result."""
    words = ["eval", "perturbqa", "--data", data, "--out", out, "--folds", 3, "--threads", 1]
    return CliRunner().invoke(app, [str(word) for word in (*words, *args)])


@pytest.fixture
def data(world, tmp_path):
    return write_data(tmp_path / "data", world[1])


@pytest.fixture
def evaluated(data, tmp_path):
    """Evaluate into a folder of one's own."""

    def run(*args):
        return evaluate(data, tmp_path / "run", *args), tmp_path / "run"

    return run


@pytest.fixture(scope="module")
def finished(world, tmp_path_factory):
    """Return the folder of a finished run, to be read."""
    folder = tmp_path_factory.mktemp("finished")
    done = evaluate(write_data(folder / "data", world[1]), folder / "run", "--no-ablation")
    assert done.exit_code == 0, done.output
    return folder / "run"


@pytest.fixture
def copied(finished, tmp_path):
    """Return a copy of a finished run and of its data, to be changed."""
    shutil.copytree(finished.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


@pytest.mark.slow
def test_every_test_row_has_a_prediction_also_where_its_label_is_withheld(finished, world):
    predictions = pd.read_parquet(finished / "predictions.parquet")
    tested = world[1][world[1].split == "test"]
    assert len(predictions) == len(tested) + (tested.up >= 0).sum() + len(CELL_LINES)
    assert predictions.p.between(0, 1).all()
    assert (predictions.low <= predictions.p).all()
    assert (predictions.p <= predictions.high).all()
    withheld = predictions.cell_line.isin(WITHHELD) | (predictions.gene == ELSEWHERE)
    assert predictions.label[withheld].isna().all()
    assert predictions.label[~withheld].notna().all()
    assert predictions.abstained[predictions.gene == ELSEWHERE].all()
    assert predictions.reason[predictions.gene == ELSEWHERE].str.contains("never a readout").all()


def test_a_withheld_label_is_scored_nowhere(finished):
    results = Record.read(finished).results
    tested = results.scores.where(split="test").values("cell_line")
    assert set(tested) == {"K562", "RPE1", "mean"}
    assert set(results.facts["withheld"]) == set(CELL_LINES)
    kept = pd.read_parquet(finished / "kept.parquet")
    assert set(kept.cell_line[kept.fold < 0]) == {"K562", "RPE1"}
    assert set(kept.cell_line[kept.fold >= 0]) == {*WITHHELD}
    assert "label" not in kept


def test_test_rows_and_held_out_rows_are_never_averaged(finished):
    page = (finished / "scoreboard.md").read_text()
    assert "DE, official test rows (K562, RPE1) |" in page
    assert "mean over the four lines" not in page.casefold()
    assert {*Record.read(finished).results.scores.values("split")} == {"test", "cv"}


def test_the_page_answers_what_a_referee_asks(finished):
    page = (finished / "scoreboard.md").read_text()
    for said in (
        "logistic regression",
        "average precision within perturbation",
        "chance",
        "cv, as test by strength",
        "by similarity of the nearest measured perturbation",
    ):
        assert said in page
    scores = Record.read(finished).results.scores
    for one in scores.where(measure=("auroc", "auroc within perturbation")).plain:
        assert 0 <= one.value.low <= one.value.high <= 1


def test_the_model_beats_its_controls_and_shuffled_retrieval_is_chance(finished):
    scores = Record.read(finished).results.scores.where(split="cv", cell_line="mean")
    for task in ("de", "dir"):
        mine = scores.where(task=task, measure="auroc")
        found = {one.predictor: one.value.value for one in mine.plain}
        assert found["response model"] > 0.7
        assert found["gene prior"] == pytest.approx(0.5)
        assert mine.find(than="gene prior").value.low > 0
        assert found["retrieval only"] > 0.65
        assert abs(found["label-shuffled retrieval"] - 0.5) < 0.06


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_ends_with_the_same_predictions(
    evaluated, finished, monkeypatch
):

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("evals.perturbqa.run.held_out_table", interrupted)
        done, out = evaluated("--no-ablation")
    assert done.exit_code == 130
    assert "run the same command again" in done.output
    assert list(out.rglob("fold-*.npz"))
    with monkeypatch.context() as patched:
        # No fold of features is made again, and no tree fitted anew but the last.
        patched.setattr("models.response.held_out.fit_to", interrupted)
        assert evaluated("--no-ablation")[0].exit_code == 0
    for name in ("predictions.parquet", "metrics.json"):
        assert (out / name).read_bytes() == (finished / name).read_bytes()


def test_a_finished_run_is_only_rendered_anew(copied, data, monkeypatch):
    out = copied
    before = (out / "metrics.json").stat().st_mtime_ns
    (out / "report.html").unlink()
    monkeypatch.setattr(scoring, "fit_model", None)
    assert evaluate(data, out, "--no-ablation").exit_code == 0
    assert (out / "metrics.json").stat().st_mtime_ns == before
    page = (out / "report.html").read_text()
    assert "label-shuffled retrieval" in page
    assert "data:image/svg+xml" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_other_settings_or_data_in_the_same_folder_are_one_sentence(copied, data):
    other = evaluate(data, copied, "--no-ablation", "--seed", "1")
    assert other.exit_code == 2
    assert "holds a run with other settings (seed changed)" in other.output
    with (data / "perturbqa/k562-de.csv").open("a") as file:
        file.write("P000,R000,1,train\n")
    other = evaluate(data, copied, "--no-ablation")
    assert other.exit_code == 2
    assert "holds a run with other data (perturbqa/k562-de.csv changed)" in other.output


@pytest.mark.slow
def test_strict_fits_each_line_without_the_rows_of_its_test_perturbations(evaluated, monkeypatch):
    seen = {}
    fit = scoring.fit_model

    def spied(corpus, run, cache, progress, visible=None):
        fitted = fit(corpus, run, cache, progress, visible)
        names = np.array(corpus.screens.perturbations)
        seen[cache.parent.name] = set(names[fitted.rows.pert])
        return fitted

    monkeypatch.setattr(scoring, "fit_model", spied)
    done, out = evaluated("--no-ablation", "--setting", "strict", "--cell-line", "k562",
                          "--cell-line", "RPE1")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert set(seen) == {"K562", "RPE1"}
    predictions = pd.read_parquet(out / "predictions.parquet")
    assert set(predictions.cell_line) == {"K562", "RPE1"}
    for line, perturbations in seen.items():
        assert not perturbations & set(predictions.pert[predictions.cell_line == line])


@pytest.mark.slow
def test_the_ablation_pairs_each_family_with_all_features(evaluated, monkeypatch):
    families = dict(list(scoring.FEATURE_FAMILIES.items())[:2])
    monkeypatch.setattr("evals.perturbqa.unit.FEATURE_FAMILIES", families)
    done, out = evaluated()
    assert done.exit_code == 0, done.output
    ablation = Record.read(out).results.scores.where(about="ablation").gains
    assert {(one.than, one["task"]) for one in ablation} == {
        (family, task) for family in families for task in ("de", "dir")
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--setting", "loose"), "loose"),
        (("--cell-line", "HeLa"), "PerturbQA has no screen of HeLa; choose among K562"),
        (
            ("--strategy", "summer"),
            "--strategy is about a language model; use",
        ),
        (("--data", "nowhere"), "nowhere holds no perturbqa folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(evaluated, arguments, said):
    done, out = evaluated(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert not (out / "metrics.json").exists()


def test_a_missing_file_is_named_before_anything_is_fitted(evaluated, data):
    (data / "perturbqa/hepg2-dir.csv").unlink()
    done, _ = evaluated()
    assert done.exit_code == 2
    assert "hepg2-dir.csv is missing" in done.output


def test_a_folder_of_something_else_is_left_alone(evaluated, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("...")
    done, out = evaluated()
    assert done.exit_code == 2
    assert "holds something other than an evaluation" in " ".join(done.output.split())
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("words", [["language"], ["perturbqa", "--reasoner", "llm"]])
def test_a_language_model_is_asked_with_the_options_given(data, tmp_path, monkeypatch, words):
    asked = []

    def run_batch(run, progress):
        asked.append(run)
        progress("asking", 0.5)
        return SimpleNamespace(results=None)

    monkeypatch.setattr("evals.language.page.summary", lambda _: "| strategy | summer |")
    monkeypatch.setattr("evals.language.run.run_batch", run_batch)
    done = CliRunner().invoke(
        app,
        ["eval", *words, "--data", str(data), "--out", str(tmp_path / "llm"),
         "--strategy", "summer", "--limit", "20", "--split", "train", "--cell-line", "rpe1",
         "--base-url", "http://127.0.0.1:1/v1", "--concurrency", "3", "--engine", "local"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "| strategy | summer |" in done.output
    (run,) = asked
    said = (run.strategy, run.limit, run.split, run.cell_lines)
    assert said == ("summer", 20, "train", ("RPE1",))
    assert (run.base_url, run.concurrency) == ("http://127.0.0.1:1/v1", 3)


@pytest.mark.parametrize("option", [("--folds", "3"), ("--no-ablation",), ("--threads=1",)])
def test_what_a_language_model_does_not_heed_is_refused(data, tmp_path, option):
    words = ["perturbqa", "--data", str(data), "--out", str(tmp_path / "llm"), "--reasoner=llm"]
    done = CliRunner().invoke(app, ["eval", *words, *option])
    assert done.exit_code == 2
    name = option[0].split("=")[0]
    assert f"{name} is about the response model; use `knockwise eval perturbqa`" in done.output
    assert not (tmp_path / "llm").exists()
