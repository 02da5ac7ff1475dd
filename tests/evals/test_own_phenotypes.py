"""Phenotypes that somebody predicts stand beside a run's on the same resampled genes."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from evals.harness.page import Record
from evals.phenotypes.predictors import REQUIRED
from evals.phenotypes.run import evaluate
from evals.phenotypes.splits import random_split
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from tests.app.refusal import one_sentence
from tests.evals.test_phenotypes import GENES, SETTINGS, labels, quiet, world  # noqa: F401


@pytest.fixture
def run(world, labels, monkeypatch):  # noqa: F811
    names = SymbolTable([Gene(symbol=name) for name in GENES])
    monkeypatch.setattr("evals.phenotypes.own.run.read_symbols", lambda root: names)
    monkeypatch.setattr("evals.phenotypes.own.run.sources_root", lambda data: data)
    evaluate(world, world / "run", SETTINGS, quiet)
    tested = [GENES[at] for fold in random_split(GENES, SETTINGS.seed)[:2] for at in fold.test]
    truth = pd.DataFrame(
        labels.propagated.toarray(), index=GENES, columns=labels.vocabulary.terms
    ).loc[tested]
    long = truth.stack().rename("p").rename_axis(["gene", "term"]).reset_index()
    return world, long.assign(p=0.1 + 0.8 * long.p, collection="mp", split="random")


def score(folder, table, *words):
    path = folder / "mine.csv"
    table.to_csv(path, index=False)
    given = ["--data", folder, "--out", folder / "own", "--predictions", path, *words]
    return CliRunner().invoke(app, ["eval", "genepheno", *map(str, given)])


def test_the_truth_is_told_to_be_better_and_gaps_are_counted(run):
    folder, mine = run
    mine.loc[0, "p"] = np.nan
    done = score(folder, mine.drop(index=[1, 2]), "--against", folder / "run")
    assert done.exit_code == 0, done.output
    assert f"{len(mine) - 3} of {len(mine)} rows" in done.stdout
    assert "2 not in it, 1 without a number" in done.stdout
    gains = Record.read(folder / "own").results.scores.gains
    ahead = {(gain.than, gain.measure): gain.verdict for gain in gains}
    assert ahead[REQUIRED[0], "f_max"] == ahead[REQUIRED[0], "auroc"] == "better"


def test_what_cannot_be_compared_is_one_sentence(run):
    folder, mine = run
    assert "name its folder as --against" in one_sentence(score(folder, mine))
    against = ("--against", folder / "run")
    other = score(folder, mine.assign(split="homology"), *against)
    assert "those are mp random" in one_sentence(other)
    strict = score(folder, mine.drop(index=0), *against, "--strict")
    assert "1 not in it; mend the file" in one_sentence(strict)
