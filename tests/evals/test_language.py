"""A batch through a scripted model: its fusion, cost, failures, and what it goes on with."""

import asyncio
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from agent.llm.cache import CachedChat
from agent.llm.errors import LLMError, UnreachableError
from evals.language import judge
from evals.language.facts import cost
from evals.language.judge import Judged, Prompt, shared_tokens
from evals.language.run import batch
from evals.rows import KEYS
from knowledge.errors import KnockwiseError, RunError
from models.fusion.language import LanguageStacker
from tests.evals.language_world import noise, world  # noqa: F401  # a fixture
from tests.llm.scripted import ScriptedChat

pytestmark = pytest.mark.anyio


def quiet(what, share):
    pass


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):  # noqa: F811
    """The predictions of a batch that was left in peace, as bytes."""
    run = world.run(tmp_path_factory.mktemp("whole"))
    return asyncio.run(batch(run, quiet, ScriptedChat(noise))).predictions.read_bytes()


def gains(result):
    found = result.results.scores.where(predictor="fused", than="evidence")
    return {key: gain.value.value for key, gain in found.by("task", "cell_line").items()}


def page(result):
    return (result.predictions.parent / "scoreboard.md").read_text()


def oracle(world, knows):  # noqa: F811
    """Answer what training rows say, of which a share `knows` is told right, softly."""
    labels = world.table.set_index(KEYS).label.to_dict()

    def reply(messages, schema, options):
        if not options:
            return noise(messages, schema, options)
        text = "\n".join(message.content for message in messages)
        line = re.search(r"Cell line: (\S+)\.", text)[1]
        pert = re.search(r"Perturbation: (\S+) knocked down", text)[1]
        gene = re.search(r"Readout: ([^\s,]+?)[.,]?\s", text)[1]
        task = "de" if options[0] == "yes" else "dir"
        label = labels[line, pert, gene, task]
        rng = np.random.default_rng([len(text), *map(ord, text[-400:])])
        said = label if rng.random() < knows else 1 - label
        p = rng.uniform(0.55, 0.95)
        return {options[0]: p if said else 1 - p, options[1]: 1 - p if said else p}

    return reply


@pytest.mark.slow
async def test_a_random_model_leaves_the_fused_score_where_the_evidence_is(world, tmp_path):  # noqa: F811
    run = world.run(tmp_path, limit=240, strategy="direct")
    result = await batch(run, quiet, ScriptedChat(noise))
    assert set(gains(result)) == {
        (task, line) for task in ("de", "dir") for line in ("K562", "RPE1", "mean")
    }
    assert all(abs(gain) <= 0.005 for gain in gains(result).values())
    table = pd.read_parquet(result.predictions)
    assert table.p_llm.nunique() > 200
    assert "fused - evidence" in page(result)


@pytest.mark.slow
async def test_an_oracle_that_knows_training_labels_lifts_held_out_perturbations(world, tmp_path):  # noqa: F811
    run = world.run(tmp_path, limit=240, fit=True)
    result = await batch(run, quiet, ScriptedChat(oracle(world, 0.95)))
    assert gains(result)["de", "mean"] > 0.1
    # The evidence has left nothing open within these few folds; probabilities gain all the same.
    assert gains(result)["dir", "mean"] >= 0
    stacker = LanguageStacker.load(run.settings.data, "scripted", "direct")
    assert stacker.de.weight > 0.5
    for stack in (stacker.de, stacker.up):
        assert stack.log_loss_with < stack.log_loss_without
    assert str(run.settings.data) in page(result)


async def test_without_fit_no_stacker_is_kept(world, tmp_path):  # noqa: F811
    run = world.run(tmp_path)
    await batch(run, quiet, ScriptedChat(noise))
    assert LanguageStacker.load(run.settings.data, "scripted", "direct") is None


async def test_predictions_hold_each_row_once_with_its_own_answer(world, tmp_path, whole):  # noqa: F811
    chat = ScriptedChat(noise)
    result = await batch(world.run(tmp_path, concurrency=7), quiet, chat)
    table = pd.read_parquet(result.predictions)
    assert not table.duplicated(KEYS).any()
    assert table[KEYS].apply(tuple, axis=1).is_monotonic_increasing
    assert list(table.columns) == [
        *KEYS, "label", "fold", "shift", "p_evidence", "p_llm", "failed", "p_fused",
    ]  # fmt: skip
    assert result.predictions.read_bytes() == whole


