"""One batch through one vLLM, and through two behind one address with two Ray workers."""

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from evals.rows import KEYS
from tests.evals.language_world import world  # noqa: F401  # a fixture
from tests.live.round_robin import round_robin

pytestmark = pytest.mark.skipif(not find_spec("ray"), reason="the extra `ray` is not installed")
BATCH = Path(__file__).parents[1] / "evals" / "language_batch.py"
PATIENCE_S = 400
NEAR = 0.05
"""Replies computed together in another number differ by what bfloat16 rounds away."""


def asked(world, home, url, engine):  # noqa: F811
    """The answers of a batch of sixty rows, and what they cost; Ray has two workers."""
    begun = time.monotonic()
    words = [world.mirror, world.held_out, home, url, engine]
    done = subprocess.run(
        [sys.executable, BATCH, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    cost = json.loads((home / "run" / "metrics.json").read_text())["facts"]["cost"]
    said = ", ".join(f"{cost[name]:,} {name}" for name in ("requests", "prompt", "cached"))
    print(f"{engine}: {time.monotonic() - begun:.0f} s, {said}")  # noqa: T201
    return pd.read_parquet(home / "run" / "predictions.parquet"), cost


def test_two_workers_and_two_copies_answer_as_one_does_and_share_the_work(
    world,  # noqa: F811
    vllm_url,
    composed_url,
    tmp_path,
):
    alone, once = asked(world, tmp_path / "one", vllm_url, "local")
    with round_robin([vllm_url, composed_url]) as (url, shares):
        both, spread = asked(world, tmp_path / "two", url, "ray")
    print(f"requests per copy: {sorted(shares.values())}")  # noqa: T201
    assert not both.duplicated(KEYS).any()
    pd.testing.assert_frame_equal(alone[KEYS], both[KEYS])
    assert (alone.failed == both.failed).all()
    answered = alone.failed == ""
    assert answered.any()
    # A model that knows nothing may write another word where two are as likely.
    near = (alone.p_llm - both.p_llm).abs()[answered] <= NEAR
    assert near.mean() >= 0.8
    assert set(shares) == {vllm_url, composed_url}
    assert min(shares.values()) >= 0.4 * sum(shares.values())
    assert spread["requests"] == pytest.approx(once["requests"], rel=0.1)
