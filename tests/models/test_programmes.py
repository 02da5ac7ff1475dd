"""Programmes of the screens: planted ones are found, nothing is found in noise, and stored."""

import numpy as np
import pytest

from knowledge.base import Knowledge, load_knowledge
from models.checkpoint import read_checkpoint, write_checkpoint
from models.inputs.screens import UNKNOWN, Rows
from models.programmes import validation
from models.programmes.checkpoint import FORMAT, Curve
from models.programmes.loadings import matched, varimax
from models.programmes.model import ProgrammeModel
from models.programmes.shifts import expected, fit, measured_counts, shifts_of
from models.programmes.training import trained
from models.programmes.trust import chance, move_trust
from models.programmes.validation import choose, fold_axes, within_readout
from models.response.likeness import Likeness

N_PERTS, N_READOUTS, PLANTED = 60, 80, 4


@pytest.fixture(scope="module")
def starter(tmp_path_factory) -> Knowledge:
    return load_knowledge(tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="module")
def planted():
    """Rows of perturbations in groups of ten, each group shifting one or two of four programmes."""
    rng = np.random.default_rng(1)
    loaded = np.zeros((N_READOUTS, PLANTED))
    for k in range(PLANTED):
        loaded[20 * k : 20 * (k + 1), k] = rng.choice([1.0, -1.0], 20, p=[0.7, 0.3])
    group = np.arange(N_PERTS) // 10
    shift = np.zeros((N_PERTS // 10, PLANTED))
    shift[np.arange(6), [0, 1, 2, 3, 0, 1]] = [1, 1, 1, 1, -1, -1]
    line, pert, readout = (
        x.ravel()
        for x in np.meshgrid(np.arange(4), np.arange(N_PERTS), np.arange(N_READOUTS), indexing="ij")
    )
    keep = rng.random(len(line)) < 0.3
    line, pert, readout = line[keep], pert[keep], readout[keep]
    effect = (shift[group[pert]] * loaded[readout]).sum(1)
    flip = rng.random(len(effect)) < 0.05
    de = ((effect != 0) & ~flip).astype(int)
    up = np.where(de == 1, (effect > 0).astype(int), UNKNOWN)
    alike = (group[:, None] == group[None]).astype(np.float32) * 0.5
    np.fill_diagonal(alike, 0)
    return Rows(line, pert, readout, de, up), alike, loaded


def test_planted_sparse_programmes_are_recovered(planted):
    rows, alike, loaded = planted
    field, _ = fit(rows, alike, N_READOUTS, PLANTED)
    _, correlation = matched(loaded.astype(np.float32), field.loadings)
    assert np.abs(correlation).min() > 0.9


def test_a_perturbation_that_was_never_measured_gets_the_programme_of_its_relatives(planted):
    rows, alike, _ = planted
    unseen = rows.pert == 3
    field, deviation = fit(rows.take(~unseen), alike, N_READOUTS, PLANTED)
    asked = rows.take(unseen)
    place, shifts = shifts_of(field, alike, asked, 0.0)
    value = expected(place, shifts, field.loadings, asked.readout) * deviation[asked.readout]
    changed = asked.up >= 0
    assert ((value > 0) == (asked.up == 1))[changed].mean() > 0.95
    assert np.abs(value[changed]).mean() > 3 * np.abs(value[~changed]).mean()


def test_nothing_is_told_of_directions_in_shuffled_labels(planted):
    rows, alike, _ = planted
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = Rows(rows.line, rows.pert, rows.readout, rows.de[order], rows.up[order])
    test = np.arange(len(rows)) % 5 == 0
    field, deviation = fit(mixed.take(~test), alike, N_READOUTS, PLANTED)
    asked = mixed.take(test)
    place, shifts = shifts_of(field, alike, asked, 0.0)
    value = expected(place, shifts, field.loadings, asked.readout) * deviation[asked.readout]
    assert abs(within_readout(asked, value, N_READOUTS) - 0.5) < 0.12


def test_varimax_turns_axes_back_to_the_sparse_ones():
    rng = np.random.default_rng(0)
    sparse = np.zeros((40, 2))
    sparse[:20, 0], sparse[20:, 1] = rng.normal(1, 0.1, 20), rng.normal(1, 0.1, 20)
    angle = 0.6
    mixed = sparse @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = np.abs(mixed @ varimax(mixed))
    assert np.sort(found, axis=1)[:, 0].max() < 0.05


def test_the_auroc_within_a_readout_is_that_by_hand():
    rows = Rows(
        line=np.zeros(5, np.int64),
        pert=np.arange(5),
        readout=np.zeros(5, np.int64),
        de=np.array([1, 1, 1, 1, 0]),
        up=np.array([1, 1, 0, 0, UNKNOWN]),
    )
    # Of four pairs of an up and a down: 3 > 1, 3 > 2, 2 = 2 (half), 2 > 1.
    value = np.array([3.0, 2.0, 1.0, 2.0, 9.0], np.float32)
    assert within_readout(rows, value, 1) == pytest.approx(3.5 / 4)
    # In folds of their own, 3 against 1 and 2 against 2.
    assert within_readout(rows, value, 1, np.array([0, 1, 0, 1, 0])) == pytest.approx(0.75)


def test_trust_is_that_by_hand():
    assert chance(Curve(bias=0.0, slope=1.0), np.array([1.0, 3.0])) == pytest.approx([0.5, 0.75])
    # Four experiments at the programme's share of .75 beside three held and one failed.
    held, failed = np.array([3.0]), np.array([1.0])
    assert move_trust(held, failed, np.array([0.75])) == pytest.approx([0.75])


def test_measured_counts_tell_with_and_against():
    rows = Rows(
        line=np.zeros(4, np.int64),
        pert=np.zeros(4, np.int64),
        readout=np.arange(4),
        de=np.array([1, 1, 1, 0]),
        up=np.array([1, 0, 1, UNKNOWN]),
    )
    loaded = np.array([[1.0], [-0.5], [-1.0], [2.0]], np.float32)
    along, against = measured_counts(rows, loaded, 1)
    assert (along[0, 0, 0], against[0, 0, 0]) == (2, 1)


@pytest.fixture(scope="module")
def small(corpus, starter):
    patched = pytest.MonkeyPatch()
    patched.setattr(validation, "RANKS", (8, 12))
    yield trained(corpus, starter, lambda *_: None)
    patched.undo()


def test_a_stored_model_answers_as_the_trained_one_and_stays_out_of_its_own_rows(
    small, corpus, tmp_path
):
    stored, record = small
    write_checkpoint(tmp_path / "w", FORMAT, stored, record)
    model, loaded = ProgrammeModel(stored), ProgrammeModel(read_checkpoint(tmp_path / "w", FORMAT))
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)

    def alike(gene):
        own = model.perturbations.index(gene)
        return Likeness(similarity[own], own)

    shifts = model.shifts(["P000"], "K562", alike)
    assert loaded.shifts(["P000"], "K562", alike) == pytest.approx(shifts, abs=1e-3)
    assert model.shifts(["P000"], "K562", alike, "activation") == pytest.approx(-shifts)
    values = model.expected(shifts, model.readouts)
    top = model.readouts[int(np.abs(values).argmax())]
    direction = "up" if values[model.readouts.index(top)] > 0 else "down"
    (first, *_) = model.explained(shifts, top, direction)
    assert first.share > 0
    assert 0 < first.trust <= 1
    cited = model.borne_out("P000", "K562", first.programme, first.shift > 0, alike)
    assert cited
    assert all(row.along > row.against for row in cited)
    assert ("P000", "K562") not in {(row.perturbation, row.cell_line) for row in cited}


def test_held_out_figures_are_better_than_chance_on_the_planted_world(small):
    _, record = small
    figures = record["metrics"]["all"]
    assert figures["within-readout AUROC"] > 0.8
    assert figures["agreement"] > 0.85
    assert figures["unchanged covered"] < figures["covered"]


def test_the_number_of_programmes_is_chosen_on_training_perturbations_alone(corpus, monkeypatch):
    monkeypatch.setattr(validation, "RANKS", (2, 12))
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    fold = np.arange(len(corpus.screens.rows)) % 5
    found = fold_axes(corpus, similarity, fold, 0, lambda *_: None)
    rank, _, figures = choose(corpus, similarity, fold, found, lambda *_: None)
    assert rank == 12
    assert {one["programmes"] for one in figures} == {2.0, 12.0}
