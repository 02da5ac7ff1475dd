"""Our predictor of gene properties, and what must hold of every predictor."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from evals.genen.rewiring import rewired
from evals.genen.rivals.baselines import BASELINES
from evals.genen.rivals.features import blocks, words
from evals.genen.rivals.probe import CORRECTED, OURS, Fitted, dealt, ridge, stacked
from evals.genen.rivals.training import NETWORKS
from models.genen.splits import repeated_splits
from tests.models.genen_examples import graph_of, inputs_of, interactions, planted, task_of

PREDICTORS = (*BASELINES, *NETWORKS, CORRECTED, OURS)
LABELS = {
    "binary": lambda rng, n: rng.integers(0, 2, n),
    "multiclass": lambda rng, n: rng.integers(0, 3, n),
    "multilabel": lambda rng, n: rng.integers(0, 2, (n, 3)),
    "regression": lambda rng, n: rng.normal(size=n) * 9 + 40,
}
named = pytest.mark.parametrize("predictor", PREDICTORS, ids=lambda p: p.name)
of_a_kind = pytest.mark.parametrize("kind", LABELS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@cache
def scored(predictor, kind):
    """Return inputs, a property of them without meaning, a split and the scores on it."""
    rng = np.random.default_rng(0)
    inputs, _ = planted(rng, 60)
    task = task_of(LABELS[kind](rng, 60), kind, ("a", "b", "c")[: 2 + (kind[0] == "m")])
    split = repeated_splits(task, repeats=1)[0]
    return inputs, task, split, predictor.scores(task, [split], inputs)[0]


@of_a_kind
@named
def test_no_score_depends_on_the_label_of_a_test_gene(predictor, kind):
    inputs, task, split, before = scored(predictor, kind)
    labels = task.labels.copy()
    labels[split.test] = 1e6 if kind == "regression" else 1 - labels[split.test].clip(0, 1)
    (after,) = predictor.scores(replace(task, labels=labels), [split], inputs)
    np.testing.assert_array_equal(after, before)


@of_a_kind
@named
def test_scores_are_probabilities_or_values(predictor, kind):
    _, task, _, scores = scored(predictor, kind)
    assert scores.shape == (task.labels.shape if kind != "multiclass" else (len(task), 3))
    assert np.isfinite(scores).all()
    if kind == "regression":
        assert abs(scores.mean() - 40) < 10
    else:
        assert scores.min() >= 0
        assert scores.max() <= 1
    if kind == "multiclass":
        np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)


@named
def test_the_state_of_global_chance_is_left_alone(predictor):
    inputs, task, split, _ = scored(predictor, "binary")
    before = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    predictor.scores(task, [split], inputs)
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.random.get_rng_state())


@named
def test_genes_without_text_and_without_edges_get_finite_scores(predictor, rng):
    pairs = [(i, j) for i in range(60) for j in range(i) if rng.random() < 0.1]
    x = rng.normal(size=(80, 8))
    x[::3] = x[60:75] = 0
    inputs = inputs_of(graph_of(80, interactions(pairs)), x)
    task = task_of(rng.integers(0, 2, 80))
    split = repeated_splits(task, repeats=1)[0]
    (scores,) = predictor.scores(task, [split], inputs)
    assert np.isfinite(scores).all()
    # Neither text nor edges: nothing tells these genes apart.
    alone = np.intersect1d(split.test, np.arange(60, 75))
    assert len(alone) > 1
    assert np.ptp(scores[alone]) < 1e-6


@named
def test_nothing_is_needed_of_a_graph_without_any_text(predictor, rng):
    inputs, task = planted(rng, 80)
    bare = inputs.without_texts(np.ones(80, bool))
    (scores,) = predictor.scores(task, repeated_splits(task, repeats=1)[:1], bare)
    assert np.isfinite(scores).all()


def area(predictor, inputs, task):
    splits = repeated_splits(task, repeats=1)
    found = predictor.scores(task, splits, inputs)
    return np.mean(
        [
            roc_auc_score(task.labels[split.test], scores[split.test])
            for split, scores in zip(splits, found, strict=True)
        ]
    )


def test_ours_finds_communities_on_their_graph_and_not_on_a_rewired_one(rng):
    inputs, task = planted(rng, 160)
    assert area(OURS, inputs, task) > 0.9
    assert area(OURS, inputs.over(rewired(inputs.graph, rng)), task) < 0.75


def test_hiding_texts_hides_their_words_and_vectors(rng):
    inputs, _ = planted(rng, 20)
    hidden = np.arange(20) < 5
    left = inputs.without_texts(hidden)
    assert not left.gene_x[:5].any()
    assert left.gene_x[5:].any(axis=1).all()
    assert left.texts == ("",) * 5 + inputs.texts[5:]
    assert not words(left.texts)[:5].nnz
    assert left.described.tolist() == (~hidden).tolist()


def test_other_nodes_are_refused(rng):
    inputs, _ = planted(rng, 20)
    with pytest.raises(ValueError, match="other nodes"):
        inputs.over(graph_of(20, interactions([(0, 1)])))


def test_every_description_is_of_unit_length_or_absent(rng):
    inputs, _ = planted(rng, 30)
    for name, block in blocks(inputs).items():
        dense = block if isinstance(block, np.ndarray) else block.toarray()
        length = np.linalg.norm(dense, axis=1)
        assert np.all(np.isclose(length, 1, rtol=1e-4) | (length == 0)), name


def test_ridge_is_that_of_scikit_learn_left_out_fold_by_fold(rng):
    x = rng.normal(size=(50, 6)).astype(np.float32)
    y = x[:, :2] + rng.normal(size=(50, 2))
    known = np.arange(40)
    found = ridge(x, y, known, [2.0])

    def fitted(rows, asked):
        # The constant is one more column, as little penalised as the others.
        whole = np.c_[x, np.ones(len(x))]
        mean = y[rows].mean(0)
        model = Ridge(alpha=2.0, fit_intercept=False).fit(whole[rows], y[rows] - mean)
        return model.predict(whole[asked]) + mean

    np.testing.assert_allclose(found.all_rows, fitted(known, np.arange(50)), rtol=1e-4)
    fold = dealt(y[known])
    for number in range(5):
        out = known[fold == number]
        wanted = fitted(known[fold != number], out)
        np.testing.assert_allclose(found.held_out[fold == number], wanted, rtol=1e-4)


def test_folds_are_alike_in_their_classes():
    values = np.repeat([0.0, 1.0], [40, 15])[:, None]
    fold = dealt(values)
    assert [values[fold == number].sum() for number in range(5)] == [3] * 5


def test_the_member_that_knows_more_weighs_more(rng):
    truth = np.repeat([0.0, 1.0], 100)[:, None]
    good, bad = truth + rng.normal(size=(200, 1)) / 3, rng.normal(size=(200, 1))
    known = np.r_[0:75, 100:175]
    members = [Fitted(part[known], part) for part in (good, bad)]
    combined = stacked("binary", members, truth, known).all_rows[:, 0]
    unseen = np.r_[75:100, 175:200]
    assert roc_auc_score(truth[unseen, 0], combined[unseen]) > 0.97