async def test_only_training_rows_of_other_experiments_are_in_the_prompts(world, tmp_path):  # noqa: F811
    chat = ScriptedChat(noise)
    result = await batch(world.run(tmp_path, strategy="summer", limit=16), quiet, chat)
    table = pd.read_parquet(result.predictions)
    pairs = {(one.pert, one.cell_line) for one in table.itertuples()}
    for asked in chat.requests:
        line = re.search(r"Cell line: (\S+)\.", asked.text)
        pert = re.search(r"Perturbation: (\S+) knocked down", asked.text)
        if not line or not pert:
            continue
        assert (pert[1], line[1]) in pairs
        assert f"when {pert[1]} was knocked down in {line[1]}" not in asked.text
        fold = table[(table.cell_line == line[1]) & (table.pert == pert[1])].fold.iloc[0]
        mates = set(table.pert[(table.cell_line == line[1]) & (table.fold == fold)])
        for mate in mates:
            assert f"when {mate} was knocked down in {line[1]}" not in asked.text


async def test_the_cost_table_adds_up(world, tmp_path):  # noqa: F811
    chat = ScriptedChat(noise)
    told = []
    result = await batch(world.run(tmp_path), lambda what, share: told.append((what, share)), chat)
    spent = result.results.facts["cost"]
    assert spent["requests"] == len(chat.requests)
    assert spent["prompt"] == sum(len(asked.text.split()) for asked in chat.requests)
    assert spent["prompt_per_question"] == pytest.approx(spent["prompt"] / spent["questions"])
    assert 0 < spent["shared_with_before_share"] <= spent["shared_share"] < 1
    assert f"{spent['prompt']:,}" in page(result)
    assert f"{spent['prompt']:,} prompt tokens" in told[-1][0]
    assert told[-1][1] == 1


def test_shared_beginnings_are_counted_from_consecutive_prompts():
    first = Prompt(tokens=40, blocks=(1, 2, 3, 4))
    second = Prompt(tokens=80, blocks=(1, 2, 9, 9))
    third = Prompt(tokens=50, blocks=(1, 2, 9, 9, 7))
    assert shared_tokens((second, third), (first,)) == (40 + 20, 40 + 40)
    assert shared_tokens((first,), ()) == (0, 0)
    judged = [
        Judged(row=name, p=0.5, prompts=(prompt,), usage={"requests": 1, "prompt": prompt.tokens})
        for name, prompt in (("a", first), ("b", second))
    ]
    assert cost(judged).shared_share == pytest.approx(40 / 120)


async def test_rows_without_an_answer_are_kept_with_the_reason_and_asked_again_on_request(
    world,  # noqa: F811
    tmp_path,
    whole,
):
    def unwilling(messages, schema, options):
        p = noise(messages, schema, options)
        return LLMError("it will not say") if options and p[options[0]] < 0.3 else p

    result = await batch(world.run(tmp_path), quiet, ScriptedChat(unwilling))
    table = pd.read_parquet(result.predictions)
    failed = table[table.failed != ""]
    assert result.failed == len(failed) > 0
    assert failed.p_llm.isna().all()
    assert np.array_equal(failed.p_fused, failed.p_evidence)
    assert "it will not say" in page(result)
    idle = ScriptedChat(noise)
    again = await batch(world.run(tmp_path), quiet, idle)
    assert again.failed == result.failed
    assert not idle.requests
    retried = await batch(world.run(tmp_path, retry_failed=True), quiet, ScriptedChat(noise))
    assert retried.failed == 0
    assert retried.predictions.read_bytes() == whole


async def test_a_server_that_is_away_for_a_while_costs_no_row(world, tmp_path, whole, monkeypatch):  # noqa: F811
    monkeypatch.setattr(judge, "PAUSES_S", (0.01,) * 20)
    away = iter([False] * 12 + [True] * 15)

    def restarting(messages, schema, options):
        gone = next(away, False)
        return UnreachableError("restarting") if gone else noise(messages, schema, options)

    result = await batch(world.run(tmp_path, concurrency=3), quiet, ScriptedChat(restarting))
    assert result.failed == 0
    assert result.predictions.read_bytes() == whole


