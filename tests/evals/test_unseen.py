"""What is unseen is hidden in every row that shares it, and the trap of mixed folds inverts."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evals.harness.resampling import Resampler
from evals.harness.scores import Scores
from evals.unseen.page import sections
from evals.unseen.score import ACROSS, scores
from evals.unseen.splits import SPLITS, related, split
from evals.unseen.unit import CONTROLS, MODEL, PERTURBATION, READOUT, answers
from models.response.settings import TrainingSettings

SMALL_WORLD = runpy.run_path(str(Path(__file__).parents[1] / "models" / "conftest.py"))
FOLDS = 3


@pytest.fixture(scope="module")
def corpus():
    return SMALL_WORLD["synthetic_corpus"]()


def folds_of(name, corpus):
    members = SMALL_WORLD["PER_COMPLEX"]
    perts = corpus.screens.perturbations
    groups = [perts[i : i + members] for i in range(0, len(perts), members)]
    readouts = len(corpus.screens.readouts)
    rng = np.random.default_rng(0)
    return split(name, corpus.screens.rows, related(perts, groups), readouts, FOLDS, rng)


@pytest.mark.parametrize("name", SPLITS)
def test_no_row_that_is_seen_shares_what_is_unseen(corpus, name):
    rows, folds = corpus.screens.rows, folds_of(name, corpus)
    complex_of = np.arange(len(corpus.screens.perturbations)) // SMALL_WORLD["PER_COMPLEX"]
    for k in range(FOLDS):
        asked, seen = folds.asked(rows, k), ~folds.hidden(rows, k)
        assert asked.any()
        assert seen.any()
        assert not (asked & seen).any()
        if name != "readout":
            assert not set(rows.pert[asked]) & set(rows.pert[seen])
        if name in ("readout", "both"):
            assert not set(rows.readout[asked]) & set(rows.readout[seen])
        if name == "family":
            assert not set(complex_of[rows.pert[asked]]) & set(complex_of[rows.pert[seen]])
    if name != "both":
        every = sum(folds.asked(rows, k).astype(int) for k in range(FOLDS))
        assert (every == 1).all()


def test_as_many_are_hidden_at_random_as_of_a_family(corpus):
    family, others = folds_of("family", corpus), folds_of("as many", corpus)
    assert (family.perturbation == others.perturbation).all()
    assert (family.besides.sum(1) == others.besides.sum(1)).all()


def test_relatives_help_and_their_loss_hurts(corpus):
    few = TrainingSettings(rounds=20, rank=8, threads=1)
    tables = {
        name: answers(corpus, folds_of(name, corpus), FOLDS, few, lambda what, done: None)
        for name in ("perturbation", "family")
    }
    assert {MODEL, *CONTROLS} <= {*tables["family"]}
    found = Scores(scores(tables, 0, 20))
    told = {
        one["split"]: one.value.value
        for one in found.where(predictor=MODEL, measure="auroc", task="de", within="readout").plain
        if one["cell_line"] == "mean"
    }
    assert told["perturbation"] > 0.65 > told["family"]
    assert sections(found)[0].tables[0].header[0] == "predictor"


def test_the_rate_of_other_folds_is_upside_down_where_folds_are_mixed():
    rng = np.random.default_rng(0)
    pairs = [(f"P{p}", f"G{g}", p % 5) for p in range(60) for g in range(40)]
    table = pd.DataFrame(pairs, columns=["pert", "gene", "fold"])
    table = table.assign(cell_line="K562", task="de", nearest=0.5)
    table["label"] = (rng.random(len(table)) < 0.3).astype(int)
    total = table.groupby("gene").label.transform("sum")
    mine = table.groupby(["gene", "fold"]).label.transform("sum")
    table[READOUT] = (total - mine) / 48
    for name in (MODEL, *CONTROLS):
        table[name] = table[name] if name == READOUT else rng.random(len(table))
    found = Scores(scores({"perturbation": table}, 0, 20))
    trap = found.find(measure=ACROSS, predictor=READOUT, within="readout")
    fair = found.find(measure="auroc", predictor=READOUT, within="readout")
    assert trap.value.high < 0.45
    assert fair.value.value == pytest.approx(0.5)
    assert found.find(measure=ACROSS, predictor=PERTURBATION) is not None
    assert Resampler(["a"], 0, 2).draws == 2
