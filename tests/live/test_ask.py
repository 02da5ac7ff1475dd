"""`knockwise ask --reasoner llm` against a real vLLM whose model knows nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.strategies import STRATEGIES

QUESTION = "MDM2 knockout in RPE1: CDKN1A?"
KNOCKWISE = str(Path(sys.executable).with_name("knockwise"))


def ask(home: Path, *options: str) -> dict:
    done = subprocess.run(
        [KNOCKWISE, "ask", QUESTION, "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={**os.environ, "KNOCKWISE_DATA": str(home / "data"), "KNOCKWISE_RUNS": str(home)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def numbers(answer: dict) -> list[dict]:
    return [{key: one[key] for key in one if key != "evidence_ids"} for one in answer["effects"]]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return ask(tmp_path_factory.mktemp("alone"), "--reasoner", "evidence")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_model_that_knows_nothing_is_asked_and_changes_nothing(
    vllm_url, tmp_path, alone, strategy
):
    answer = ask(tmp_path, "--reasoner", "llm", "--strategy", strategy, "--base-url", vllm_url)
    assert answer["reasoner"].startswith("llm ")
    assert answer["reasoner"].endswith(f"strategy {strategy}")
    assert numbers(answer) == numbers(alone)
    assert answer["tokens"]["requests"] >= 3
    assert answer["tokens"]["prompt"] > answer["tokens"]["completion"] > 0
    assert answer["versions"]["prompts"]
    judged = [fact for fact in answer["evidence"] if fact["source"] == answer["reasoner"]]
    assert judged
    for hypothesis in answer["hypotheses"]:
        assert {step["status"] for step in hypothesis["steps"]} == {"verified"}
    for step in answer["steps"]:
        assert step["status"] != "verified" or step["evidence_ids"]


def test_auto_says_that_it_used_the_model(vllm_url, tmp_path):
    answer = ask(tmp_path, "--base-url", vllm_url)
    assert answer["reasoner"].startswith("llm ")
