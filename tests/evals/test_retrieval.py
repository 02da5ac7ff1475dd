"""Retrieval without a model: which rows it reads, and that shuffling them leaves chance."""

import numpy as np

from evals.perturbqa.retrieval import EXAMPLES, Questions, retrieval_votes
from models.inputs.screens import UNKNOWN, Rows


def rows_of(*rows):
    """Return rows of (line, perturbation, readout, outcome)."""
    line, pert, readout, de = (np.array(column) for column in zip(*rows, strict=True))
    return Rows(line, pert, readout, de, np.where(de == 1, 1, UNKNOWN))


def question(similarity, own=-1, line=0, readout=0):
    alike = np.array([similarity], np.float32)
    return Questions(np.array([line]), np.array([0]), np.array([readout]), alike, np.array([own]))


def vote(asked, rows, n_perts):
    return retrieval_votes(asked, rows, rows.de, (n_perts, 2), np.random.default_rng(0))


def test_the_nearest_rows_of_the_readout_are_counted_and_its_rate_once():
    near, far = [(0, i, 0, 1) for i in range(EXAMPLES)], [(0, 20, 0, 0), (0, 21, 0, 0)]
    other = [(0, 30, 1, 0)]
    rows = rows_of(*near, *far, *other)
    similarity = np.r_[np.full(EXAMPLES, 0.9), np.full(10, 0.0), 0.1, 0.1, np.zeros(9)]
    found = vote(question(similarity), rows, 31).retrieved[0]
    rate = (10 + 10 / 13) / 13
    assert found == np.float64((10 + rate) / 11)


def test_its_own_row_in_the_line_is_never_read_but_that_in_another_line_is():
    rows = rows_of((0, 3, 0, 0), (1, 3, 0, 1))
    similarity = np.zeros(5)
    here = vote(question(similarity, own=3, line=0), rows, 5).retrieved[0]
    rate = (1 + 0.5) / 3
    assert here == (1 + rate) / 2


def test_without_examples_the_vote_is_the_rate_of_the_readout():
    rows = rows_of((0, 0, 0, 1), (0, 1, 0, 0), (0, 1, 1, 0))
    assert vote(question(np.zeros(4)), rows, 4).retrieved[0] == (1 + 1 / 3) / 3
    assert vote(question(np.zeros(4), readout=-1), rows, 4).retrieved[0] == 1 / 3


def test_shuffling_keeps_how_many_rows_of_a_readout_changed():
    rng = np.random.default_rng(0)
    rows = rows_of(*((0, i, i % 2, int(rng.random() < 0.3)) for i in range(200)))
    similarity = np.full(200, 0.5)
    many = [
        retrieval_votes(
            question(similarity), rows, rows.de, (200, 2), np.random.default_rng(seed)
        ).shuffled[0]
        for seed in range(300)
    ]
    assert abs(np.mean(many) - rows.de[rows.readout == 0].mean()) < 0.03
