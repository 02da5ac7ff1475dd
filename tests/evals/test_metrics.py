"""The metrics against hand-computed cases and an independent implementation."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaincinv
from sklearn.metrics import average_precision_score, roc_auc_score

from evals.harness.metrics import (
    Ranking,
    brier,
    expected_calibration_error,
    macro_auroc,
    per_group_auroc,
)
from evals.harness.resampling import (
    SHARE,
    Axis,
    Estimate,
    Resampler,
    Sample,
    crossed,
    estimate,
    resamples,
)
from evals.harness.scores import Gain, Score, Scores
from evals.harness.verdicts import counted, widened
from evals.perturbqa.intervals import COVERED, EXPECTED, concentration, coverage
from evals.tasks import auroc


def test_auroc_by_hand_with_a_tie():
    group = np.zeros(4, int)
    label = np.array([1, 0, 1, 0])
    score = np.array([0.9, 0.1, 0.5, 0.5])
    # Pairs: 0.9>0.1, 0.9>0.5, 0.5>0.1 are won, 0.5=0.5 counts half.
    assert macro_auroc(group, label, score) == pytest.approx(3.5 / 4)


def test_groups_of_one_class_are_left_out():
    groups, values = per_group_auroc(
        np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]), np.array([0.1, 0.2, 0.1, 0.2])
    )
    assert groups.tolist() == [1]
    assert values.tolist() == [1.0]


def test_no_group_with_both_classes_is_nan():
    assert math.isnan(macro_auroc(np.zeros(2, int), np.ones(2, int), np.ones(2)))


def test_a_table_of_gene_rates_scores_one_half():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 20, 500)
    label = (rng.random(500) < (group / 20)).astype(int)
    assert macro_auroc(group, label, group / 20) == 0.5


def test_auroc_agrees_with_scikit_learn_group_by_group():
    rng = np.random.default_rng(1)
    group = rng.integers(0, 15, 800)
    label = rng.integers(0, 2, 800)
    score = np.round(rng.random(800), 1)
    weight = rng.integers(0, 3, 800).astype(float)
    groups, values = per_group_auroc(group, label, score, weight)
    for one, value in zip(groups, values, strict=True):
        here = group == one
        expected = roc_auc_score(label[here], score[here], sample_weight=weight[here])
        assert value == pytest.approx(expected)


def test_a_bootstrap_interval_holds_the_value_and_narrows_with_more_units():
    rng = np.random.default_rng(2)

    def width(units):
        unit = np.repeat(np.arange(units), 30)
        group = np.tile(np.arange(30), units)
        label = rng.integers(0, 2, len(unit))
        score = label + rng.normal(0, 2, len(unit))
        found = Resampler(range(units), 0, 60).auroc(unit, Ranking(group, label, score)).estimate()
        assert found.low <= found.value <= found.high
        return found.high - found.low

    assert width(200) < width(20)


def test_calibration_error_and_brier_by_hand():
    label = np.array([0, 0, 1, 1])
    assert expected_calibration_error(label, np.array([0.0, 0.0, 1.0, 1.0]), 2) == 0
    assert expected_calibration_error(label, np.array([0.1, 0.1, 0.7, 0.7]), 2) == pytest.approx(
        0.2
    )
    assert brier(label, np.full(4, 0.5)) == 0.25


def test_resampled_auroc_agrees_with_scikit_learn_draw_by_draw():
    rng = np.random.default_rng(3)
    unit, group = rng.integers(0, 12, 400), rng.integers(0, 8, 400)
    label, score = rng.integers(0, 2, 400), np.round(rng.random(400), 1)
    drawn = resamples(12, 150, rng)
    found = Ranking(group, label, score).resampled(unit, drawn)
    for draw, value in zip(drawn.T, found, strict=True):
        weight = draw[unit]
        each = []
        for one in np.unique(group):
            here = (group == one) & (weight > 0)
            if len(np.unique(label[here])) == 2:
                each.append(roc_auc_score(label[here], score[here], sample_weight=weight[here]))
        assert value == pytest.approx(np.mean(each), abs=1e-6)


def test_a_resample_without_one_class_is_left_out():
    unit = np.array([0, 1])
    ranking = Ranking(np.zeros(2, int), np.array([1, 0]), np.array([0.9, 0.1]))
    drawn = np.array([[1.0, 2.0], [1.0, 0.0]])
    found = ranking.resampled(unit, drawn)
    assert found[0] == 1.0
    assert math.isnan(found[1])
    assert estimate(1.0, found, 2).low == 1.0


def test_every_resample_draws_as_many_units_as_there_are():
    drawn = resamples(40, 25, np.random.default_rng(0))
    assert drawn.shape == (40, 25)
    assert (drawn.sum(axis=0) == 40).all()


def test_paired_differences_are_narrower_than_the_scores_they_compare():
    rng = np.random.default_rng(4)
    n = 6000
    rows = pd.DataFrame(
        {
            "pert": [f"P{i}" for i in rng.integers(0, 60, n)],
            "gene": [f"R{i}" for i in rng.integers(0, 30, n)],
            "cell_line": "K562",
            "fold": 0,
            "label": rng.integers(0, 2, n).astype(float),
        }
    )
    hardness = rows.pert.map({name: rng.normal() for name in rows.pert.unique()})
    rows["good"] = rows.label * (1 + hardness) + rng.normal(0, 1, n)
    rows["worse"] = rows.good + rng.normal(0, 0.3, n)
    draw = Resampler(rows.pert, draws=300)
    good, worse = auroc(rows, "good", draw), auroc(rows, "worse", draw)
    ahead = (good - worse).estimate()
    alone = good.estimate()
    assert 0 < ahead.low < ahead.value == pytest.approx(good.value - worse.value)
    assert ahead.high - ahead.low < (alone.high - alone.low) / 2


def test_average_precision_agrees_with_scikit_learn_ties_and_weights_included():
    rng = np.random.default_rng(3)
    group, label = rng.integers(0, 9, 400), (rng.random(400) < 0.2).astype(int)
    score, weight = np.round(rng.random(400) + 0.3 * label, 1), rng.integers(0, 4, 400) * 1.0
    ranking = Ranking(group, label, score)
    found = ranking.average_precisions(np.c_[np.ones(400), weight])
    for number, name in enumerate(ranking.groups):
        here = group == name
        said = (label[here], score[here])
        assert found[number, 0] == pytest.approx(average_precision_score(*said))
        weighed = average_precision_score(*said, sample_weight=weight[here])
        assert found[number, 1] == pytest.approx(weighed)


def test_readouts_drawn_anew_widen_an_interval_and_leave_the_value():
    rng = np.random.default_rng(4)
    pert, gene = np.repeat(np.arange(30), 20), np.tile(np.arange(20), 30)
    label = (rng.random(600) < 0.3).astype(int)
    score = rng.random(600) + label * (gene % 4)
    ranking = Ranking(gene, label, score)
    perts, genes = (Axis(Resampler(one, seed, 200), one) for seed, one in enumerate((pert, gene)))
    alone, both = crossed(ranking, perts, None), crossed(ranking, perts, genes)
    assert alone.value == both.value == perts.draw.auroc(pert, ranking).value
    one, other = alone.estimate(), both.estimate()
    assert other.high - other.low > one.high - one.low


def test_no_interval_passes_what_no_value_can():
    found = Sample(0.97, np.array([0.8, 0.9, 1.0, 1.0]), 4, bounds=SHARE).estimate()
    assert found.high == 1
    ahead = Sample(0.9, np.zeros(2), 1, bounds=SHARE) - Sample(0.1, np.ones(2), 1, bounds=SHARE)
    assert ahead.bounds == (-1, 1)
    told = Score("one", "auroc", Estimate(value=0.99, low=0.9, high=1.07, n=3))
    assert (told.value.low, told.value.high) == (0.9, 1.0)
    assert Score("one", "l2", Estimate(value=3, low=2, high=4)).value.high == 4


def test_many_comparisons_widen_each_interval():
    gain = Gain("one", "other", "auroc", Estimate(value=0.1, low=0.02, high=0.18, n=9))
    assert counted([gain]) == {"better": 1, "level": 0, "worse": 0}
    assert counted([gain], among=100) == {"better": 0, "level": 1, "worse": 0}
    assert widened(gain, 1) is gain


def test_right_intervals_hold_as_many_rates_as_they_would():
    rng = np.random.default_rng(5)
    p, nu = np.repeat(rng.uniform(0.05, 0.4, 40), 250), 30.0
    pert = np.repeat(np.arange(40), 250)
    rate = np.repeat(rng.beta(p[::250] * nu, (1 - p[::250]) * nu), 250)
    low, high = (betaincinv(p * nu, (1 - p) * nu, q) for q in (0.05, 0.95))
    assert concentration(p[:1], high[:1])[0] == pytest.approx(nu, rel=1e-3)
    table = pd.DataFrame(
        {"pert": pert, "gene": "G", "cell_line": "K562", "task": "de", "p": p, "low": low,
         "high": high, "label": (rng.random(len(p)) < rate).astype(float), "abstained": False}
    )  # fmt: skip
    found = Scores(coverage(table, "cv", Resampler(pert, 0, 50)))
    held, expected = (found.find(measure=name).value.value for name in (COVERED, EXPECTED))
    assert abs(held - expected) < 0.12
    assert expected >= 0.9
    narrow = table.assign(low=table.p - 0.001, high=table.p + 0.001)
    assert (
        Scores(coverage(narrow, "cv", Resampler(pert, 0, 50))).find(measure=COVERED).value.value
        < 0.6
    )
