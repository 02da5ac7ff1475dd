"""The fused answer beside the response model alone, on tables of held-out predictions."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from evals.fused.page import ALONE, FIRST, FUSED, RARE
from evals.fused.run import (
    fused_scores,
    ranked_lists,
    read_fused,
    with_habit,
)
from evals.harness.resampling import Resampler
from evals.harness.scores import Scores
from evals.scoreboard import keep, scoreboard
from models.inputs.screens import CELL_LINES
from tests.app.refusal import one_sentence

PERTURBATIONS, READOUTS = 30, 40


def table(seed=0, lines=CELL_LINES):
    """The fused answer knows the labels, the response model only half of them."""
    rng = np.random.default_rng(seed)
    rows = [
        (task, f"P{pert}", f"G{gene}", line, int(rng.random() < 0.3), pert % 3)
        for task in ("de", "dir")
        for line in lines
        for pert in range(PERTURBATIONS)
        for gene in range(READOUTS)
    ]
    found = pd.DataFrame(rows, columns=["task", "pert", "gene", "cell_line", "label", "fold"])
    noise = rng.random(len(found))
    found["p"] = np.where(rng.random(len(found)) < 0.5, 0.2 + 0.6 * found["label"], noise)
    found["p_fused"] = 0.1 + 0.8 * found["label"]
    return found


@pytest.fixture
def given(tmp_path):
    table().to_parquet(tmp_path / "fused.parquet")
    return tmp_path / "fused.parquet"


def run(*words):
    return CliRunner().invoke(app, ["eval", "fused", *map(str, words)])


def test_the_gain_of_fusing_is_told_per_task_and_line(given, tmp_path):
    done = run("--multi", given, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "Differential expression, multi" in done.stdout
    assert "| fused answer | 1.000 [1.000, 1.000] |" in done.stdout
    assert "fused minus response | +0." in done.stdout
    kept = keep(tmp_path / "run", tmp_path / "results")
    assert kept.name == "fused.json"
    assert "## PerturbQA: the fused answer" in scoreboard(tmp_path / "results")
    metrics = (tmp_path / "run" / "metrics.json").read_text()
    again = run("--multi", given, "--out", tmp_path / "another")
    assert again.exit_code == 0
    assert (tmp_path / "another" / "metrics.json").read_text() == metrics


def test_an_answer_that_fusion_left_alone_gains_nothing():
    same = table().assign(p_fused=lambda found: found["p"])
    scores = Scores(fused_scores(same, "multi", Resampler(same["pert"], 0, 20)))
    gains = [gain.value for gain in scores.where(predictor=FUSED, than=ALONE).gains]
    assert len(gains) == 2 * (len(CELL_LINES) + 1)
    assert all((one.value, one.low, one.high) == (0, 0, 0) for one in gains)


def test_rows_of_different_folds_are_not_ranked_against_each_other():
    # Right within both folds, wrong between them, as the priors of held-out folds are.
    rows = pd.DataFrame(
        {"pert": ["P0", "P1", "P2", "P3"], "label": [1, 0, 1, 0], "fold": [0, 0, 1, 1],
         "p": [0.4, 0.3, 0.9, 0.8]}
    ).assign(task="de", gene="G0", cell_line="K562", p_fused=lambda found: found["p"])  # fmt: skip
    scores = Scores(fused_scores(rows, "multi", Resampler(rows["pert"], 0, 20)))
    one = scores.plain.find(predictor=ALONE, cell_line="K562", measure="auroc")
    assert one.value.value == 1


@pytest.mark.parametrize("setting", ["multi", "strict"])
def test_a_table_without_folds_gets_those_of_the_default_training(tmp_path, setting):
    table().drop(columns="fold").to_parquet(tmp_path / "old.parquet")
    read = read_fused(tmp_path / "old.parquet", setting)
    unit = ["pert"] if setting == "strict" else ["pert", "cell_line"]
    assert (read.groupby(unit)["fold"].nunique() == 1).all()
    assert read["fold"].nunique() == 10
    lines = read.groupby("pert")["fold"].nunique()
    assert (lines == 1).all() == (setting == "strict")


def test_a_specific_responder_is_rare_under_the_other_perturbations():
    rows = pd.DataFrame(
        {
            "pert": [f"P{number}" for number in range(40)] * 2,
            "gene": ["COMMON"] * 40 + ["RARE"] * 40,
            "label": [1] * 40 + [1] + [0] * 39,
        }
    )
    found = with_habit(rows).set_index(["gene", "pert"])
    assert found.loc[("RARE", "P0"), "specific"]
    assert not found.loc["COMMON", "specific"].any()
    # Its own row is left out: 39 others are unchanged, of 40 with the shrinking ones.
    assert found.loc[("RARE", "P0"), "habit"] < RARE < found.loc[("COMMON", "P0"), "habit"]


def test_a_list_ranked_by_habit_alone_finds_no_specific_responder():
    rng = np.random.default_rng(0)
    parts = []
    for number in range(60):
        gene = [f"H{i}" for i in range(FIRST)] + [f"S{number}-{i}" for i in range(5)]
        parts.append(pd.DataFrame({"gene": gene}).assign(pert=f"P{number}", label=1))
        parts.append(
            pd.DataFrame({"gene": [f"S{i}-{j}" for i in range(60) for j in range(2)]}).assign(
                pert=f"P{number}", label=0
            )
        )
    rows = pd.concat(parts).drop_duplicates(["pert", "gene"])
    rows = rows.assign(task="de", cell_line="K562", fold=0)
    rows["p_fused"] = np.where(rows["label"] == 1, 0.8, 0.1) + rng.random(len(rows)) / 100
    found = {
        one.predictor: one.value.value
        for one in ranked_lists(rows, "multi", Resampler(rows["pert"], 0, 20))
    }
    assert found["habit alone"] == 0
    assert found["P(changes) x (1 - habit), shipped"] == pytest.approx(5 / FIRST)
    assert found["P(changes)"] < 5 / FIRST
    assert found["at most"] == 5 / FIRST


def test_without_a_table_there_is_nothing_to_score(tmp_path):
    assert "give --multi or --strict" in one_sentence(run("--out", tmp_path / "run"))


def test_a_table_that_was_never_fused_is_refused(tmp_path):
    table().drop(columns="p_fused").to_parquet(tmp_path / "held_out.parquet")
    said = one_sentence(run("--strict", tmp_path / "held_out.parquet", "--out", tmp_path / "run"))
    assert "has no column p_fused" in said
    assert not (tmp_path / "run").exists()
