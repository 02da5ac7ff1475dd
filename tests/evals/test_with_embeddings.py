"""What Genen's embeddings add to expression responses: measured, with its sign and its interval."""

import numpy as np
import pytest

from evals.harness.page import Record
from evals.harness.scores import Results, Scores
from evals.with_embeddings import (
    ALONE,
    JOINED,
    WITHOUT,
    EmbeddedSimilarity,
    differences,
    page,
)
from models.expression.genes import GeneFeatures
from models.expression.screens import ExpressionScreen
from models.inputs.genes import UnknownGeneError

SYMBOLS = tuple(f"G{i:02d}" for i in range(24))
GROUPS = 4


@pytest.fixture
def screen():
    """Genes of a group do alike."""
    rng = np.random.default_rng(0)
    group = rng.normal(0, 1, (GROUPS, 12))
    response = group[np.arange(len(SYMBOLS)) % GROUPS] + 0.3 * rng.normal(0, 1, (len(SYMBOLS), 12))
    return ExpressionScreen(
        context="made-up",
        kind="knockout",
        unit="log2 fold change",
        readouts=tuple(f"R{i}" for i in range(12)),
        perturbations=tuple((gene,) for gene in SYMBOLS),
        response=response.astype(np.float32),
        baseline=None,
        cells=np.ones(len(SYMBOLS), np.int64),
    )


@pytest.fixture
def annotations():
    """Annotations that know nothing of the groups."""
    vectors = np.eye(len(SYMBOLS), dtype=np.float32)
    return GeneFeatures(SYMBOLS, vectors)


def embedded(vectors, features):
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return EmbeddedSimilarity({gene: i for i, gene in enumerate(SYMBOLS)}, vectors, features)


def measured(screen, annotations, vectors):
    similarities = {
        WITHOUT: annotations,
        JOINED: embedded(vectors, annotations),
        ALONE: embedded(vectors, None),
    }
    return Scores(differences(screen, similarities, lambda what, done: None))


def test_embeddings_that_know_the_groups_bring_predictions_nearer(screen, annotations):
    found = measured(screen, annotations, np.eye(GROUPS)[np.arange(len(SYMBOLS)) % GROUPS])
    distance = {one.predictor: one.value.value for one in found.plain}
    assert [gain.predictor for gain in found.gains] == [JOINED, ALONE]
    for gain in found.gains:
        one = gain.value
        assert one.n == len(SYMBOLS)
        assert 0 < one.low <= one.value <= one.high
        assert one.value == pytest.approx(1 - distance[gain.predictor] / distance[WITHOUT])


def test_embeddings_that_know_nothing_gain_nothing(screen, annotations):
    noise = np.random.default_rng(1).normal(0, 1, (len(SYMBOLS), 30))
    found = measured(screen, annotations, noise)
    assert all(gain.value.low < 0.05 for gain in found.gains)


def test_a_gene_without_embedding_is_compared_by_annotations_alone(annotations):
    some = EmbeddedSimilarity({"G00": 0, "G01": 1}, np.ones((2, 1)), annotations)
    alike = some.between(["G00", "G02"], ["G01", "G02"])
    assert alike[0, 0] > 0
    assert alike[0, 1] == 0
    assert alike[1].tolist() == [0, 1]
    with pytest.raises(UnknownGeneError, match="NOSUCH"):
        some.between(["NOSUCH"], ["G00"])


def test_the_page_tells_gains_and_losses_with_their_intervals(screen, annotations):
    vectors = np.eye(GROUPS)[np.arange(len(SYMBOLS)) % GROUPS]
    found = measured(screen, annotations, vectors)
    config = {"settings": {"seed": 0, "folds": 5}, "commit": "c0ffee0000"}
    timing = {"seconds": {"read": 60.0}, "peak_memory_mib": 1.0}
    told = page(Record(Results("with-embeddings", found), config, timing)).markdown()
    assert told.startswith("## Expression responses with Genen's embeddings")
    assert f"{JOINED}: clearly nearer in 1, clearly farther in 0 of 1 comparisons" in told
    gain = found.where(predictor=ALONE).gains[0].value
    assert f"{gain.value:+.1%} [{gain.low:+.1%}, {gain.high:+.1%}]" in told
