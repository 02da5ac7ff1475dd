"""A small batch of every strategy through a real vLLM whose model knows nothing."""

import pandas as pd
import pytest

from agent.settings import Settings
from agent.strategies import STRATEGIES
from evals.language.run import run_batch
from tests.evals.language_world import world  # noqa: F401  # a fixture

# A strategy that has much to read and to write takes a second a row on two cores.
ROWS = {"direct": 80}
FEW = 12


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_model_that_knows_nothing_leaves_the_score_where_the_evidence_is(
    world,  # noqa: F811
    live_settings,
    tmp_path,
    strategy,
):
    settings = Settings(data=tmp_path / "data", llm=live_settings)
    rows = ROWS.get(strategy, FEW)
    run = world.run(tmp_path, strategy=strategy, limit=rows, settings=settings, fit=True)
    result = run_batch(run, lambda what, share: None)
    table = pd.read_parquet(result.predictions)
    assert len(table) > rows / 2
    assert table.p_fused.between(0, 1).all()
    assert (table.p_llm.isna() == (table.failed != "")).all()
    gains = result.results.scores.where(than="evidence").gains
    assert gains
    assert all(abs(gain.value.value) <= 0.005 for gain in gains)
    spent = result.results.facts["cost"]
    assert 0 < spent["cached"] < spent["prompt"]
