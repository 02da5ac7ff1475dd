"""The shipped kind of heads under the evaluation's protocol: what they learn from."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals.genen.inputs import GeneInputs
from evals.genen.rewiring import rewired
from evals.genen.rivals.shipped_heads import ShippedHeads
from models.genen.splits import repeated_splits
from models.genen.texts import embed

WORLD = runpy.run_path(str(Path(__file__).parents[1] / "genen_world.py"))
BINARY, MULTICLASS, MULTILABEL, VALUE = WORLD["tasks"]()


@pytest.fixture(scope="module")
def inputs(hash_encoder):
    graph, texts = WORLD["graph"](), WORLD["texts"]()
    encoder = hash_encoder()
    return GeneInputs(
        graph,
        embed([text.text if text.description else "" for text in texts], encoder),
        embed(list(graph.terms), encoder),
        tuple(text.description for text in texts),
    )


@pytest.fixture(autouse=True)
def _few_settings(monkeypatch):
    monkeypatch.setattr("models.genen.heads.PENALTIES", (0.3, 3.0))
    monkeypatch.setattr("models.genen.heads.SHARES", (1.0,))


def right(task, splits, scores):
    """Return the share of test genes called rightly."""
    called = [
        (one[split.test] > 0.5) == task.labels[split.test]
        for split, one in zip(splits, scores, strict=True)
    ]
    return np.concatenate(called).mean()


def hidden(inputs):
    return inputs.without_texts(np.ones(len(inputs.texts), bool))


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, MULTILABEL, VALUE], ids=lambda one: one.kind)
def test_labels_of_tested_genes_change_no_score(task, inputs):
    split = repeated_splits(task, 0, repeats=1)[0]
    labels = task.labels.copy()
    labels[split.test] = labels[split.test][::-1]
    before = ShippedHeads().scores(task, [split], inputs)[0]
    after = ShippedHeads().scores(replace(task, labels=labels), [split], inputs)[0]
    assert np.array_equal(before, after)
    width = (len(task.classes),) if task.kind in ("multiclass", "multilabel") else ()
    assert before.shape == (len(task), *width)


def test_neighbours_alone_tell_the_side_and_meaningless_edges_do_not(inputs):
    splits = repeated_splits(BINARY, 0, repeats=1)
    blind = hidden(inputs)
    assert right(BINARY, splits, ShippedHeads().scores(BINARY, splits, blind)) > 0.9
    shuffled = blind.over(rewired(inputs.graph, np.random.default_rng(0)))
    assert right(BINARY, splits, ShippedHeads().scores(BINARY, splits, shuffled)) < 0.75


def test_a_graph_of_interactions_alone_is_enough(inputs):
    graph = inputs.graph
    interacts = replace(graph, kind="ppi", terms=(), relations=(graph.relation("interacts"),))
    alone = replace(inputs, graph=interacts, term_x=inputs.term_x[:0])
    splits = repeated_splits(BINARY, 0, repeats=1)
    assert right(BINARY, splits, ShippedHeads().scores(BINARY, splits, alone)) > 0.9