async def test_a_server_that_stays_away_stops_the_batch_which_then_goes_on(
    world,  # noqa: F811
    tmp_path,
    whole,
    monkeypatch,
):
    monkeypatch.setattr(judge, "PAUSES_S", (0.01, 0.01))
    left = iter(range(30))

    def dying(messages, schema, options):
        alive = next(left, None) is not None
        return noise(messages, schema, options) if alive else UnreachableError("it is gone")

    with pytest.raises(LLMError, match="it is gone"):
        await batch(world.run(tmp_path, concurrency=4), quiet, ScriptedChat(dying))
    chat = ScriptedChat(noise)
    result = await batch(world.run(tmp_path), quiet, chat)
    assert result.predictions.read_bytes() == whole
    # Two requests a row; those of the first attempt were not repeated.
    assert len(chat.requests) < 2 * len(pd.read_parquet(result.predictions))


async def test_kept_replies_are_replayed_without_a_server(world, tmp_path):  # noqa: F811
    run = world.run(tmp_path)
    run.out.mkdir()
    with CachedChat(ScriptedChat(noise), run.out / "replies.sqlite") as chat:
        result = await batch(run, quiet, chat)
    before = result.predictions.read_bytes()
    (run.out / "judgements.sqlite").unlink()
    again = await batch(world.run(tmp_path, offline=True), quiet)
    assert again.predictions.read_bytes() == before


async def test_a_folder_of_another_run_is_not_overwritten(world, tmp_path):  # noqa: F811
    await batch(world.run(tmp_path), quiet, ScriptedChat(noise))
    with pytest.raises(RunError, match=r"other settings \(seed changed\)"):
        await batch(world.run(tmp_path, seed=1), quiet, ScriptedChat(noise))
    with pytest.raises(RunError, match=r"other settings \(model changed\)"):
        await batch(world.run(tmp_path), quiet, ScriptedChat(noise, model="another"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"setting": "strict"}, "leave --setting out"),
        ({"split": "test", "fit": True}, "fitted on training rows only"),
        ({"offline": True, "engine": "ray"}, "use --engine local"),
        ({"strategy": "chatty"}, "There is no strategy 'chatty'"),
    ],
)
async def test_what_cannot_be_asked_is_said_in_one_sentence(world, tmp_path, changes, said):  # noqa: F811
    with pytest.raises(KnockwiseError, match=said):
        await batch(world.run(tmp_path, **changes), quiet, ScriptedChat(noise))


async def test_without_an_endpoint_it_is_said_how_to_name_one(world, tmp_path):  # noqa: F811
    with pytest.raises(LLMError, match="KNOCKWISE_LLM__BASE_URL"):
        await batch(world.run(tmp_path), quiet)


def test_the_sample_shares_more_of_a_prompt_the_closer_its_rows_are():
    near, far = Prompt(tokens=10, blocks=(1, 2, 3)), Prompt(tokens=10, blocks=(4, 5, 6))
    asked = [(near,), (near,), (far,)]
    shared = [shared_tokens(now, before)[0] for before, now in pairwise(asked)]
    assert shared == [10, 0]


@pytest.mark.slow
async def test_our_strategy_costs_a_third_of_summer_on_the_same_rows_and_shares_its_prompts(
    world,  # noqa: F811
    tmp_path,
):
    spent = {}
    for strategy in ("knockwise", "summer"):
        run = world.run(tmp_path / strategy, strategy=strategy, limit=60)
        result = await batch(run, quiet, ScriptedChat(noise))
        spent[strategy] = result.results.facts["cost"]
    ours, theirs = spent["knockwise"], spent["summer"]
    assert ours["questions"] == theirs["questions"]
    assert ours["prompt_per_question"] <= theirs["prompt_per_question"] / 3
    # It asks once, so that what is shared was sent for the question before.
    assert ours["shared_share"] >= 0.5
