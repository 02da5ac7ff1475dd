"""How Genen's graph networks learn: from the graph where it tells something, and only then."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evals.genen.rewiring import rewired
from evals.genen.rivals.baselines import LinearBaseline
from evals.genen.rivals.features import node_features
from evals.genen.rivals.training import GCN, NETWORKS, Recipe
from models.genen.splits import Split, repeated_splits
from tests.models.genen_examples import graph_of, inputs_of, interactions, planted, task_of


def area(predictor, inputs, task, folds=2):
    splits = repeated_splits(task, repeats=1)[:folds]
    found = predictor.scores(task, splits, inputs)
    return np.mean(
        [
            roc_auc_score(task.labels[split.test], scores[split.test])
            for split, scores in zip(splits, found, strict=True)
        ]
    )


@pytest.mark.parametrize("network", NETWORKS, ids=lambda p: p.name)
def test_messages_beat_features_on_a_planted_partition_and_not_on_a_rewired_one(network):
    rng = np.random.default_rng(3)
    inputs, task = planted(rng, 200)
    quick = replace(network, recipe=Recipe(learning_rate=2e-2, steps=30, every=5, patience=6))
    alone = area(LinearBaseline("text", "text"), inputs, task)
    assert area(quick, inputs, task) > alone + 0.08
    assert area(quick, inputs.over(rewired(inputs.graph, rng)), task) < alone + 0.04


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        *((network, "binary") for network in NETWORKS),
        *((GCN, kind) for kind in ("multiclass", "multilabel", "regression")),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_ten_examples_can_be_memorised(network, kind):
    rng = np.random.default_rng(0)
    inputs = inputs_of(graph_of(10, interactions([(0, 1), (2, 3)])), rng.normal(size=(10, 16)))
    labels = {
        "binary": np.arange(10) % 2,
        "multiclass": np.arange(10) % 3,
        "multilabel": np.column_stack([np.arange(10) % 2, np.arange(10) // 5]),
        "regression": np.arange(10) * 3.0 - 7,
    }[kind]
    if kind != "regression":
        labels[[1, 3]] = labels[[0, 2]]  # neighbours look alike to the network
    task = task_of(labels, kind, "abc"[: 3 if kind == "multiclass" else 2])
    every = np.arange(10)
    long = replace(network, recipe=Recipe(2e-2, 0, steps=400, every=40, patience=10))
    (scores,) = long.scores(task, [Split(0, 0, 1, every, every, every[:0])], inputs)
    if kind == "regression":
        assert np.corrcoef(scores, labels)[0, 1] > 0.9
    elif kind == "multiclass":
        assert (scores.argmax(1) == labels).mean() >= 0.9
    else:
        assert ((scores > 0.5) == labels).mean() >= 0.9


def test_the_scores_are_those_of_the_step_best_on_validation_genes():
    rng = np.random.default_rng(0)
    inputs, task = planted(rng, 60)
    split = repeated_splits(task, repeats=1)[0]
    # Validation labels turned round: the more is learnt, the worse it gets.
    labels = task.labels.copy()
    labels[split.validation] = 1 - labels[split.validation]
    turned = replace(task, labels=labels)
    stopped, first = (
        replace(GCN, recipe=Recipe(1e-2, steps=steps, every=1, patience=100)).scores(
            turned, [split], inputs
        )[0]
        for steps in (60, 1)
    )
    told = [
        -np.log(np.where(labels == 1, scores, 1 - scores))[split.validation].mean()
        for scores in (stopped, first)
    ]
    assert told[0] <= told[1]
    assert told[0] < 0.8


def test_each_split_has_its_own_seed():
    inputs, task = planted(np.random.default_rng(0), 60)
    split = repeated_splits(task, repeats=1)[0]
    first, other = GCN.scores(task, [split, replace(split, seed=split.seed + 1)], inputs)
    assert not np.array_equal(first, other)


def test_splits_trained_together_are_trained_as_if_alone():
    inputs, task = planted(np.random.default_rng(0), 60)
    splits = repeated_splits(task, repeats=1)[:2]
    together = GCN.scores(task, splits, inputs)
    (alone,) = GCN.scores(task, splits[1:], inputs)
    np.testing.assert_array_equal(together[1], alone)


def test_a_node_without_text_looks_like_the_mean_of_the_others():
    x = np.random.default_rng(0).normal(size=(30, 6)) + 2
    x[7] = 0
    found = node_features(inputs_of(graph_of(30, interactions([(0, 1)])), x), width=4)
    assert found.shape == (30, 4)
    assert not found[7].any()
    told = np.delete(found, 7, 0)
    np.testing.assert_allclose(told.mean(0), 0, atol=1e-5)
    assert np.mean(told**2) == pytest.approx(1, rel=1e-4)
