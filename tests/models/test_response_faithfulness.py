"""Taking away the cited experiments must move a prediction; taking away any others, less so."""

import numpy as np
import pandas as pd
import pytest

from evals.perturbqa.faithfulness import Row, faithfulness, without
from models.response.held_out import pair_features, pairs_of
from models.response.scoring import fit_model


@pytest.fixture(scope="module")
def fitted(corpus, quick):
    return fit_model(corpus, quick, None, lambda what, share: None)


def test_cited_rows_carry_more_than_random_rows(fitted, corpus):
    sample = pd.DataFrame(
        [
            (pert, gene, "HepG2")
            for pert in corpus.screens.perturbations[::9]
            for gene in corpus.screens.readouts[::6]
        ],
        columns=["pert", "gene", "cell_line"],
    )
    found = faithfulness(fitted, sample, 0)
    assert found == faithfulness(fitted, sample, 0)
    assert found["de"].pairs > 50
    assert found["de"].ratio > 1.5


def test_an_unknown_gene_cites_nothing_and_does_not_count(fitted):
    sample = pd.DataFrame([("NOPE1", "R001", "K562")], columns=["pert", "gene", "cell_line"])
    assert faithfulness(fitted, sample, 0)["de"].pairs == 0


def test_a_row_taken_away_leaves_no_trace_in_the_votes_on_its_readout(fitted, corpus):
    rows = fitted.rows
    gone = Row(2, int(rows.pert[rows.line == 2][0]), int(rows.readout[rows.line == 2][0]))
    evidence = without(fitted.evidence, [gone])
    assert evidence.de.seen[2].sum() == fitted.evidence.de.seen[2].sum() - 1
    assert evidence.de.n_rows[2, gone.pert] == fitted.evidence.de.n_rows[2, gone.pert] - 1
    rows_of_readout = rows.take((rows.readout == gone.readout) & (rows.pert != gone.pert))
    tables = [
        pair_features(pairs_of(rows_of_readout, corpus), e, corpus, fitted.similarity)[0]
        for e in (fitted.evidence, evidence)
    ]
    assert not np.array_equal(*tables, equal_nan=True)
