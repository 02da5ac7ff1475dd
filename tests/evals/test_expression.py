"""Expression responses are measured as published, compared on the same rows, and gone on with."""

import json

import numpy as np
import pandas as pd
import pytest

from evals.expression import run as runs
from evals.expression.measures import (
    CellSamples,
    Yardstick,
    correlation,
    direction,
    discrimination,
    interactions,
)
from evals.expression.page import BENCHMARK
from evals.expression.predictors import Entry, Knowledge, entries
from evals.expression.run import ExpressionEval, evaluate
from evals.expression.score import Comparison
from evals.harness.page import Record
from evals.harness.run import Inputs
from evals.harness.scores import Scores
from evals.scoreboard import keep, scoreboard
from knowledge.errors import RunError
from models.expression.baselines import (
    Additive,
    NoChange,
    RidgeFeatures,
    ScaledAdditive,
    TrainingMean,
)
from models.expression.genes import GeneFeatures
from models.expression.mirror import Cells
from models.expression.screens import ExpressionScreen, together

GENES = tuple(f"G{number:02}" for number in range(12))
PAIRS = tuple(together(pair) for pair in zip(GENES[::2], GENES[1::2], strict=True))
READOUTS = 40


@pytest.fixture
def screen():
    rng = np.random.default_rng(0)
    singles = rng.normal(size=(12, READOUTS))
    doubles = 0.8 * (singles[::2] + singles[1::2]) + 0.05 * rng.normal(size=(6, READOUTS))
    return ExpressionScreen(
        context="norman-latent",
        kind="activation",
        unit="latent",
        readouts=tuple(f"R{number}" for number in range(READOUTS)),
        perturbations=(*((gene,) for gene in GENES), *PAIRS),
        response=np.concatenate([singles, doubles]).astype(np.float32),
        baseline=None,
        cells=np.ones(18, int),
    )


@pytest.fixture
def world(screen, tmp_path, monkeypatch):
    """A data folder without files, whose only context is the made-up screen."""
    rng = np.random.default_rng(1)
    features = GeneFeatures(GENES, rng.normal(size=(12, 4)).astype(np.float32))
    norman = pd.DataFrame(
        {"ts_norm2": [0.7, 1.2, 0.8, 1.1, 0.9, 1.3], "corr_sum": np.linspace(0.6, 0.95, 6)},
        index=["+".join(pair) for pair in PAIRS],
    )
    monkeypatch.setattr(runs, "sources_root", lambda data: data)
    monkeypatch.setattr(runs, "_world", lambda data, settings: ([screen], Knowledge(features)))
    monkeypatch.setattr(runs, "_norman", lambda root: norman)
    monkeypatch.setattr(runs, "entries", lambda knowledge, *rest, **more: quick(features))
    monkeypatch.setattr(runs, "_inputs", lambda root, settings: Inputs({}, ()))
    return tmp_path


def quiet(what, done):
    assert 0 <= done <= 1


def quick(features):
    """Baselines, and one predictor of ours that takes no time."""
    baselines = (NoChange(), TrainingMean(), Additive(), ScaledAdditive())
    ours = Entry(RidgeFeatures(features, "ours"), "ours")
    return [*(Entry(one, "baseline") for one in baselines), ours]


SETTINGS = ExpressionEval(contexts=("norman-latent",), folds=3, neural=False, draws=50)


def test_the_right_prediction_is_at_no_distance_and_found_among_all(screen):
    rows = np.arange(12)
    table = Yardstick(screen).table(rows, screen.response[rows])
    assert table["l2"].to_numpy() == pytest.approx(0)
    assert table["pearson"].to_numpy() == pytest.approx(1)
    assert table["direction"].to_numpy() == pytest.approx(1)
    assert table["discrimination"].to_numpy() == pytest.approx(1)


