"""A benchmark is its arithmetic: the harness claims a folder, keeps units, compares and shows."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evals.harness import page as harness_page
from evals.harness.benchmark import Benchmark
from evals.harness.metrics import Ranking
from evals.harness.page import Page, Record, Section
from evals.harness.resampling import Estimate, Resampler, Sample
from evals.harness.run import Inputs, Unit, claim
from evals.harness.scores import Gain, Measure, Results, Score, Scores
from evals.harness.tables import judged, pivot
from evals.scoreboard import keep
from knowledge.errors import DataError, RunError
from knowledge.schema import Frozen


# A toy benchmark begins here: is a coin that knows the answer ahead of one that guesses?
class CoinEval(Frozen):
    """Attributes: seed: of the throws; lines: where they are thrown; draws: of the resamples."""

    seed: int = 0
    lines: tuple[str, ...] = ("K562", "RPE1")
    draws: int = 50


def thrown(answers, line, seed):
    """Return what both coins say of every answer, in one line."""
    truth = pd.read_csv(answers)
    guess = np.random.default_rng([seed, len(line)]).random(len(truth))
    return truth.assign(knowing=truth["label"] + guess, guessing=guess)


def scored(tables, settings):
    for line, table in zip(settings.lines, tables, strict=True):
        draw = Resampler(table["pert"], settings.seed, settings.draws)
        group = np.zeros(len(table), np.int64)
        found = {
            name: draw.auroc(table["pert"], Ranking(group, table["label"], table[name]))
            for name in ("knowing", "guessing")
        }
        for name, sample in found.items():
            role = "ours" if name == "knowing" else "control"
            yield Score(name, "auroc", sample, role, cell_line=line)
        ahead = found["knowing"] - found["guessing"]
        yield Gain("knowing", "guessing", "auroc", ahead, cell_line=line)


def coin_page(record):
    scores = record.results.scores
    sections = (
        Section("Coins", "", (pivot(scores.plain, "predictor", "cell_line"),)),
        Section("Ahead", "", (pivot(Scores(scores.gains), "than", "cell_line", judged),)),
    )
    return Page("Coins", ("Two coins.",), record.made(), sections, ours="knowing")


COINS = Benchmark("coins", coin_page, lambda results: str(results.scores[0]))


def evaluate(answers, out, settings, throw=thrown):
    def work(run):
        units = [
            Unit(f"throws/{line}", partial(throw, answers, line, settings.seed), "throw")
            for line in settings.lines
        ]
        return Results.of("coins", scored(run.tables(units, 0, 0.9), settings))

    inputs = Inputs({"answers.csv": answers}, modules=(harness_page,))
    return COINS.evaluate(out, settings, inputs, work, lambda what, done: None)


# And ends here.
@pytest.fixture
def answers(tmp_path):
    table = pd.DataFrame({"pert": [f"P{i}" for i in range(40)], "label": [0, 1] * 20})
    table.to_csv(tmp_path / "answers.csv", index=False)
    return tmp_path / "answers.csv"


def test_a_toy_benchmark_runs_from_end_to_end(answers, tmp_path):
    results = evaluate(answers, tmp_path / "run", CoinEval())
    page = (tmp_path / "run" / "scoreboard.md").read_text()
    assert "| knowing | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] |" in page
    assert " better |" in page
    assert '<tr class="ours"><td>knowing</td>' in (tmp_path / "run" / "report.html").read_text()
    long = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert {"cell_line", "predictor", "role", "than", "measure", "value", "low", "high"} < {*long}
    kept = keep(tmp_path / "run", tmp_path / "results")
    assert kept.name == "coins.json"
    assert Record.read(kept).results.dump() == results.dump()


def test_it_takes_less_than_eighty_lines():
    text = Path(__file__).read_text(encoding="utf-8")
    toy = text[text.index("# A toy benchmark") : text.index("# And ends here.")]
    assert toy.count("\n") < 80


def test_an_interrupted_run_goes_on_and_a_finished_one_is_only_read(answers, tmp_path):
    done = []

    def stopping(answers, line, seed):
        if len(done) == 1:
            done.append("cut")
            raise KeyboardInterrupt
        done.append(line)
        return thrown(answers, line, seed)

    with pytest.raises(KeyboardInterrupt):
        evaluate(answers, tmp_path / "cut", CoinEval(), stopping)
    found = evaluate(answers, tmp_path / "cut", CoinEval(), stopping)
    assert found.dump() == evaluate(answers, tmp_path / "whole", CoinEval()).dump()
    assert done == ["K562", "cut", "RPE1"], "no unit is done twice"
    (tmp_path / "cut" / "report.html").unlink()
    evaluate(answers, tmp_path / "cut", CoinEval(), throw=None)
    assert (tmp_path / "cut" / "report.html").is_file()
    assert json.loads((tmp_path / "cut" / "timing.json").read_text())["seconds"]["throw"] > 0


def test_other_settings_data_or_code_in_the_same_folder_are_one_sentence(answers, tmp_path):
    out = tmp_path / "run"
    evaluate(answers, out, CoinEval())
    with pytest.raises(RunError, match=r"other settings \(seed changed\); name another --out"):
        evaluate(answers, out, CoinEval(seed=1))
    config = json.loads((out / "config.json").read_text())
    assert "evals/harness/resampling.py" in config["code"]
    config["code"]["evals/harness/resampling.py"] = "of another day"
    (out / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match=r"other code \(evals/harness/resampling.py changed\)"):
        evaluate(answers, out, CoinEval())
    answers.write_text(answers.read_text() + "P40,1\n")
    with pytest.raises(RunError, match=r"other data \(answers.csv changed\)"):
        evaluate(answers, out, CoinEval())


def test_prose_is_no_part_of_a_run():
    from evals import harness

    inputs = Inputs({}, modules=(harness,), unscored=frozenset({"tables"}))
    code = inputs.fingerprint()["code"]
    assert "evals/harness/scores.py" in code
    assert not {f"evals/harness/{name}.py" for name in ("page", "plots", "tables")} & {*code}


@pytest.mark.parametrize("text", ["", "[]", '{"settings": 1}'])
def test_a_folder_of_something_else_is_left_alone(tmp_path, text):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(RunError, match="something other than an evaluation"):
        claim(tmp_path, {})
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config.json cannot be read .*; name another --out"):
        claim(tmp_path, {})


def test_figures_of_an_older_version_are_one_sentence(tmp_path):
    old = {"kind": "coins", "scores": [{"predictor": "knowing", "auroc": {"value": 1}}]}
    with pytest.raises(DataError, match=r"no figures of this version .* run the evaluation again"):
        Results.load(old, tmp_path)


def test_a_missing_input_is_named_before_the_folder_is_claimed(answers, tmp_path):
    answers.unlink()
    with pytest.raises(DataError, match=r"answers.csv is missing"):
        evaluate(answers, tmp_path / "run", CoinEval())
    assert not (tmp_path / "run").exists()


def test_less_of_a_distance_is_a_gain_and_may_be_told_as_a_share():
    mine, theirs = (Sample(value, np.full(3, value), 4) for value in (3.0, 4.0))
    assert Measure(name="L2", better="less").ahead(mine, theirs).value == 1
    share = Measure(name="L2", better="less", relative=True).ahead(mine, theirs)
    assert (share.value, share.draws[0], share.units) == (0.25, 0.25, 4)
    assert Measure(name="AUROC").ahead(mine, theirs).value == -1


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.1, "better"), (-0.1, 0.1, "level"), (-1, -0.1, "worse")]
)
def test_a_gain_is_judged_by_its_interval(low, high, verdict):
    value = Estimate(value=(low + high) / 2, low=low, high=high, n=9)
    assert Gain("one", "other", "auroc", value).verdict == verdict


def test_the_long_table_comes_back_as_it_was():
    found = Scores(
        [
            Score("one", "rows", 3, task="de", hidden=0.25, curated=True),
            Gain("one", "other", "auroc", Estimate(value=0.1, low=0.0, high=0.2, n=7), line="K562"),
        ]
    )
    back = Results.load(json.loads(Results("toy", found).dump()), "here").scores
    assert [*back.rows()] == [*found.rows()]
    assert back.find(hidden=0.25, curated=True)["task"] == "de"
    assert [gain.than for gain in back.where(line=("K562", "RPE1")).gains] == ["other"]


def test_values_that_are_not_numbers_are_left_out_of_a_mean():
    draw = Resampler(["A", "B", "C"], 0, 20)
    found = draw.mean(["A", "B", "C"], [1.0, np.nan, 3.0])
    assert (found.value, found.units) == (2.0, 2)
    assert not draw.mean(["A"], [np.nan]).known
