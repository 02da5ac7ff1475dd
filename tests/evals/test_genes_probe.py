"""The probe of gene-benchmark, its metrics and intervals, and the Protein Atlas's classes."""

import numpy as np
import pytest

from evals.genes.expression import distribution, specificity
from evals.genes.facts import RANKED
from evals.genes.probe import fold_scores, folds_of, over_folds
from evals.genes.tasks import GeneTask

GENES = tuple(f"GENE{number:02}" for number in range(60))


def test_labels_of_test_genes_never_reach_the_probe():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    task = GeneTask("t", "Localization", "binary", "near", "", GENES, np.arange(60) % 2, ("n", "y"))
    folds = folds_of(task, np.arange(60), seed=0)
    turned = task.labels.copy()
    turned[folds[0][1]] = 1 - turned[folds[0][1]]
    other = GeneTask("t", "Localization", "binary", "near", "", GENES, turned, ("n", "y"))
    auc = [fold_scores(one, x, folds[:1]).roc_auc[0] for one in (task, other)]
    assert auc[0] + auc[1] == pytest.approx(1)


def test_published_auc_of_several_labels_is_of_decisions_and_ours_beside_it_of_probabilities():
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 2)) < 0.1).astype(int)
    x = (0.3 * labels + 0.1 * rng.normal(size=(400, 2))).astype(np.float32)
    genes = tuple(f"G{number:03}" for number in range(400))
    task = GeneTask("t", "Localization", "multilabel", "near", "", genes, labels, ("a", "b"))
    scores = fold_scores(task, x, folds_of(task, np.arange(400), seed=0))
    # Short vectors and the default penalty: no probability reaches one half, though all rank well.
    assert scores.roc_auc.tolist() == [0.5] * 5
    assert scores[RANKED].min() > 0.9


def test_a_class_smaller_than_the_folds_is_left_out():
    labels = np.array([0] * 20 + [1] * 20 + [2] * 4)
    genes = GENES[:44]
    task = GeneTask("t", "Localization", "multiclass", "near", "", genes, labels, ("a", "b", "c"))
    folds = folds_of(task, np.arange(44), seed=0)
    assert sorted(row for _, test in folds for row in test) == list(range(40))
    x = np.eye(3, dtype=np.float32)[labels]
    assert fold_scores(task, x, folds).roc_auc.tolist() == [1.0] * 5


def test_the_interval_over_folds_allows_for_shared_training_genes():
    found = over_folds([0.7, 0.8, 0.9, 0.8, 0.8])
    half = 2.7764451 * np.sqrt(0.005) * np.sqrt(1 / 5 + 1 / 4)
    assert (found.value, found.n) == (pytest.approx(0.8), 5)
    assert (found.low, found.high) == (pytest.approx(0.8 - half), pytest.approx(0.8 + half))
    assert over_folds([0.9, 1.0, 1.0, 1.0, 1.0], (0, 1)).high == 1


def test_expression_is_classed_by_the_rules_of_the_protein_atlas():
    level = np.ones((7, 12))
    level[0] = 0.9
    level[1, 1:] = 0.9
    level[2, 0] = 4
    level[3, :2] = (9, 5)
    level[4, :11] = 40
    level[5] = [11, 3.1, *[1.8] * 10]
    level[6, 3:] = 0
    assert distribution(level).tolist() == [
        "Not detected", "Detected in single", *["Detected in all"] * 4, "Detected in some",
    ]  # fmt: skip
    assert specificity(level).tolist() == [
        "Not detected", "Low cell line specificity", "Cell line enriched", "Group enriched",
        "Low cell line specificity", "Cell line enhanced", "Group enriched",
    ]  # fmt: skip
