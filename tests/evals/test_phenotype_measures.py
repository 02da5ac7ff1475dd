"""Measures of predicted phenotypes against hand-computed values, and against scikit-learn's."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import average_precision_score, roc_auc_score

from evals.phenotypes.measures import (
    THRESHOLDS,
    GeneCounts,
    information_content,
    measured,
    propagated_scores,
    term_scores,
)
from models.genepheno.phenotypes import TermVocabulary

# Terms: 0 is above 1 and 2; 3 is above 2 as well; 4 is alone.
PARENTS = (
    np.array([], int), np.array([0]), np.array([0, 3]), np.array([], int), np.array([], int)
)  # fmt: skip
SYSTEMS = ("heart", "heart", "heart", "growth", "")
TRUTH = np.array([[1, 1, 0, 0, 0], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]], bool)


def vocabulary(parents=PARENTS, systems=SYSTEMS):
    names = tuple(f"T{number}" for number in range(len(parents)))
    return TermVocabulary(names, names, tuple(parents), tuple(systems), np.zeros((0, 2), int), 0.0)


def flat(terms):
    return vocabulary([np.array([], int)] * terms, [""] * terms)


def of(truth, scores, known, information=None, draws=0, seed=0, **more):
    information = np.ones(len(known)) if information is None else information
    rng = np.random.default_rng(seed)
    return measured(np.asarray(truth), np.asarray(scores), known, information, rng, draws, **more)


def drawn_case(genes=60, terms=25, seed=0):
    """Labels and scores with some relation, and ties."""
    rng = np.random.default_rng(seed)
    truth = rng.random((genes, terms)) < rng.uniform(0.02, 0.6, terms)
    scores = np.round(np.clip(0.25 * truth + rng.random((genes, terms)) * 0.7, 0, 1), 1)
    return truth, scores.astype(np.float32)


def test_f_max_of_a_hand_computed_case():
    # Gene 1 has terms a and b, gene 2 has c. At 0.4 a is said of gene 1 and c of gene 2: precision
    # 1, recall (1/2 + 1)/2 = 3/4, F = 6/7; lower thresholds add wrong terms, higher ones lose c.
    truth = [[1, 1, 0], [0, 0, 1]]
    scores = [[0.6, 0.1, 0.3], [0.0, 0.2, 0.4]]
    found = of(truth, scores, flat(3))
    assert found.f_max.value == pytest.approx(6 / 7)
    assert 0.3 < found.threshold <= 0.4


def test_precision_leaves_out_genes_without_a_prediction_and_recall_does_not():
    found = of([[1, 1, 0], [0, 0, 1]], [[0.6, 0.1, 0.3], [0.0, 0.2, 0.4]], flat(3))
    at = {round(float(t), 2): row for row, t in enumerate(THRESHOLDS)}
    assert found.precision[at[0.6]] == 1
    assert found.recall[at[0.6]] == pytest.approx(0.25)
    assert found.precision[at[0.3]] == pytest.approx(0.75)
    assert found.recall[at[0.3]] == pytest.approx(0.75)
    assert np.isnan(found.precision[at[0.7]])
    assert len(found.precision) == 101


def test_a_gene_without_terms_counts_for_ranking_and_not_for_f_max():
    with_one = of([[1, 0], [0, 1], [0, 0]], [[0.9, 0.1], [0.1, 0.9], [0.9, 0.9]], flat(2))
    without = of([[1, 0], [0, 1]], [[0.9, 0.1], [0.1, 0.9]], flat(2))
    assert with_one.f_max.value == without.f_max.value == 1
    assert (with_one.genes, with_one.f_max.units) == (2, 3)
    assert without.ranked.auroc.value == 1
    assert with_one.ranked.auroc.value == pytest.approx(0.75)


def test_s_min_is_the_least_distance_in_bits():
    # At 0.5 gene 1 misses b (2 bits) and gene 2 has a wrongly (1 bit): hypot(2/2, 1/2).
    truth, scores = [[1, 1, 0], [0, 0, 1]], [[0.5, 0.0, 0.0], [0.5, 0.0, 0.5]]
    found = of(truth, scores, flat(3), information=np.array([1.0, 2.0, 3.0]))
    assert found.s_min.value == pytest.approx(np.hypot(1, 0.5))


def test_information_is_what_a_term_adds_to_its_parents():
    labels = sparse.csr_array(TRUTH)
    bits = information_content(labels, PARENTS)
    # Term 0: 2 of 4 genes; term 1: 1 of the 2 with term 0; term 2: the 1 with terms 0 and 3.
    want = np.log2([5 / 3, 3 / 2, 2 / 2, 5 / 3, 5 / 1])
    assert bits == pytest.approx(want)
    assert (bits >= 0).all()


def test_a_parent_takes_the_highest_score_below_it():
    scores = np.array([[0.1, 0.3, 0.8, 0.2, 0.5]])
    found = propagated_scores(scores, PARENTS)
    assert found.tolist() == [[0.8, 0.3, 0.8, 0.8, 0.5]]
    assert scores[0, 0] == 0.1  # the scores given are left alone


def test_propagation_passes_through_terms_between():
    parents = [np.array([1]), np.array([2]), np.array([], int)]
    assert propagated_scores(np.array([[0.9, 0.0, 0.1]]), parents).tolist() == [[0.9, 0.9, 0.9]]


def test_perfect_predictions_are_perfect_and_constant_ones_worth_nothing():
    perfect = of(TRUTH, TRUTH.astype(float), vocabulary())
    assert (perfect.f_max.value, perfect.s_min.value) == (1, 0)
    assert (perfect.ranked.auroc.value, perfect.ranked.auprc.value) == (1, 1)
    constant = of(TRUTH, np.full(TRUTH.shape, 0.5), vocabulary())
    assert constant.ranked.auroc.value == 0.5
    assert constant.ranked.terms == 4  # nobody has the fifth


def test_ranking_agrees_with_scikit_learn_with_ties():
    truth, scores = drawn_case()
    auroc, auprc = term_scores(truth, scores, np.ones((len(truth), 1), np.float32))
    for term in range(truth.shape[1]):
        assert auroc[term, 0] == pytest.approx(roc_auc_score(truth[:, term], scores[:, term]))
        want = average_precision_score(truth[:, term], scores[:, term])
        assert auprc[term, 0] == pytest.approx(want)


def test_a_gene_drawn_twice_counts_like_two_genes():
    truth, scores = drawn_case()
    times = np.random.default_rng(1).integers(0, 4, len(truth))
    rows = np.repeat(np.arange(len(truth)), times)
    weight = np.column_stack([np.ones(len(truth)), times]).astype(np.float32)
    once = np.ones((len(rows), 1), np.float32)
    for one, other in zip(
        term_scores(truth, scores, weight),
        term_scores(truth[rows], scores[rows], once),
        strict=True,
    ):
        assert one[:, 1] == pytest.approx(other[:, 0], nan_ok=True)
    bits = np.random.default_rng(2).random(truth.shape[1])
    weighted = GeneCounts(truth, scores, bits)
    repeated = GeneCounts(truth[rows], scores[rows], bits)
    for one, other in zip(weighted.curve(weight), repeated.curve(once), strict=True):
        assert one[:, 1] == pytest.approx(other[:, 0], nan_ok=True)
    assert weighted.distance(weight)[:, 1] == pytest.approx(repeated.distance(once)[:, 0])


def test_f_max_agrees_with_counting_gene_by_gene():
    truth, scores = drawn_case(genes=20, terms=9, seed=3)
    best = 0.0
    for threshold in THRESHOLDS:
        said = scores >= threshold - 1e-6
        some = [row for row in range(len(truth)) if truth[row].any()]
        right = {row: int((said[row] & truth[row]).sum()) for row in some}
        precise = [right[row] / said[row].sum() for row in some if said[row].any()]
        if precise and sum(right.values()):
            p = np.mean(precise)
            r = np.mean([right[row] / truth[row].sum() for row in some])
            best = max(best, 2 * p * r / (p + r))
    assert of(truth, scores, flat(9)).f_max.value == pytest.approx(best)


def test_systems_are_measured_apart_and_terms_without_one_only_in_all():
    truth, scores = drawn_case(terms=5)
    found = of(truth, scores, vocabulary(systems=SYSTEMS))
    assert list(found.systems) == ["growth", "heart"]
    assert (found.systems["heart"].terms, found.ranked.terms) == (3, 5)
    growth = found.systems["growth"].auroc.value
    score = propagated_scores(scores, PARENTS)[:, 3]
    assert growth == pytest.approx(roc_auc_score(truth[:, 3], score))


def test_terms_of_few_genes_are_left_out_when_asked():
    truth = np.zeros((10, 2), bool)
    truth[0, 0] = truth[:4, 1] = True
    scores = np.random.default_rng(0).random((10, 2))
    assert of(truth, scores, flat(2), min_positives=2).ranked.terms == 1


def test_resamples_of_equal_generators_are_paired():
    truth, scores = drawn_case(genes=80)
    known = flat(truth.shape[1])
    first = of(truth, scores, known, draws=40, seed=5)
    second = of(truth, scores, known, draws=40, seed=5)
    gain = (first.ranked.auroc - second.ranked.auroc).estimate()
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)
    interval = first.f_max.estimate()
    assert interval.low < interval.value < interval.high
    assert len(first.ranked.auprc.draws) == 40


def test_labels_and_scores_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="do not agree"):
        of(TRUTH, np.zeros((4, 4)), vocabulary())
