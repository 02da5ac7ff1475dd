"""The baselines say what their names promise, and know nothing of what is held out."""

import numpy as np
import pytest

from models.expression.baselines import (
    Additive,
    LinearSelf,
    LinearTransfer,
    NearestNeighbours,
    NoChange,
    RidgeFeatures,
    ScaledAdditive,
    TrainingMean,
)
from models.expression.choice import Chosen, answers, folds_of
from models.expression.genes import GeneFeatures
from models.expression.screens import ExpressionScreen, together

GENES = tuple(f"G{number:02}" for number in range(24))
READOUTS = 60


def screen(genes=GENES, doubles=(), scale=1.0, seed=0, names=None, context="made-up"):
    """Responses that are linear in two hidden traits of the gene, doubles `scale` times the sum."""
    rng = np.random.default_rng(seed)
    traits = {gene: rng.normal(size=2) for gene in GENES}
    effect = np.random.default_rng(99).normal(size=(2, READOUTS))
    perturbations = [(gene,) for gene in genes] + [together(pair) for pair in doubles]
    response = [
        (1.0 if len(one) == 1 else scale) * sum(traits[gene] for gene in one) @ effect
        for one in perturbations
    ]
    return ExpressionScreen(
        context=context,
        kind="knockdown",
        unit="log2 fold change",
        readouts=names or tuple(f"R{number:02}" for number in range(READOUTS)),
        perturbations=tuple(perturbations),
        response=np.array(response, np.float32),
        baseline=None,
        cells=np.ones(len(perturbations), int),
    )


def features(seed=0, genes=GENES):
    rng = np.random.default_rng(seed)
    traits = np.array([rng.normal(size=2) for _ in GENES], np.float32)[: len(genes)]
    return GeneFeatures(genes, traits)


def error(fitted, other):
    return float(np.abs(fitted.predict(other.perturbations) - other.response).mean())


PAIRS = [("G00", "G01"), ("G02", "G03"), ("G04", "G05"), ("G06", "G07"), ("G08", "G09")]


def test_no_change_says_zero_and_the_mean_says_the_mean_of_as_many_genes():
    seen = screen(doubles=PAIRS, scale=0.5)
    assert not NoChange().fit(seen, 0).predict([("G00",), ("X", "Y")]).any()
    mean = TrainingMean().fit(seen, 0)
    assert mean.predict([("unseen",)])[0] == pytest.approx(seen.response[:24].mean(axis=0))
    assert mean.predict([("A", "B")])[0] == pytest.approx(seen.response[24:].mean(axis=0))
    assert mean.predict([("A", "B", "C")])[0] == pytest.approx(seen.response.mean(axis=0))


def test_additive_is_the_sum_of_the_singles_and_has_no_answer_without_them():
    seen = screen(GENES[:5])
    said = Additive().fit(seen, 0).predict([("G00", "G01"), ("G00", "G23"), ("G02",)])
    assert said[0] == pytest.approx(seen.response[0] + seen.response[1])
    assert np.isnan(said[1]).all()
    assert said[2] == pytest.approx(seen.response[2])


def test_scaled_additive_finds_the_factor_of_the_training_doubles():
    seen = screen(doubles=PAIRS[:3], scale=0.7)
    unseen = screen((), doubles=PAIRS[3:], scale=0.7)
    assert error(ScaledAdditive().fit(seen, 0), unseen) < 1e-5
    assert error(Additive().fit(seen, 0), unseen) > 0.1
    alone = screen(GENES[:2])
    assert ScaledAdditive().fit(alone, 0).predict([("G00", "G01")])[0] == pytest.approx(
        alone.response.sum(axis=0), rel=1e-5
    )


@pytest.mark.parametrize("kind", [RidgeFeatures, NearestNeighbours])
def test_knowledge_that_explains_the_response_carries_over_to_unseen_genes(kind):
    seen, unseen = screen(GENES[:20]), screen(GENES[20:])
    wrong = error(kind(features()).fit(seen, 0), unseen)
    assert wrong < 0.8 * error(TrainingMean().fit(seen, 0), unseen)
    without = kind(features(genes=GENES[:22])).fit(seen, 0).predict(unseen.perturbations)
    assert np.isfinite(without[:2]).all()
    assert np.isnan(without[2:]).all()