def test_measures_agree_with_a_case_by_hand():
    truth = np.array([[3.0, -4.0, 0.0, 0.0]])
    assert correlation(np.array([[3.0, -4.0, 0.0, 0.0]]), truth)[0] == pytest.approx(1)
    assert np.isnan(correlation(np.zeros((1, 4)), truth)[0])
    # A fifth of four readouts is one: the largest change alone is asked about.
    assert direction(np.array([[-9.0, -1.0, 0.0, 0.0]]), truth)[0] == 1
    assert direction(np.array([[9.0, 1.0, 0.0, 0.0]]), truth)[0] == 0
    assert direction(np.zeros((1, 4)), truth)[0] == 0.5
    measured = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 4.0]])
    said = np.array([[0.0, 1.2]])
    found = discrimination(said, np.array([1]), np.array([0, 1, 2]), measured)
    assert found[0] == pytest.approx(0.5)  # the third is farther, the first is nearer
    equal = discrimination(np.zeros((1, 1)), np.array([0]), np.arange(2), np.array([[1.0], [-1]]))
    assert equal[0] == pytest.approx(0.5)


def test_ties_of_signs_are_all_asked_about():
    truth = np.array([[1.0, -1.0, 1.0, 0.0, 0.0]])
    assert direction(np.array([[1.0, 1.0, 1.0, 1.0, 1.0]]), truth)[0] == pytest.approx(2 / 3)


def test_interactions_are_read_off_the_fit_to_the_singles():
    singles = {"A": np.array([1.0, 0.0, 0.0]), "B": np.array([0.0, 1.0, 0.0])}
    response = np.array([[1.0, 1.0, 0.0], [0.6, 0.0, 0.8]])
    asked = [("A", "B"), ("A", "B")]
    magnitude, misfit = interactions(asked, response, singles)
    assert magnitude == pytest.approx([np.sqrt(2), 0.6], abs=1e-4)
    assert misfit[0] == pytest.approx(0)
    assert misfit[1] > 0.5
    assert np.isnan(interactions([("A", "C")], response[:1], singles)[0][0])


def test_energy_distance_is_least_for_the_true_shift():
    rng = np.random.default_rng(0)
    control, moved = rng.normal(size=(150, 3)), rng.normal([2, 0, 0], size=(150, 3))
    labels = ((),) * 150 + (("A",),) * 150
    cells = CellSamples.of(Cells(np.concatenate([control, moved]), labels), rng)
    right, none, wrong = (cells.energy(("A",), np.array([x, 0, 0])) for x in (2.0, 0.0, -2.0))
    assert abs(right) < 0.05 < none < wrong
    assert np.isnan(cells.energy(("B",), np.zeros(3)))


def table_of(l2, answered=True):
    names = [f"P{number}" for number in range(len(l2))]
    empty = dict.fromkeys(["pearson", "direction", "discrimination", "energy"], np.nan)
    return pd.DataFrame({"perturbation": names, "l2": l2, "answered": answered, **empty})


def test_gains_are_over_the_best_baseline_on_the_same_rows():
    rng = np.random.default_rng(0)
    hard = rng.uniform(1, 5, size=40)
    tables = {
        "no change": table_of(hard),
        "training mean": table_of(0.5 * hard),
        "additive": table_of(0.1 * hard, answered=False),
        "ours": table_of(0.45 * hard),
        "bad": table_of(0.6 * hard),
    }
    roles = dict.fromkeys(tables, "baseline") | {"ours": "ours", "bad": "ours"}
    scores = Scores(Comparison(tables, roles, 0, 100).scores("c", "singles"))
    assert "additive" not in scores.values("predictor"), "one without any answer is left out"
    ours, bad = scores.gains
    assert (ours.predictor, ours.than) == ("ours", "training mean")
    assert ours.value.value == pytest.approx(0.1)
    # Every row is a tenth better, so that resampling rows changes nothing.
    assert ours.value.low == pytest.approx(ours.value.high)
    ratio = scores.find(predictor="ours", measure="l2 to no change")
    assert ratio.value.value == pytest.approx(0.45)
    assert (ours.verdict, bad.verdict) == ("better", "worse")


