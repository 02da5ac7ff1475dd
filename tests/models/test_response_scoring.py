"""A model fitted in memory: what it may see, and what it says of whole tables of pairs."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from knowledge.errors import QuestionError
from models.inputs.screens import CELL_LINES
from models.response import ResponseModel
from models.response.features import FEATURE_FAMILIES
from models.response.scoring import CONTROL_FEATURES, fit_model, units
from models.response.signed_sets import SET_FEATURES
from models.response.training import train_corpus


def silent(what, share):
    pass


@pytest.fixture(scope="module")
def trained(corpus, quick, tmp_path_factory):
    out = tmp_path_factory.mktemp("weights")
    return out, train_corpus(corpus, out, quick, silent)


def asked(corpus, perts, line="HepG2"):
    return pd.DataFrame(
        [(pert, gene, line) for pert in perts for gene in corpus.screens.readouts],
        columns=["pert", "gene", "cell_line"],
    )


def test_families_are_a_partition_of_the_features(trained):
    _, fitted = trained
    counted = Counter(name for family in FEATURE_FAMILIES.values() for name in family)
    assert not set(SET_FEATURES) & set(fitted.held_out.names)
    assert set(SET_FEATURES) == set(FEATURE_FAMILIES["signed sets"])
    counted.subtract(SET_FEATURES)
    counted = +counted
    assert counted == Counter(fitted.held_out.names)
    assert set(CONTROL_FEATURES) <= set(fitted.held_out.names)


def test_strict_needs_one_fit_per_line_and_the_others_one_in_all():
    assert [unit.name for unit in units("strict", CELL_LINES)] == list(CELL_LINES)
    assert [unit.cell_lines for unit in units("multi", ("K562", "RPE1"))] == [("K562", "RPE1")]


def test_a_table_is_predicted_like_its_rows_one_by_one(trained, corpus):
    _, fitted = trained
    table = asked(corpus, ["P003", "P040", "LONER"]).sample(frac=0.3, random_state=0)
    whole = fitted.predict(table)
    assert list(whole.index) == list(table.index)
    for i in range(0, len(table), 7):
        alone = fitted.predict(table.iloc[[i]])
        pd.testing.assert_frame_equal(alone, whole.iloc[[i]], check_exact=False, rtol=1e-4)


def test_a_table_is_predicted_like_the_stored_model_does(trained, corpus):
    out, fitted = trained
    model = ResponseModel.load(out)
    table = asked(corpus, ["P011", "LONER"])
    said = fitted.predict(table)
    stored = [
        one
        for pert in ("P011", "LONER")
        for one in model.predict([pert], corpus.screens.readouts, "HepG2")
    ]
    assert list(said.abstained) == [one.abstained for one in stored]
    assert list(said.reason) == [one.reason for one in stored]
    # The weights are stored to three digits, and a tree may split between the two.
    for name in ("p_de", "p_up"):
        gap = np.abs(said[name] - [getattr(one, name) for one in stored])
        assert gap.mean() < 0.005
        assert gap.max() < 0.1


def test_intervals_hold_their_probabilities(trained, corpus):
    said = trained[1].predict(asked(corpus, corpus.screens.perturbations[:9]))
    for name in ("p_de", "p_up"):
        assert (said[f"{name}_low"] <= said[name]).all()
        assert (said[name] <= said[f"{name}_high"]).all()


def test_it_abstains_with_the_prior_of_the_readout_where_nothing_similar_was_measured(
    trained, corpus
):
    said = trained[1].predict(asked(corpus, ["LONER", "NOPE1"]))
    assert said.abstained.all()
    assert said.reason.iloc[0] == "nothing similar to LONER was ever perturbed in the training " \
        "screens"  # fmt: skip
    assert said.reason.iloc[-1] == "NOPE1 is not in the response model's vocabulary"
    half = len(said) // 2
    np.testing.assert_array_equal(said.p_de[:half], said.p_de[half:])
    unread = pd.DataFrame([("P003", "R999", "K562")], columns=["pert", "gene", "cell_line"])
    (reason,) = trained[1].predict(unread).reason
    assert reason == "R999 was never a readout in the training screens of K562"


def test_a_pair_that_was_trained_on_is_predicted_from_the_fold_that_did_not_see_it(trained, corpus):
    _, fitted = trained
    rows, words = fitted.rows, corpus.screens
    some = rows.take(np.arange(0, len(rows), 211))
    table = pd.DataFrame(
        {
            "pert": np.array(words.perturbations)[some.pert],
            "gene": np.array(words.readouts)[some.readout],
            "cell_line": np.array(CELL_LINES)[some.line],
        }
    )
    expected = fitted.calibrations["de"].probability(fitted.held_out.changed, rows.line)[::211]
    np.testing.assert_array_equal(fitted.predict(table).p_de, expected)


def test_an_unknown_cell_line_is_an_error_that_names_the_known_ones(trained, corpus):
    with pytest.raises(QuestionError, match="HeLa; choose one of K562, RPE1, HepG2, Jurkat"):
        trained[1].predict(asked(corpus, ["P003"], "HeLa"))


def test_the_same_seed_gives_the_same_numbers(trained, corpus, quick, tmp_path):
    again = fit_model(corpus, quick, tmp_path, silent)
    table = asked(corpus, ["P003", "P040"])
    pd.testing.assert_frame_equal(again.predict(table), trained[1].predict(table))
