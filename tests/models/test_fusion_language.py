"""What a language model may change: nothing if it knows nothing, much if it knows."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from evals.harness.metrics import macro_auroc
from knowledge.errors import DataError
from models.fusion import logit
from models.fusion.language import (
    LEAST_PERTURBATIONS,
    Examples,
    LanguageStacker,
    Stack,
    cross_fitted,
    data_hash,
    fit_stack,
    stacker_file,
)


@pytest.fixture
def stacker():
    return LanguageStacker(
        model="org/some model:8b",
        strategy="knockwise",
        prompts_hash="abc",
        data_sha256="0" * 64,
        de=Stack(weight=0.5, offset=-0.2, rows=10),
        up=Stack(),
    )


def rows(seed, knows, *, perturbations=80, per=12):
    """Rows with calibrated evidence; the model adds `knows` of what the evidence leaves open."""
    rng = np.random.default_rng(seed)
    n = perturbations * per
    p_evidence = expit(rng.normal(-0.5, 1.3, n))
    hidden = rng.normal(0, 1, n)
    label = (rng.random(n) < expit(logit(p_evidence) + hidden)).astype(float)
    said = 1.5 * (knows * hidden + rng.normal(0, 1, n)) - 1
    pert = np.repeat(np.arange(perturbations), per).astype(str)
    gene = rng.integers(0, n // 6, n)
    return gene, Examples(label, p_evidence, expit(said), pert, np.zeros(n))


def auroc(gene, examples, p):
    return macro_auroc(gene, examples.label.astype(int), p)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_model_changes_nothing(seed):
    gene, examples = rows(seed, knows=0)
    before, after = (
        auroc(gene, examples, p) for p in (examples.p_evidence, cross_fitted(examples))
    )
    assert abs(after - before) <= 0.005
    assert fit_stack(examples).weight < 0.1


def test_a_model_that_knows_lifts_held_out_perturbations():
    gene, examples = rows(0, knows=2)
    fused = cross_fitted(examples)
    assert auroc(gene, examples, fused) > auroc(gene, examples, examples.p_evidence) + 0.05
    stack = fit_stack(examples)
    assert stack.weight > 0.1
    assert stack.log_loss_with < stack.log_loss_without


def test_a_model_that_is_always_wrong_is_not_believed_the_other_way_round():
    _, examples = rows(0, knows=-2)
    assert fit_stack(examples).weight == 0


def test_where_the_model_gave_nothing_the_evidence_stands():
    _, examples = rows(0, knows=2)
    silent = np.arange(len(examples)) % 3 == 0
    examples.p_llm[silent] = np.nan
    fused = cross_fitted(examples)
    assert np.array_equal(fused[silent], examples.p_evidence[silent])
    assert not np.array_equal(fused[~silent], examples.p_evidence[~silent])


def test_a_constant_answer_weighs_nothing():
    _, examples = rows(0, knows=2)
    examples.p_llm[:] = 0.8
    assert np.allclose(cross_fitted(examples), examples.p_evidence)


def test_drawing_more_rows_that_change_does_not_move_the_probabilities():
    _, whole = rows(0, knows=2, perturbations=2000)
    rng = np.random.default_rng(1)
    rate = np.where(whole.label == 1, 0.9, 0.15)
    drawn = whole.take(rng.random(len(whole)) < rate)
    drawn = Examples(
        drawn.label, drawn.p_evidence, drawn.p_llm, drawn.pert,
        np.full(len(drawn), np.log(0.9 / 0.15)),
    )  # fmt: skip
    from_drawn, from_whole = fit_stack(drawn), fit_stack(whole)
    assert from_drawn.weight == pytest.approx(from_whole.weight, abs=0.05)
    assert from_drawn.offset == pytest.approx(from_whole.offset, abs=0.1)
    fused = from_drawn.probability(whole.p_evidence, whole.p_llm)
    assert fused.mean() == pytest.approx(whole.label.mean(), abs=0.02)


@pytest.mark.parametrize("perturbations", [3, 10, LEAST_PERTURBATIONS - 1])
def test_with_too_few_perturbations_nothing_is_learnt(perturbations):
    _, examples = rows(0, knows=2, perturbations=perturbations, per=3)
    assert fit_stack(examples).weight == 0
    assert np.array_equal(cross_fitted(examples), examples.p_evidence)


def test_a_stacker_is_found_again_by_model_and_strategy_and_prompts(tmp_path, stacker):
    file = stacker.save(tmp_path)
    assert file == stacker_file(tmp_path, "org/some model:8b", "knockwise")
    assert file.is_relative_to(tmp_path / "language")
    assert LanguageStacker.load(tmp_path, "org/some model:8b", "knockwise") == stacker
    assert LanguageStacker.load(tmp_path, "org/some model:8b", "knockwise", "abc") == stacker
    assert LanguageStacker.load(tmp_path, "org/some model:8b", "knockwise", "other") is None
    assert LanguageStacker.load(tmp_path, "org/some-model:8b", "knockwise") is None
    assert LanguageStacker.load(tmp_path, "org/some model:8b", "direct") is None
    assert json.loads(file.read_text())["data_sha256"] == "0" * 64


def test_names_of_models_do_not_leave_the_folder(tmp_path):
    for name in ("../../etc", "/abs", "..", "a/../../b"):
        file = stacker_file(tmp_path, name, "direct").resolve()
        assert file.is_relative_to(tmp_path.resolve() / "language")


def test_a_damaged_stacker_says_how_to_fit_it_again(tmp_path, stacker):
    Path(stacker.save(tmp_path)).write_text('{"model": 1}')
    with pytest.raises(DataError, match=r"delete it and fit the stacker again"):
        LanguageStacker.load(tmp_path, "org/some model:8b", "knockwise")


def test_the_data_hash_depends_on_every_label():
    _, examples = rows(0, knows=1)
    before = data_hash(examples)
    assert before == data_hash(examples)
    examples.label[0] = 1 - examples.label[0]
    assert data_hash(examples) != before


def test_de_and_direction_have_weights_of_their_own(stacker):
    p, said = np.array([0.3]), np.array([0.9])
    assert stacker.p_de(p, said) > p
    assert stacker.p_up(p, said) == p
