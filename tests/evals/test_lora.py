"""An adapter learns answers, and nothing of a perturbation that it is scored on."""

import sys

import numpy as np
import pandas as pd
import pytest

from evals.language.lora import (
    AFTER,
    BEFORE,
    EVIDENCE,
    FUSED,
    Example,
    Lesson,
    answers,
    judged,
    parted,
    taught_by,
    train,
)
from knowledge.errors import RunError


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    pairs = [(f"P{p}", f"G{g}") for p in range(40) for g in range(10)]
    table = pd.DataFrame(pairs, columns=["pert", "gene"]).assign(cell_line="K562", task="de")
    return table.assign(label=(rng.random(len(table)) < 0.5).astype(float))


def test_no_perturbation_is_learnt_from_and_scored(rows):
    taught, held = parted(rows, Lesson(pairs=40, scored=20, held_out=0.25))
    assert len(taught) == 80
    assert len(held) == 40
    assert not set(taught.pert) & set(held.pert)
    assert held.groupby("pair").label.sum().eq(1).all()


def test_scores_stand_beside_the_evidence_on_the_same_pairs(rows):
    _, held = parted(rows, Lesson(pairs=40, scored=40, held_out=0.5))
    held = held.assign(shift=0.0, p_evidence=0.2 + 0.6 * held.label)
    found = judged(held.assign(**{BEFORE: 0.5, AFTER: 0.9 - 0.8 * held.label}))
    share = {one.predictor: one.share for one in found}
    assert (share[BEFORE], share[AFTER], share[EVIDENCE]) == (0.5, 0.0, 1.0)
    assert share[f"{BEFORE}{FUSED}"] == 1.0


def test_without_peft_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(RunError, match=r"needs peft; run `pip install '\.\[tune\]'`"):
        train(tmp_path, "model", tmp_path / "out", Lesson(), None, lambda what, done: None)


# peft 0.21 asks transformers 5 by an older name.
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_memorises_ten_answers_and_leaves_the_model_as_it_was(tmp_path):
    peft = pytest.importorskip("peft")
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config).eval()
    rng = np.random.default_rng(0)
    lessons = [Example(rng.integers(4, 64, 12).tolist(), (1, 2), i % 2) for i in range(10)]
    before = answers(model, lessons)
    lesson = Lesson(epochs=60, rate=2e-2, batch=5)
    tuned = taught_by(model, lessons, lesson, lambda what, done: None)
    after = answers(tuned, lessons)
    assert [round(p) for p in after] == [one.label for one in lessons]
    with tuned.disable_adapter():
        assert answers(tuned, lessons) == pytest.approx(before, abs=1e-6)
    tuned.save_pretrained(tmp_path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        again = peft.PeftModel.from_pretrained(LlamaForCausalLM(config).eval(), tmp_path)
    assert answers(again, lessons) == pytest.approx(after, abs=1e-5)
