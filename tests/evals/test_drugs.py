"""The scoring of drugs: the model is ahead of shuffled features, and the gene's prior at chance."""

import numpy as np
import pytest

from evals.drugs.predictors import ELSEWHERE, MODE, NEAREST, OURS, SHUFFLED, Predictors
from evals.drugs.score import (
    CHANGED,
    DIRECTION,
    EVERY,
    IDENTIFIED,
    MEAN,
    POOLED,
    PRIOR,
    RELATED,
    RETRIEVED,
    figures,
    profiles,
)
from evals.harness.resampling import Resampler
from evals.harness.scores import Scores
from models.drugs.held_out import folds, held_out, within_gene
from tests import drug_world as world


@pytest.fixture(scope="module")
def scored():
    learner = world.learner()
    splits = [folds(np.arange(16), seed) for seed in range(2)]
    told = Predictors(learner, 0).all()
    resampler = Resampler(learner.screen.drugs, 0, 20)
    found = figures(learner, splits, told, resampler, 0, 20.0, screen="toy", split="drug")
    more = {who: one for who, one in told.items() if who != ELSEWHERE}
    return (
        learner,
        splits,
        Scores([*found, *profiles(learner, splits, more, resampler, screen="toy", split="drug")]),
    )


def of(scores, who, measure, drugs=EVERY, cells=MEAN):
    return scores.plain.find(predictor=who, measure=measure, drugs=drugs, cells=cells).value.value


def test_the_model_is_ahead_of_shuffled_features_within_genes(scored):
    _, _, scores = scored
    assert of(scores, OURS, DIRECTION) > 0.85
    assert of(scores, OURS, DIRECTION, RELATED) == pytest.approx(of(scores, OURS, DIRECTION))
    assert abs(of(scores, SHUFFLED, DIRECTION) - 0.5) < 0.25
    assert of(scores, ELSEWHERE, DIRECTION) > 0.85
    assert {of(scores, who, DIRECTION) > 0.7 for who in (NEAREST, MODE)} == {True}
    gain = next(one for one in scores.gains if one.than == SHUFFLED and one.measure == DIRECTION)
    assert gain.verdict == "better"


def test_figures_are_those_of_the_models_own_arithmetic(scored):
    learner, splits, scores = scored
    twice = [within_gene(learner.screen, held_out(learner, split))[0] for split in splits]
    assert of(scores, OURS, DIRECTION) == pytest.approx(np.mean(twice), abs=0.02)


def test_profiles_are_told_from_each_other_and_relatives_are_retrieved(scored):
    _, _, scores = scored
    assert of(scores, OURS, IDENTIFIED) > 0.7
    assert of(scores, "measured profile", RETRIEVED, RELATED) > 0.9
    assert of(scores, OURS, CHANGED) > 0.55
    assert of(scores, PRIOR, POOLED, cells="OP3-T") < of(scores, OURS, POOLED, cells="OP3-T")


@pytest.mark.data
def test_shipped_weights_tell_the_direction_of_held_out_drugs_of_op3(data_mirror):
    from models.drugs.model import DrugModel
    from models.drugs.training import groups, screens_of

    screens, drugs, _ = screens_of(data_mirror)
    learner = DrugModel.load().screen()
    assert learner.screen.drugs == tuple(name.strip() for name in screens[0].drugs)
    parent, _ = groups(learner.screen, drugs, learner.described)
    direction, change = within_gene(learner.screen, held_out(learner, folds(parent, 7)))
    assert direction > 0.58
    assert change > 0.53
