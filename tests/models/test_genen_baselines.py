"""The plain predictors of gene properties, and how labels and errors spread."""

import numpy as np
import pytest
from scipy import sparse

from evals.genen.rivals.baselines import (
    BASELINES,
    ForestBaseline,
    LabelPropagation,
    LinearBaseline,
    Majority,
)
from evals.genen.rivals.probe import Fitted, correct_and_smooth
from evals.genen.rivals.propagation import (
    Spreading,
    adjacency,
    corrected,
    mean_of_neighbours,
    propagated_labels,
    smoothed,
    symmetric,
)
from models.genen.splits import Split, repeated_splits
from tests.models.genen_examples import graph_of, inputs_of, interactions, planted, task_of

ROWS = np.arange(5)


@pytest.fixture
def path():
    """The operator of five genes in a row."""
    graph = graph_of(5, interactions([(i, i + 1) for i in range(4)]))
    return symmetric(adjacency(graph), loops=0)


def accuracy(predictor, inputs, task):
    split = repeated_splits(task, repeats=1)[0]
    (scores,) = predictor.scores(task, [split], inputs)
    return np.mean((scores[split.test] > 0.5) == task.labels[split.test])


def test_every_baseline_has_a_name_of_its_own():
    assert len({baseline.name for baseline in BASELINES}) == len(BASELINES) == 6


def test_majority_says_the_share_of_the_genes_learnt_from():
    inputs, _ = planted(np.random.default_rng(0), 20)
    task = task_of([1] * 6 + [0] * 14)
    split = Split(0, 0, 0, np.arange(6), np.arange(6, 8), np.arange(8, 20))
    (scores,) = Majority().scores(task, [split], inputs)
    np.testing.assert_allclose(scores, 6 / 8)


@pytest.mark.parametrize("reading", ["words", "text", "graph"])
def test_each_reading_learns_from_what_it_reads_alone(reading):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    words = np.where(labels, "kinase", "channel") if reading == "words" else np.full(80, "gene")
    x = rng.normal(size=(80, 4))
    x[:, 0] += 8 * (labels if reading == "text" else 0)
    pairs = [(i, j) for i in range(80) for j in range(i) if rng.random() < 0.2]
    if reading == "graph":
        pairs = [(i, j) for i, j in pairs if labels[i] == labels[j]]
    inputs = inputs_of(graph_of(80, interactions(pairs)), x, list(words))
    task = task_of(labels)
    for other in ("words", "text", "graph"):
        found = accuracy(LinearBaseline("", other), inputs, task)
        assert found > 0.9 if other == reading else found < 0.85, other


def test_a_forest_learns_what_is_not_linear():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    inputs = inputs_of(graph_of(300, interactions([(0, 1)])), x)
    assert accuracy(ForestBaseline(), inputs, task_of(labels)) > 0.85
    assert accuracy(LinearBaseline("", "text"), inputs, task_of(labels)) < 0.75


def test_labels_spread_by_the_published_iteration(path):
    values = np.float32([[1], [0], [0], [0], [0]])
    found = propagated_labels(path, ROWS, np.array([0, 4]), values, Spreading(0.8, 3))
    a, start = path.toarray(), np.array([0.5, 0, 0, 0, -0.5])
    state = start
    for _ in range(3):
        state = 0.2 * start + 0.8 * a @ state
    np.testing.assert_allclose(found[:, 0], state + 0.5, rtol=1e-5)


def test_label_propagation_finds_communities_without_text():
    inputs, task = planted(np.random.default_rng(0), 120)
    bare = inputs.without_texts(np.ones(120, bool))
    split = repeated_splits(task, repeats=1)[0]
    (scores,) = LabelPropagation().scores(task, [split], bare)
    ones = task.labels[split.test] == 1
    assert np.median(scores[split.test][ones]) > np.median(scores[split.test][~ones])


def test_errors_of_known_genes_reach_their_neighbours_and_stay_as_they_are(path):
    values = np.float32([[1], [0], [0], [0], [0]])
    predicted = np.full((5, 1), 0.5)
    known = np.array([0])
    found = corrected(path, ROWS, known, values, predicted, predicted[known], scale=0.5, steps=2)
    a, state = path.toarray(), np.array([0.5, 0, 0, 0, 0])
    for _ in range(2):
        state = a @ state
        state[0] = 0.5
    state[0] = 0  # a known gene is not corrected by its own error
    np.testing.assert_allclose(found[:, 0], 0.5 + 0.5 * state, rtol=1e-5)


def test_smoothing_starts_from_known_values_and_predictions(path):
    values = np.float32([[1], [0], [9], [9], [9]])
    predicted = np.linspace(0, 1, 5)[:, None]
    known = np.array([0, 1])
    found = smoothed(path, ROWS, known, values, predicted, Spreading(0.5, 1))
    start = np.array([1, 0, 0.5, 0.75, 1]) - 0.5
    wanted = 0.5 * start + 0.5 * path.toarray() @ start + 0.5
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-5)


def test_correct_and_smooth_helps_where_errors_go_together_and_is_left_out_where_not():
    rng = np.random.default_rng(0)
    inputs, task = planted(rng, 200)
    operator, rows = symmetric(adjacency(inputs.graph), loops=0), np.arange(200)
    split = repeated_splits(task, repeats=1)[0]
    known = np.sort(np.r_[split.train, split.validation])
    truth = task.labels[:, None].astype(float)
    guess = np.full((200, 1), 0.5)
    better = correct_and_smooth(operator, rows, split, truth, Fitted(guess[known], guess))
    assert np.abs(better - truth)[split.test].mean() < 0.45
    noise = rng.normal(size=(200, 1))
    same = correct_and_smooth(operator, rows, split, noise, Fitted(0 * guess[known], 0 * guess))
    np.testing.assert_array_equal(same, 0 * guess)


def test_a_mean_of_neighbours_is_one_and_nothing_without_any():
    matrix = sparse.csr_array(np.float32([[0, 1, 3], [0, 0, 0], [2, 0, 0]]))
    wanted = [[0, 0.25, 0.75], [0, 0, 0], [1, 0, 0]]
    np.testing.assert_allclose(mean_of_neighbours(matrix).toarray(), wanted)
