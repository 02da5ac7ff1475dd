"""What a batch costs is told before anybody is asked, and is about what it then costs."""

import asyncio
import re

import pytest
from typer.testing import CliRunner

from agent.strategies import STRATEGIES
from app.cli import app
from evals.language.plan import plan, told
from evals.language.run import batch
from knowledge.errors import RunError
from tests.evals.language_world import noise, world  # noqa: F401  # a fixture
from tests.llm.scripted import ScriptedChat

TOKENIZER = """{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
"normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null,
"decoder": null, "model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}}"""


def quiet(what, share):
    pass


@pytest.fixture
def words(tmp_path):
    """The folder of a model whose tokens are words, as `ScriptedChat` counts them."""
    pytest.importorskip("tokenizers")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tokenizer.json").write_text(TOKENIZER)
    return folder


@pytest.mark.anyio
async def test_a_plan_counts_the_requests_and_prompts_of_the_batch_itself(world, tmp_path, words):  # noqa: F811
    run = world.run(tmp_path, strategy="direct", limit=24)
    result = await batch(run, quiet, ScriptedChat(noise))
    spent = result.results.facts["cost"]
    found = await asyncio.to_thread(plan, run, quiet, tokenizer=words)  # it has a loop of its own
    assert found.questions == found.counted == spent["questions"]
    assert found.requests == spent["requests"] / spent["questions"]
    # Replies are counted as long as they may be, and so is the prompt that repeats them.
    around = 5 * (2 + 4)  # tokens of a message, and the messages of both requests
    assert 0 < found.prompt - spent["prompt_per_question"] < around + found.written
    assert found.shared > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_can_be_planned_and_nothing_is_written(world, tmp_path, strategy):  # noqa: F811
    run = world.run(tmp_path, strategy=strategy, limit=8)
    found = plan(run, quiet, read_rate=1000, write_rate=100)
    assert found.requests >= (1 if strategy == "knockwise" else 2)
    assert found.prompt > 100
    assert 0 < found.written < 1100 * found.requests
    seconds = found.prompt * (1 - found.shared) / 1000 + found.written / 100
    assert found.hours(7200) == pytest.approx(2 * seconds)
    assert not run.out.exists()


def test_of_a_large_batch_some_prompts_are_made_and_the_rest_is_taken_to_be_like_them(
    world,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    monkeypatch.setattr("evals.language.plan.MOST_COUNTED", 16)
    run = world.run(tmp_path, limit=None)
    rows = len(world.table[world.table.cell_line.isin(run.cell_lines)])
    found = plan(run, quiet)
    assert (found.questions, found.counted) == (rows, 16)
    cells = told(found).rows
    assert [row[0] for row in cells] == [f"{rows:,}", "10,000"]
    assert cells[0][2] == f"{rows * found.prompt:,.0f}"
    assert len(cells[0]) == 5


def test_the_command_prints_the_batch_and_one_of_ten_thousand(world, tmp_path):  # noqa: F811
    words = ["eval", "language", "--data", str(world.mirror), "--plan", "--limit", "8"]
    done = CliRunner().invoke(
        app,
        [*words, "--strategy", "direct", "--read-rate", "1000", "--write-rate", "50"],
        env={"KNOCKWISE_DATA": str(tmp_path)},
    )
    assert done.exit_code == 0, done.output
    assert re.search(r"^\| 8 \| 16 \| [\d,]+ \| \d+% \| [\d,]+ \| 0\.\d\d \|$", done.stdout, re.M)
    assert "| 10,000 | 20,000 |" in done.stdout
    assert "prompts of 8 questions were made, tokens estimated" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name one with --out, or see its cost by --plan"),
        (["--plan", "--read-rate", "9"], "give --read-rate and --write-rate"),
    ],
)
def test_what_is_missing_is_one_sentence(tmp_path, words, told):
    done = CliRunner().invoke(app, ["eval", "language", "--data", str(tmp_path), *words])
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())


def test_a_folder_without_a_tokenizer_is_named(world, tmp_path):  # noqa: F811
    pytest.importorskip("tokenizers")
    with pytest.raises(RunError, match=r"tokenizer\.json is no tokenizer"):
        plan(world.run(tmp_path), quiet, tokenizer=tmp_path)
