"""Responses that somebody predicts stand beside a run's on the same perturbations."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from evals.expression.measures import Yardstick
from evals.harness.page import Record
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.expression import mirror
from models.expression.screens import ExpressionScreen
from tests.app.refusal import one_sentence

PERTURBED = tuple(f"F{number}" for number in range(12))
READOUTS = ("F0", *(f"G{number}" for number in range(20)))


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A run that scored a poor model and no change on twelve single genes of one context."""
    rng = np.random.default_rng(0)
    screen = ExpressionScreen(
        context="papalexi",
        kind="knockout",
        unit="difference of mean log1p expression",
        readouts=READOUTS,
        perturbations=tuple((name,) for name in PERTURBED),
        response=rng.normal(size=(12, 21)).astype(np.float32),
        baseline=np.ones(21, np.float32),
        cells=np.full(12, 30),
    )
    names = SymbolTable([Gene(symbol=name) for name in {*PERTURBED, *READOUTS}])
    monkeypatch.setattr("evals.expression.own.run.read_symbols", lambda root: names)
    monkeypatch.setattr(mirror, "read_contexts", lambda data, asked: [screen])
    said = {
        "no change": np.zeros((12, 21), np.float32),
        "poor": rng.normal(size=(12, 21)).astype(np.float32),
    }
    tables = [
        Yardstick(screen).table(np.arange(12), one).assign(predictor=name)
        for name, one in said.items()
    ]
    run = tmp_path / "run"
    run.mkdir()
    measured = pd.concat(tables).assign(context="papalexi", task="singles")
    measured.to_parquet(run / "measures.parquet")
    (tmp_path / "data" / "perturbqa").mkdir(parents=True)
    long = pd.DataFrame(
        [
            ("papalexi", name, gene, screen.response[row, column] * 0.8)
            for row, name in enumerate(PERTURBED)
            for column, gene in enumerate(READOUTS)
            if gene != name
        ],
        columns=["context", "pert", "gene", "change"],
    )
    return tmp_path, long


def score(folder, table, *words):
    path = folder / "mine.csv"
    table.to_csv(path, index=False)
    given = ["--data", folder / "data", "--out", folder / "own", "--predictions", path, *words]
    return CliRunner().invoke(app, ["eval", "expression", *map(str, given)])


def test_better_responses_are_told_to_be_better(world):
    folder, mine = world
    done = score(folder, mine, "--against", folder / "run")
    assert done.exit_code == 0, done.output
    assert "papalexi, singles: 251 of 251 rows (100.0%)" in done.stdout
    scores = Record.read(folder / "own").results.scores
    gains = {(gain.than, gain.measure): gain for gain in scores.gains}
    assert gains["poor", "l2"].verdict == gains["poor", "pearson"].verdict == "better"
    assert gains["no change", "l2"].value.value == pytest.approx(0.8, abs=0.01)
    assert scores.find(predictor="yours", measure="pearson").value.value == pytest.approx(1)


def test_a_perturbation_with_gaps_is_left_out_for_all_and_told(world):
    folder, mine = world
    gaps = mine.copy()
    gaps.loc[gaps.index[0], "change"] = np.nan
    rows = gaps.index[gaps.pert == "F1"]
    twice = pd.concat([gaps.drop(index=rows[0]), gaps.loc[[rows[5]]]])
    stranger = pd.concat([twice, twice.iloc[[50]].assign(gene="G99")])
    done = score(folder, stranger, "--against", folder / "run")
    assert done.exit_code == 0, done.output
    assert "249 of 251 rows" in done.stdout
    assert "1 not in it, 1 without a number, 1 said twice, 1 that nothing asks" in done.stdout
    assert "Left out for lack of some readouts: 2 (F0, F1)" in done.stdout
    scores = Record.read(folder / "own").results.scores
    assert {one.value.n for one in scores.plain} == {10}


def test_what_cannot_be_compared_is_one_sentence(world):
    folder, mine = world
    against = ("--against", folder / "run")
    assert "name its folder as --against" in one_sentence(score(folder, mine))
    other = one_sentence(score(folder, mine.assign(context="norman"), *against))
    assert "names no context of the run" in other
    few = one_sentence(score(folder, mine[mine.gene != "G3"], *against))
    assert "answers no perturbation in full" in few
    strict = one_sentence(score(folder, mine.drop(index=0), *against, "--strict"))
    assert "1 not in it; mend the file" in strict
    alone = CliRunner().invoke(app, ["eval", "expression", "--data", "x", "--out", "y", "--strict"])
    assert "add --predictions" in one_sentence(alone)
