"""Scores of programmes: known sets are found again, and the page tells what was measured."""

import json

import numpy as np
import pandas as pd
import pytest

from evals.harness.resampling import Resampler
from evals.programmes import stacked
from evals.programmes.answers import experiments, usual
from evals.programmes.recovery import _best, _top
from evals.programmes.run import ALL, HABIT, PROGRAMMES, SHUFFLED, _direction
from evals.scoreboard import RESULTS


class _Model:
    class config:  # as the model has it
        least_expected = 0.1


def test_a_set_that_is_a_programme_has_a_jaccard_index_of_one_and_half_of_it_a_third():
    loaded = np.zeros((20, 2))
    loaded[:4, 0], loaded[10:14, 1] = 1.0, -2.0
    tops = {(4, sign): _top(sign * loaded, 4) for sign in (1, -1)}
    assert _best({0, 1, 2, 3}, loaded, tops) == 1.0
    assert _best({10, 11, 12, 13}, loaded, tops) == 1.0
    # Two of four hit: 2 / (4 + 4 - 2).
    assert _best({0, 1, 18, 19}, loaded, tops) == pytest.approx(1 / 3)


def _table() -> pd.DataFrame:
    """Two readouts that went up and down under six perturbations, told rightly five times."""
    up = np.array([1, 0, 1, 0, 1, 0] * 2, float)
    value = np.where(up == 1, 1.0, -1.0)
    value[0] = -2.0
    changed = pd.DataFrame(
        {"cell_line": "K562", "pert": list("abcdef") * 2, "gene": ["X"] * 6 + ["Y"] * 6,
         "is_up": up, "value": value}
    )  # fmt: skip
    silent = changed.assign(is_up=np.nan, value=0.01, gene="Z")
    rows = pd.concat([changed, silent], ignore_index=True)
    more = {
        "shuffled": 0.0, "other": 0.0, "shuffled_right": 0.5, "shuffled_told": 0.0,
        "other_right": 0.5, "other_told": 0.0, "usual": 1.0, "p_up": 0.5, "documented": 0.0,
        "without_leading": 0.0,
    }  # fmt: skip
    return rows.assign(told=rows.value.abs() >= 0.1, without_another=rows.value, **more)


def test_coverage_and_agreement_are_those_by_hand():
    table = _table()
    found = list(_direction(table, ALL, _Model, Resampler(table.pert, 0, 20)))
    by = {(one.predictor, one.measure, one["on"]): one.value.value for one in found if not one.than}
    assert by[PROGRAMMES, "changed covered", None] == 1.0
    assert by[PROGRAMMES, "unchanged covered", None] == 0.0
    assert by[PROGRAMMES, "agreement", None] == pytest.approx(11 / 12)
    assert by[HABIT, "agreement", PROGRAMMES] == 0.5
    # X: the one that is told wrongly loses its three pairs of nine; Y: all are right.
    assert by[PROGRAMMES, "within-readout AUROC", None] == pytest.approx((6 / 9 + 1) / 2)
    assert by[SHUFFLED, "within-readout AUROC", None] == 0.5
    assert by["without the leading programme", "answers gone or turned", None] == 1.0
    assert by["without the another programme", "answers gone or turned", None] == 0.0


def test_rows_are_asked_by_experiment_and_habits_come_from_training_rows():
    rows = _table()[["cell_line", "pert", "gene", "is_up"]]
    found = experiments(rows)
    assert sum(len(one.at) for one in found) == len(rows)
    assert all(rows.gene[at] == gene for one in found for gene, at in zip(one.genes, one.at,
                                                                         strict=True))  # fmt: skip
    assert usual(rows[:1], rows).tolist() == [0.0]


@pytest.mark.skipif(not (RESULTS / "programmes.json").is_file(), reason="not scored yet")
def test_the_kept_figures_explain_most_of_what_changes():
    from evals.harness.page import Record

    scores = Record.read(RESULTS / "programmes.json").results.scores
    both = scores.plain.where(predictor="programmes and documented paths", line="all")
    values = {one.measure: one.value for one in both}
    assert values["changed covered"].value >= 0.6
    assert values["unchanged covered"].value <= 0.25
    assert values["agreement"].value >= 0.85
    gain = next(one for one in scores.gains
                if one.predictor == "programmes and documented paths" and one["line"] == "all"
                and one.than == HABIT)  # fmt: skip
    assert gain.value.low > 0
    assert json.loads((RESULTS / "programmes.json").read_text())["config"]["commit"]


def test_programmes_are_seen_to_help_only_where_they_know_more():
    rng = np.random.default_rng(0)
    n = 1200
    up = rng.integers(0, 2, n)
    rows = pd.DataFrame(
        {"cell_line": "K562", "pert": rng.choice(list("abcdefghij"), n),
         "gene": rng.choice(["X", "Y"], n), "is_up": up,
         "p_up": rng.uniform(0.2, 0.6, n) + 0.2 * up}
    )  # fmt: skip
    rows["fold"] = rows.pert.map(lambda pert: "abcdefghij".index(pert) % 5)
    test = rows.sample(300, random_state=0).drop(columns="fold")

    def gain(value):
        both = rows.assign(value=value), test.assign(value=pd.Series(value)[test.index].to_numpy())
        found = stacked.scores(*both, seed=0, draws=50)
        return [one.value.value for one in found if one.than]

    assert min(gain(np.where(up == 1, 1.0, -1.0) + rng.normal(0, 0.5, n))) > 0.1
    assert max(abs(one) for one in gain(np.zeros(n))) < 1e-9
