"""A real open language model in the loop: whatever it says, the evidence is not worse for it.

SmolLM2-135M-Instruct by default; `KNOCKWISE_LIVE_MODEL=qwen` takes Qwen2.5-Coder-1.5B-Instruct.
"""

import json
from itertools import product

import pandas as pd
import pytest

from agent.settings import LLMSettings, Settings
from evals.language.contrast import ContrastEval, evaluate
from tests.evals.language_world import world  # noqa: F401  # a fixture
from tests.live.test_ask import ask, numbers

# Two pairs of a strategy that writes: a small model takes seconds for a thought.
AT_ONCE = ("knockwise", "direct")
THINKING = ("knockwise, reasoned=2", "summer=2", "vcworld=2", "core=2")
PAIRS = 8


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return ask(tmp_path_factory.mktemp("alone"), "--reasoner", "evidence")


def test_a_real_model_is_asked_and_changes_nothing_before_it_is_weighed(open_url, tmp_path, alone):
    answer = ask(tmp_path, "--reasoner", "llm", "--base-url", open_url)
    assert answer["reasoner"].endswith("strategy knockwise")
    assert numbers(answer) == numbers(alone)
    assert answer["tokens"]["completion"] > 0
    assert any("weight zero" in note for note in answer["unknown"])


def test_a_real_model_is_scored_on_contrast_pairs_and_fused_is_no_worse(
    open_url,
    open_model,
    tmp_path,
    world,  # noqa: F811
):
    llm = LLMSettings(base_url=open_url, cache=False, timeout_s=300)
    settings = Settings(data=tmp_path / "data", llm=llm)
    run = ContrastEval(model=open_model.name, strategies=(*AT_ONCE, *THINKING), pairs=PAIRS)
    results = evaluate(world.mirror, tmp_path / "run", run, settings, lambda what, share: None)
    share = results.scores.where(where="all").by("predictor", "role", "task")
    asked = {one["strategy"]: one for one in results.facts["asked"]}
    assert list(asked) == [*AT_ONCE, *(name.partition("=")[0] for name in THINKING)]
    for strategy, task in product(asked, results.scores.values("task")):
        fused, alone = (share[strategy, who, task].value for who in ("fused", "evidence"))
        assert fused.value >= alone.value - 0.003
    assert all(asked[name]["questions"] == 2 * PAIRS for name in AT_ONCE)
    assert all(asked[name]["written"] > 1 for name in list(asked)[len(AT_ONCE) :])
    assert asked["direct"]["prompt"] < asked["knockwise"]["prompt"]
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert scores.low.ge(0).all()
    assert scores.high.le(1).all()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["settings"]["pairs"] == PAIRS
