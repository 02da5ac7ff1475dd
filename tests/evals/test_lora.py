"""An adapter learns answers, and nothing of a perturbation that it is scored on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agent.settings import Settings
from evals.language.lora import (
    AFTER,
    BEFORE,
    Example,
    Lesson,
    answers,
    parted,
    taught_by,
    train,
)
from knowledge.errors import RunError
from tests.evals.language_world import world  # noqa: F401  # a fixture

TESTS = Path(__file__).parents[1]


def quiet(what, share):
    pass


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_comes_with_its_figures_beside_the_evidence(world, tmp_path):  # noqa: F811
    script, pack = TESTS / "live" / "tiny_model.py", TESTS.parent / "knowledge" / "starter"
    base, out = tmp_path / "tiny", tmp_path / "out"
    subprocess.run([sys.executable, script, base, pack], check=True, capture_output=True)
    lesson = Lesson(pairs=8, scored=8, held_out=0.3)
    settings = Settings(data=tmp_path / "data")
    results = train(world.mirror, str(base), out, lesson, settings, quiet)
    asked = results.scores.where(where="all").by("predictor", "role", "task")
    for name in (BEFORE, AFTER):
        assert {role for who, role, _ in asked if who == name} == {
            "llm",
            "evidence",
            "mean",
            "fused",
        }
    page = (out / "scoreboard.md").read_text()
    assert "tiny, taught" in page
    kept = pd.read_parquet(out / "kept.parquet")
    told = json.loads((out / "training.json").read_text())
    assert set(kept.pert) <= set(told["held_out"])
    assert (out / "adapter_model.safetensors").stat().st_size > 0
    assert len(kept) == 2 * 2 * lesson.scored
    # A finished run is read: nothing is learnt again.
    before = (out / "adapter_model.safetensors").stat().st_mtime_ns
    train(world.mirror, str(base), out, lesson, settings, quiet)
    assert (out / "adapter_model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(RunError, match="holds a run with other settings"):
        train(world.mirror, str(tmp_path / "another"), out, lesson, settings, quiet)


def test_without_peft_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(RunError, match=r"needs peft; run `pip install '\.\[tune\]'`"):
        train(tmp_path, "model", tmp_path / "out", Lesson(), None, quiet)


# peft 0.21 asks transformers 5 by an older name.
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_memorises_ten_answers_and_leaves_the_model_as_it_was(tmp_path):
    import peft
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
    tuned = taught_by(model, lessons, lesson, quiet)
    after = answers(tuned, lessons)
    assert [round(p) for p in after] == [one.label for one in lessons]
    with tuned.disable_adapter():
        assert answers(tuned, lessons) == pytest.approx(before, abs=1e-6)
    tuned.save_pretrained(tmp_path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        again = peft.PeftModel.from_pretrained(LlamaForCausalLM(config).eval(), tmp_path)
    assert answers(again, lessons) == pytest.approx(after, abs=1e-5)
