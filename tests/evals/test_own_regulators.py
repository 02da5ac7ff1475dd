"""Directions that somebody brings stand beside a run's on the same pairs."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from evals.harness.page import Record
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from tests.app.refusal import one_sentence

REGULATORS, GENES = tuple(f"F{i}" for i in range(8)), tuple(f"G{i}" for i in range(40))


@pytest.fixture
def world(tmp_path, monkeypatch):
    names = [Gene(symbol=name) for name in (*REGULATORS, *GENES)]
    monkeypatch.setattr("evals.regulators.own.run.read_symbols", lambda root: SymbolTable(names))
    rng = np.random.default_rng(0)
    pairs = pd.DataFrame([(r, g) for r in REGULATORS for g in GENES], columns=["regulator", "gene"])
    pairs["kind"], pairs["votes"] = "both", rng.integers(1, 4, len(pairs))
    pairs["up"] = (rng.random(len(pairs)) < 0.5).astype(int)
    pairs["fused answer"] = rng.normal(size=len(pairs)) + 0.5 * (2 * pairs.up - 1)
    pairs["gene prior"] = rng.normal(size=len(pairs))
    (tmp_path / "run").mkdir()
    pairs.to_parquet(tmp_path / "run" / "pairs.parquet")
    (tmp_path / "data" / "perturbqa").mkdir(parents=True)
    return tmp_path, pairs


def run(folder, table, *words):
    path = folder / "mine.csv"
    table.to_csv(path, index=False)
    given = ["--data", folder / "data", "--out", folder / "own", "--predictions", path, *words]
    return CliRunner().invoke(app, ["eval", "regulators", *map(str, given)])


def test_better_directions_are_told_to_be_better(world):
    folder, pairs = world
    mine = pairs[["regulator", "gene"]].assign(p_up=0.1 + 0.8 * pairs.up)
    done = run(folder, mine.drop(index=[0, 1]), "--against", folder / "run")
    assert done.exit_code == 0, done.output
    assert "318 of 320 rows (99.4%); 2 not in it (such as F0 G0, F0 G1)" in done.stdout
    gains = Record.read(folder / "own").results.scores.where(votes=1).gains
    assert {gain.verdict for gain in gains} == {"better"}
    assert {gain.than for gain in gains} == {"fused answer", "gene prior"}


def test_what_cannot_be_compared_is_one_sentence(world):
    folder, pairs = world
    mine = pairs[["regulator", "gene"]].assign(p_up=0.5)
    assert "name its folder as --against" in one_sentence(run(folder, mine))
    strange = run(folder, mine.assign(regulator="NONE"), "--against", folder / "run")
    assert "answers no pair of a regulator and a gene" in one_sentence(strange)
    strict = run(folder, mine.drop(index=0), "--against", folder / "run", "--strict")
    assert "1 not in it; mend the file" in one_sentence(strict)
