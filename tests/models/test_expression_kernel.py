"""The kernel model on made-up screens, and the checkpoint it is kept in."""

import numpy as np
import pytest

from knowledge.errors import DataError, KnockwiseError
from models.expression.baselines import Additive, TrainingMean
from models.expression.genes import GeneFeatures, StoredSimilarity
from models.expression.kernel import KernelResidual, Variances, sum_scale
from models.expression.model import ExpressionModel
from models.expression.screens import ExpressionScreen, together
from models.expression.training import train_screens
from models.inputs.genes import UnknownGeneError

GENES, READOUTS, GROUPS = 24, 30, 4
SYMBOLS = tuple(f"G{i:02d}" for i in range(GENES))


@pytest.fixture(scope="module")
def features():
    """Genes of a group of six are alike."""
    group = np.arange(GENES) % GROUPS
    alike = np.eye(GROUPS, dtype=np.float32)[group]
    own = np.eye(GENES, dtype=np.float32) * 0.5
    vectors = np.hstack([alike, own])
    symbols = (*SYMBOLS, "G99")
    vectors = np.vstack([vectors, vectors[:1] * 0.99 + 0.01])
    return GeneFeatures(symbols, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def screen():
    """Genes of a group do alike, and pairs do 0.7 times the sum."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 1, READOUTS)
    group = rng.normal(0, 1, (GROUPS, READOUTS))
    single = shared + group[np.arange(GENES) % GROUPS] + 0.3 * rng.normal(0, 1, (GENES, READOUTS))
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    double = np.array([0.7 * (single[i] + single[j]) for i, j in pairs])
    response = np.vstack([single, double + 0.05 * rng.normal(0, 1, double.shape)])
    return ExpressionScreen(
        context="made-up",
        kind="knockout",
        unit="log2 fold change",
        readouts=(*(f"R{i:02d}" for i in range(READOUTS - 1)), "G23"),
        perturbations=(*((s,) for s in SYMBOLS), *((SYMBOLS[i], SYMBOLS[j]) for i, j in pairs)),
        response=response.astype(np.float32),
        baseline=None,
        cells=np.ones(len(response), np.int64),
    )


def distance(fitted, screen, rows):
    predicted = fitted.predict([screen.perturbations[row] for row in rows])
    return np.linalg.norm(predicted - screen.response[rows], axis=1).mean()


def without(screen, hidden):
    kept = [not set(hidden) & set(genes) for genes in screen.perturbations]
    return screen.take(np.flatnonzero(kept))


def test_an_unseen_gene_does_what_its_relatives_do(screen, features):
    training = without(screen, ["G00", "G05", "G10"])
    rows = np.array([0, 5, 10])
    ours = distance(KernelResidual(features).fit(training, 0), screen, rows)
    assert ours < 0.7 * distance(TrainingMean().fit(training, 0), screen, rows)


def test_a_screen_that_relatives_say_nothing_about_is_answered_with_its_mean(screen, features):
    rng = np.random.default_rng(1)
    random = GeneFeatures(features.symbols, rng.normal(0, 1, features.vectors.shape))
    training = without(screen, ["G00", "G05", "G10"])
    rows = np.array([0, 5, 10])
    ours = distance(KernelResidual(random).fit(training, 0), screen, rows)
    assert ours == pytest.approx(distance(TrainingMean().fit(training, 0), screen, rows), rel=0.1)


def test_unseen_pairs_are_weighed_as_the_seen_ones_were(screen, features):
    rows = screen.rows(several=True)
    held, kept = rows[::3], np.setdiff1d(np.arange(len(screen)), rows[::3])
    training = screen.take(kept)
    assert sum_scale(training) == pytest.approx(0.7, abs=0.03)
    ours = distance(KernelResidual(features).fit(training, 0), screen, held)
    assert ours < 0.3 * distance(Additive().fit(training, 0), screen, held)


def test_errors_of_left_out_genes_are_those_of_fitting_anew_without_them(screen, features):
    fixed = KernelResidual(features, Variances(0.3, 1.0, 0.0))
    singles = screen.take(screen.rows(several=False))
    closed = fixed.fit(singles, 0).errors
    for row in (0, 7, 22):
        anew = fixed.fit(without(singles, [SYMBOLS[row]]), 0)
        assert closed[row] == pytest.approx(singles.response[row] - anew.single(SYMBOLS[row]))


def test_a_gene_of_which_nothing_is_known_is_named(screen, features):
    with pytest.raises(UnknownGeneError, match="NOSUCH"):
        KernelResidual(features).fit(screen, 0).predict([("NOSUCH",)])


def test_what_is_stored_of_a_similarity_is_what_it_was(features):
    stored = StoredSimilarity.of(features, features.symbols, SYMBOLS[:5])
    asked = ["G99", "G07"]
    assert stored.between(asked, SYMBOLS[:5]) == pytest.approx(
        features.between(asked, SYMBOLS[:5]), abs=1 / 255
    )


@pytest.fixture(scope="module")
def trained(screen, features, tmp_path_factory):
    out = tmp_path_factory.mktemp("app")
    told = []
    figures = train_screens(
        [screen],
        {"made-up": ("Made up.", "a dish")},
        features,
        out,
        lambda *said: told.append(said),
    )
    assert told[-1] == ("done", 1.0)
    return out, figures


def test_training_tells_how_held_out_perturbations_were_predicted(trained):
    singles, doubles = trained[1]
    assert singles["mean_l2"]["kernel residual"] < singles["mean_l2"]["training mean"]
    assert doubles["mean_l2"]["kernel residual"] < doubles["mean_l2"]["additive"]


def test_a_loaded_model_says_what_the_fitted_one_said(trained, screen, features):
    model = ExpressionModel.load(trained[0])
    fitted = KernelResidual(features).fit(screen, 0)
    for genes in (("G99",), ("G03", "G11"), ("G09", "G99")):
        answer = model.predict(genes, "Made-Up")
        assert answer.change == pytest.approx(fitted.predict([genes])[0], abs=0.02)
        assert not answer.seen
        assert (answer.low < answer.change).all()
        assert (answer.change < answer.high).all()
        again = model.predict(genes[::-1], "made-up")
        assert (again.change == answer.change).all()


def test_intervals_hold_nine_in_ten_unseen_responses(screen, features, tmp_path):
    hidden = SYMBOLS[16:]
    train_screens(
        [without(screen, hidden)], {"made-up": ("", "")}, features, tmp_path, lambda *_: None
    )
    model = ExpressionModel.load(tmp_path)
    held = []
    for gene in hidden[:-1]:  # G23 is a readout too
        answer, true = model.predict((gene,), "made-up"), screen.row((gene,))
        held.append((answer.low <= true) & (true <= answer.high))
    assert 0.8 < np.mean(held) < 0.98


def test_a_measured_perturbation_is_answered_with_the_measurement(trained, screen):
    answer = ExpressionModel.load(trained[0]).predict(("G05", "G01"), "made-up")
    assert answer.seen
    assert answer.change == pytest.approx(screen.row(together(["G05", "G01"])), abs=0.01)
    assert answer.additive == pytest.approx(screen.row(("G01",)) + screen.row(("G05",)), abs=0.02)


def test_a_prediction_names_the_measurements_that_moved_it(trained):
    answer = ExpressionModel.load(trained[0]).predict(("G99",), "made-up")
    relatives = {gene for i, gene in enumerate(SYMBOLS) if i % GROUPS == 0}
    assert answer.neighbours[0][0][0] in relatives
    shares = [share for _, share in answer.neighbours]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1


def test_the_same_training_writes_the_same_bytes(trained, screen, features, tmp_path):
    train_screens(
        [screen], {"made-up": ("Made up.", "a dish")}, features, tmp_path, lambda *_: None
    )
    for name in ("config.json", "names.txt.gz", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (trained[0] / name).read_bytes()


def test_an_unknown_context_is_answered_with_those_there_are(trained):
    with pytest.raises(KnockwiseError, match="choose among made-up"):
        ExpressionModel.load(trained[0]).predict(("G01",), "elsewhere")


def test_a_screen_too_small_to_learn_from_is_refused(screen, features, tmp_path):
    with pytest.raises(DataError, match="made-up holds 3 perturbations"):
        train_screens(
            [screen.take(np.arange(3))], {"made-up": ("", "")}, features, tmp_path, lambda *_: None
        )


@pytest.mark.parametrize("name", ["config.json", "names.txt.gz", "model.safetensors"])
def test_a_damaged_checkpoint_is_named_with_what_to_do(trained, tmp_path, name):
    for file in trained[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
    with pytest.raises(DataError, match=r"damaged.*knockwise train expression"):
        ExpressionModel.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=f"lacks {name}"):
        ExpressionModel.load(tmp_path)


def test_the_shipped_model_answers_for_any_protein_coding_gene():
    model = ExpressionModel.load()
    for context in model.contexts:
        answer = model.predict(("TP53",), context.name)
        assert len(answer.readouts) == context.readouts == len(answer.change)
        assert np.isfinite(answer.change).all()