def test_ridge_carries_over_to_pairs_of_genes():
    seen = screen(GENES[:20], doubles=PAIRS)
    unseen = screen((), doubles=[("G20", "G21"), ("G22", "G23")])
    said = RidgeFeatures(features()).fit(seen, 0)
    assert error(said, unseen) < 0.2 * error(TrainingMean().fit(seen, 0), unseen)


def test_another_screen_of_the_same_genes_carries_over():
    seen, unseen = screen(GENES[:20]), screen(GENES[20:])
    other = screen(context="other", names=tuple(f"O{number}" for number in range(READOUTS)))
    fitted = LinearTransfer(other).fit(seen, 0)
    assert error(fitted, unseen) < 0.15 * error(TrainingMean().fit(seen, 0), unseen)
    assert LinearTransfer(other).name == "linear, embeddings from other"
    assert np.isnan(fitted.predict([("G00", "nobody")])).all()


def test_the_linear_model_describes_a_gene_by_its_own_readout():
    """Genes whose readouts move together do the same, as G is the only thing known of them."""
    rng = np.random.default_rng(3)
    module = np.arange(24) % 2
    effect = rng.normal(size=(2, READOUTS))
    effect[:, :24] += np.where(module == 0, 3.0, -3.0) * np.array([[1.0], [-1.0]])
    response = (effect[module] + 0.1 * rng.normal(size=(24, READOUTS))).astype(np.float32)
    whole = ExpressionScreen(
        "c", "knockout", "log2 fold change",
        (*GENES, *(f"R{number}" for number in range(READOUTS - 24))),
        tuple((gene,) for gene in GENES), response, None, np.ones(24, int),
    )  # fmt: skip
    seen, unseen = whole.take(np.arange(18)), whole.take(np.arange(18, 24))
    fitted = LinearSelf().fit(seen, 0)
    assert error(fitted, unseen) < 0.5 * error(TrainingMean().fit(seen, 0), unseen)
    assert np.isnan(fitted.predict([("no readout",)])).all()
    few = LinearSelf().fit(whole.take(np.arange(3)), 0)
    assert np.isnan(few.predict([("G00",)])).all()


def test_a_held_out_gene_is_in_no_training_perturbation():
    whole = screen(doubles=PAIRS)
    folds = folds_of(whole, "singles", 4, seed=1)
    assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(24))
    for fold in folds:
        hidden = {whole.perturbations[row][0] for row in fold.held_out}
        assert hidden.isdisjoint(whole.take(fold.training).genes)


def test_doubles_are_held_out_only_where_their_singles_are_seen():
    whole = screen(GENES[:10], doubles=[*PAIRS, ("G00", "G20")])
    folds = folds_of(whole, "doubles", 3, seed=1)
    assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(10, 15))
    assert all(15 in fold.training and {*range(10)} <= {*fold.training} for fold in folds)
    assert folds_of(screen(), "doubles", 3, seed=1) == []


def test_without_an_answer_the_training_mean_stands_in_and_it_is_told():
    whole = screen()
    fold = folds_of(whole, "singles", 4, seed=0)[0]
    said, answered = answers(Additive(), whole, fold, seed=0)
    assert not answered.any()
    assert said[0] == pytest.approx(whole.response[fold.training].mean(axis=0), abs=1e-6)


def test_the_better_predictor_is_chosen_within_the_training_rows():
    whole = screen(doubles=PAIRS, scale=1.0)
    fitted = Chosen((TrainingMean(), RidgeFeatures(features()), Additive())).fit(whole, 0)
    said = fitted.predict([("G00", "G23"), ("G05",)])
    assert fitted.used == {"singles": "ridge on knowledge", "doubles": "additive"}
    assert said[0] == pytest.approx(whole.response[0] + whole.response[23], rel=1e-5)
    assert said[1] == pytest.approx(
        RidgeFeatures(features()).fit(whole, 0).predict([("G05",)])[0], rel=1e-5
    )
