"""One batch through one vLLM, and through two behind one address with two Ray workers."""

import time
from importlib.util import find_spec

import pandas as pd
import pytest

from agent.settings import LLMSettings, Settings
from evals.language.run import run_batch
from evals.rows import KEYS
from tests.evals.language_world import world  # noqa: F401  # a fixture
from tests.live.conftest import served
from tests.live.round_robin import round_robin

pytestmark = pytest.mark.skipif(not find_spec("ray"), reason="the extra `ray` is not installed")
ROWS = 48
NEAR = 0.02
"""Replies computed together in another number differ by what bfloat16 rounds away."""


@pytest.fixture
def another_url(vllm_python, tiny_model, tmp_path):
    """The address of a second copy of the tiny model."""
    with served(vllm_python, tiny_model, tmp_path / "second") as url:
        yield url


@pytest.fixture
def two_workers():
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    yield
    ray.shutdown()


def test_two_workers_and_two_copies_answer_as_one_does_and_share_the_work(
    world,  # noqa: F811
    vllm_url,
    another_url,
    two_workers,
    tmp_path,
    record_property,
):
    def asked(url, engine):
        llm = LLMSettings(base_url=url, timeout_s=300, concurrency=8)
        home = tmp_path / engine
        settings = Settings(data=home / "data", llm=llm)
        run = world.run(home, strategy="direct", limit=ROWS, settings=settings, engine=engine)
        begun = time.monotonic()
        result = run_batch(run, lambda what, share: None)
        spent = {**result.results.facts["cost"], "wall_s": time.monotonic() - begun}
        for name in ("requests", "prompt", "cached", "wall_s"):
            record_property(f"{engine} {name}", spent[name])
            print(f"{engine}: {name} {spent[name]:,.1f}")  # noqa: T201
        return pd.read_parquet(result.predictions), spent

    alone, once = asked(vllm_url, "local")
    with round_robin([vllm_url, another_url]) as (url, shares):
        both, spread = asked(url, "ray")
    assert not both.duplicated(KEYS).any()
    pd.testing.assert_frame_equal(alone[KEYS], both[KEYS])
    assert (alone.failed == both.failed).all()
    answered = alone.failed == ""
    assert answered.any()
    # A model that knows nothing may write another word where two are as likely.
    near = (alone.p_llm - both.p_llm).abs()[answered] <= NEAR
    assert near.mean() >= 0.9
    assert set(shares) == {vllm_url, another_url}
    assert min(shares.values()) >= 0.4 * sum(shares.values())
    print(f"requests per copy: {sorted(shares.values())}")  # noqa: T201
    assert spread["requests"] == pytest.approx(once["requests"], rel=0.1)
