"""The scoreboard is written from kept figures alone, and every one of them names its run."""

import json
import subprocess

import pytest

from evals.harness.brought import KEPT
from evals.harness.resampling import Estimate
from evals.harness.scores import Gain, Results, Score
from evals.language.facts import Cost
from evals.language.facts import Facts as LanguageFacts
from evals.perturbqa.facts import Facts
from evals.perturbqa.score import CONTROLS, MODEL
from evals.scoreboard import RESULTS, SCOREBOARD, keep, scoreboard
from knowledge.errors import DataError


def estimate(value):
    return Estimate(value=value, low=value - 0.01, high=value + 0.01, n=50)


def finished(folder, results):
    """Make a run folder of these results."""
    folder.mkdir()
    results.save(folder)
    config = {
        "settings": {"setting": "strict", "seed": 7, "folds": 4},
        "data": {"perturbqa/k562-de.csv": "ab" * 32},
        "commit": "c0ffee0000",
        "knockwise": "0",
    }
    (folder / "config.json").write_text(json.dumps(config))
    timing = {"seconds": {"fit": 600.0}, "peak_memory_mib": 2048.0}
    (folder / "timing.json").write_text(json.dumps(timing))
    return folder


@pytest.fixture
def run(tmp_path):
    scores = []
    for predictor in (MODEL, *CONTROLS):
        for split, line in (("test", "K562"), ("cv", "HepG2"), ("cv", "mean"), ("test", "mean")):
            keys = {"task": "de", "cell_line": line, "split": split}
            scores.append(
                Score(predictor, "auroc", estimate(0.81 if predictor == MODEL else 0.6), **keys)
            )
            if predictor != MODEL:
                scores.append(Gain(MODEL, predictor, "auroc", estimate(0.21), **keys))
    facts = Facts(setting="strict", ablation_note="", withheld={"HepG2": 3}, test_rows={"HepG2": 3})
    return finished(tmp_path / "run", Results.of("strict", scores, facts))


def test_a_kept_run_is_on_the_page_with_what_made_it(run, tmp_path):
    kept = keep(run, tmp_path / "results")
    assert kept.name == "strict.json"
    page = scoreboard(tmp_path / "results")
    assert "## PerturbQA, setting strict" in page
    assert "| response model | 0.810 [0.800, 0.820] |  | 0.810 [0.800, 0.820] |" in page
    assert "| PerturbQA, setting strict | response model | auroc | 28 | 28 | 0 | 0 |" in page
    assert "`c0ffee0000`" in page
    assert "abababababababab" in page
    assert "were read by earlier sessions of this project" in page
    assert "| *CORE-Voting*, four lines | 0.703 |" in page


def test_an_unfinished_run_is_not_kept(run, tmp_path):
    (run / "metrics.json").unlink()
    with pytest.raises(
        DataError, match=r"metrics.json is missing; run `knockwise eval` to its end"
    ):
        keep(run, tmp_path / "results")


def test_a_language_models_run_has_its_own_section(tmp_path):
    facts = LanguageFacts(
        model="qwen/tiny 3", strategy="summer", prompts_hash="ab", split="train", sample="",
        cost=Cost(**dict.fromkeys(Cost.model_fields, 0)), stacks={}, fusion="", failures={},
    )  # fmt: skip
    run = finished(tmp_path / "run", Results.of("language-qwen-tiny-3-summer", (), facts))
    kept = keep(run, tmp_path / "results")
    assert kept.name == "language-qwen-tiny-3-summer.json"
    page = scoreboard(tmp_path / "results")
    assert "## LLM reasoner: strategy `summer`, model `qwen/tiny 3`, train split" in page
    assert "## PerturbQA: official test rows" not in page


def test_predictions_that_a_run_leaves_are_kept_with_its_figures(run, tmp_path):
    (run / KEPT).write_bytes(b"rows")
    keep(run, tmp_path / "results")
    assert (tmp_path / "results" / "strict.parquet").read_bytes() == b"rows"


def test_every_commit_that_a_kept_run_names_is_in_the_history():
    git = ["git", "-C", str(RESULTS)]
    shallow = subprocess.run(
        [*git, "rev-parse", "--is-shallow-repository"], capture_output=True, text=True, check=False
    )
    if shallow.stdout.strip() != "false":
        pytest.skip("no clone with its whole history")
    commits = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["config"]["commit"]
        for path in RESULTS.glob("*.json")
    }
    lost = {
        name: commit
        for name, commit in commits.items()
        if subprocess.run(
            [*git, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False
        ).returncode
    }
    assert not lost, "make these figures anew"


def test_the_committed_scoreboard_is_what_the_committed_results_say():
    assert SCOREBOARD.read_text(encoding="utf-8") == scoreboard(RESULTS)