def test_a_run_scores_all_tasks_and_is_on_the_scoreboard(world):
    out = world / "run"
    metrics = evaluate(world, out, SETTINGS, 1, quiet)
    distances = metrics.scores.plain.where(measure=("l2", "l2 to additive"))
    found = {
        key: one.value.value for key, one in distances.by("task", "predictor", "measure").items()
    }
    scaled, additive, none = (
        found["doubles", name, "l2"] for name in ("scaled additive", "additive", "no change")
    )
    assert scaled < additive < none
    assert found["doubles", "scaled additive", "l2 to additive"] < 0.5
    assert ("singles", "additive", "l2") not in found
    interactions = metrics.scores.where(about="interactions")
    assert {"ours", "the measured double itself"} < {*interactions.values("predictor")}
    kept = keep(out, world / "results")
    assert kept.name == "expression.json"
    page = scoreboard(world / "results", world)
    assert page.count("## Expression responses") == 1
    assert "### norman-latent: unseen doubles (6)" in page
    assert "| *additive* | 2.765 |" in page
    assert BENCHMARK.page(Record.read(kept)).markdown() in page


def test_an_interrupted_run_goes_on_and_gives_the_same_figures(world, monkeypatch):
    whole = evaluate(world, world / "whole", SETTINGS, 1, quiet)
    answers, calls = runs.answers, []

    def stopping(predictor, *rest):
        calls.append(predictor.name)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return answers(predictor, *rest)

    monkeypatch.setattr(runs, "answers", stopping)
    with pytest.raises(KeyboardInterrupt):
        evaluate(world, world / "cut", SETTINGS, 1, quiet)
    assert evaluate(world, world / "cut", SETTINGS, 1, quiet) == whole
    seconds = json.loads((world / "cut" / "timing.json").read_text())["seconds"]
    assert seconds["no change"] > 0
    total = len(calls)
    evaluate(world, world / "cut", SETTINGS, 1, quiet)
    assert len(calls) == total, "a finished run is only rendered anew"


def test_a_folder_holds_one_run(world):
    evaluate(world, world / "run", SETTINGS, 1, quiet)
    with pytest.raises(RunError, match=r"other settings \(seed changed\); name another --out"):
        evaluate(world, world / "run", SETTINGS.model_copy(update={"seed": 1}), 1, quiet)
    (world / "else").mkdir()
    (world / "else" / "thesis.txt").touch()
    with pytest.raises(RunError, match="something other than an evaluation"):
        evaluate(world, world / "else", SETTINGS, 1, quiet)


def test_every_predictor_has_a_name_of_its_own_and_baselines_are_marked(screen):
    features = GeneFeatures(GENES, np.eye(12, dtype=np.float32))
    found = entries(Knowledge(features, transfer={"replogle-k562": screen}), screen, 0)
    names = [entry.predictor.name for entry in found]
    assert len(set(names)) == len(names)
    baselines = {entry.predictor.name for entry in found if entry.role == "baseline"}
    assert {"no change", "additive", "linear, embeddings from norman-latent"} <= baselines
    assert {entry.predictor.name for entry in found} - baselines == {
        "kernel residual", "chosen in training",
    }  # fmt: skip
    assert all(isinstance(entry, Entry) for entry in found)
    simple = {NoChange().name, TrainingMean().name, Additive().name}
    assert simple <= baselines


@pytest.mark.data
@pytest.mark.slow
def test_additive_beats_no_change_on_real_doubles(tmp_path, data_mirror, monkeypatch):
    features = GeneFeatures((), np.zeros((0, 4), np.float32))
    monkeypatch.setattr(runs, "entries", lambda *rest, **more: quick(features)[:4])
    settings = ExpressionEval(contexts=("norman",), neural=False, draws=50)
    metrics = evaluate(data_mirror, tmp_path / "run", settings, 1, quiet)
    found = metrics.scores.plain.where(task="doubles").by("predictor", "measure")
    assert found["additive", "l2 to no change"].value.value < 0.5
    assert found["additive", "energy"].value.value < found["no change", "energy"].value.value
