"""Training on a small world with a known answer: it learns, does not peek, and comes back whole."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from evals.harness.metrics import macro_auroc
from evals.perturbqa import as_markdown, cross_validated
from models.inputs.screens import CELL_LINES, UNKNOWN, folds, held_out
from models.response import ResponseModel
from models.response.field import solved
from models.response.held_out import fit_to, held_out_features, pair_features, pairs_of
from models.response.settings import TrainingSettings
from models.response.training import train_corpus


def silent(what, share):
    pass


@pytest.fixture(scope="module")
def trained(corpus, quick, tmp_path_factory):
    out = tmp_path_factory.mktemp("weights")
    return out, train_corpus(corpus, out, quick, silent)


def held_out_auroc(trained, task):
    rows, held = trained.corpus.screens.rows, trained.held_out
    label, score = (rows.de, held.changed) if task == "de" else (rows.up, held.up)
    use = label != UNKNOWN
    group = (held.fold * 1000 + rows.readout) * len(CELL_LINES) + rows.line
    return macro_auroc(group[use], label[use], score[use])


def test_held_out_perturbations_of_known_complexes_are_predicted(trained):
    assert held_out_auroc(trained[1], "de") > 0.85
    assert held_out_auroc(trained[1], "up") > 0.85


def test_shuffled_labels_give_chance_through_the_whole_pipeline(shuffled_corpus, quick, tmp_path):
    result = train_corpus(shuffled_corpus, tmp_path, quick, silent)
    assert held_out_auroc(result, "de") == pytest.approx(0.5, abs=0.04)
    assert held_out_auroc(result, "up") == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("setting", ["multi", "strict"])
def test_labels_of_a_fold_never_reach_its_own_features(corpus, setting):
    run = TrainingSettings(setting=setting, folds=3, rank=4)
    fold, before, _ = held_out_features(corpus, corpus.screens.rows, run, None, silent)
    rows = corpus.screens.rows
    hidden = fold == 1
    flipped = replace(
        rows,
        de=np.where(hidden, 1 - rows.de, rows.de),
        up=np.where(hidden & (rows.de == 0), 1, np.where(hidden, UNKNOWN, rows.up)),
    )
    other = replace(corpus, screens=replace(corpus.screens, rows=flipped))
    _, after, _ = held_out_features(other, flipped, run, None, silent)
    np.testing.assert_array_equal(before[hidden], after[hidden])
    assert not np.array_equal(before[~hidden], after[~hidden], equal_nan=True)


def test_multi_hides_a_perturbation_in_the_tested_line_only(corpus):
    rows = corpus.screens.rows
    hidden = held_out(rows, "multi", 2, np.array([3, 4]))
    assert set(rows.line[hidden]) == {2}
    assert set(rows.pert[hidden]) == {3, 4}
    assert not np.isin(rows.pert[~hidden & (rows.line == 2)], [3, 4]).any()
    assert np.isin(rows.pert[~hidden & (rows.line == 0)], [3, 4]).any()


def test_strict_hides_a_perturbation_in_every_line(corpus):
    rows = corpus.screens.rows
    hidden = held_out(rows, "strict", 2, np.array([3, 4]))
    assert not np.isin(rows.pert[~hidden], [3, 4]).any()


@pytest.mark.parametrize("setting", ["multi", "strict"])
def test_no_forbidden_row_is_reachable_from_a_fold(corpus, setting):
    rows = corpus.screens.rows
    fold = folds(rows, setting, 4, np.random.default_rng(1))
    for k in range(4):
        for line in range(len(CELL_LINES)):
            tested = np.unique(rows.pert[(fold == k) & (rows.line == line)])
            assert not held_out(rows, setting, line, tested)[fold != k].any()


def test_an_interrupted_run_takes_up_its_finished_folds(corpus, quick, tmp_path):
    seen = []

    def interrupt(what, share):
        seen.append(what)
        if "fold 3" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_corpus(corpus, tmp_path, quick, interrupt)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("fold-*.npz")}
    assert set(kept) == {"fold-0.npz", "fold-1.npz"}
    _fold, features, _ = held_out_features(
        corpus, corpus.screens.rows, quick, next(tmp_path.glob("partial/*")), silent
    )
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("fold-*.npz")}
    assert {name: after[name] for name in kept} == kept
    _, afresh, _ = held_out_features(corpus, corpus.screens.rows, quick, None, silent)
    np.testing.assert_array_equal(features, afresh)


def test_sums_are_those_of_one_thread_whatever_the_machine_has(corpus, quick, monkeypatch):
    used = set()

    def seen(*args):
        used.update(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return solved(*args)

    monkeypatch.setattr("models.response.field.solved", seen)
    with threadpool_limits(2, user_api="blas"):
        held_out_features(corpus, corpus.screens.rows, quick, None, silent)
    assert used == {1}


def test_a_stored_model_predicts_what_the_fitted_one_does(trained, corpus, quick):
    out, _result = trained
    model = ResponseModel.load(out)
    again = ResponseModel.load(out)
    first = model.predict(["P003"], None, "HepG2")
    assert first == again.predict(["P003"], None, "HepG2")
    rows = corpus.screens.rows
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    evidence = fit_to(rows, corpus, similarity, quick.rank)
    here = (rows.line == 2) & (rows.pert == 3)
    features, names = pair_features(pairs_of(rows.take(here), corpus), evidence, corpus, similarity)
    assert list(names) == model.feature_names
    stored = model.features("P003", "HepG2")[rows.readout[here]]
    # The weights are stored to three digits.
    np.testing.assert_allclose(stored, features, atol=0.05, rtol=0.05)


def test_a_row_seen_in_training_is_answered_from_the_fold_that_did_not_see_it(trained, corpus):
    out, result = trained
    model = ResponseModel.load(out)
    rows = corpus.screens.rows
    at = int(np.flatnonzero((rows.line == 1) & (rows.de == 1))[0])
    gene = corpus.screens.perturbations[rows.pert[at]]
    readout = corpus.screens.readouts[rows.readout[at]]
    (one,) = model.predict([gene], [readout], "RPE1")
    expected = result.calibrations["de"].probability(result.held_out.changed[at], 1)
    assert one.seen_in_training
    assert one.p_de == pytest.approx(float(expected), abs=0.02)


def test_the_score_table_has_the_model_above_the_gene_prior(trained):
    _, result = trained
    scores = cross_validated(result, draws=5)
    means = scores.plain.where(cell_line="mean", measure="auroc").by("task", "predictor")
    mean = {key: one.value.value for key, one in means.items()}
    assert mean["de", "response model"] > mean["de", "gene prior"] == 0.5
    assert "response model" in as_markdown(scores, "multi")


def test_the_same_seed_gives_the_same_weights(trained, corpus, quick, tmp_path):
    out, _ = trained
    train_corpus(corpus, tmp_path, quick, silent)
    assert ResponseModel.load(tmp_path).version == ResponseModel.load(out).version
