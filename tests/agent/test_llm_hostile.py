"""A whole question against a real server that misbehaves: it ends in the evidence's answer."""

import json
from dataclasses import replace

import pytest

from agent.llm.errors import LLMError
from agent.session import Session
from agent.settings import LLMSettings, Settings
from tests.llm.hostile import hostile  # noqa: F401  # a fixture

pytestmark = pytest.mark.anyio
QUESTION = "MDM2 knockout in RPE1: CDKN1A?"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs", reasoner="evidence"))


@pytest.fixture
def asking(loaded, hostile, tmp_path):  # noqa: F811
    """A session with an impatient client of the hostile server."""
    llm = LLMSettings(base_url=hostile.url, timeout_s=2, max_retries=0)
    changes = {"runs": tmp_path / "runs", "data": tmp_path / "data", "reasoner": "llm", "llm": llm}
    return replace(loaded, settings=loaded.settings.model_copy(update=changes))


def numbers(answer):
    return [effect.model_dump(exclude={"evidence_ids"}) for effect in answer.effects]


DAYS = {
    "slow": {"kind": "good", "seconds": 5},
    "dropped": {"kind": "drop"},
    "too many requests": {"kind": "status", "code": 429},
    "broken": {"kind": "status", "code": 500},
    "overloaded": {"kind": "status", "code": 503},
    "no JSON": {"kind": "nonsense"},
    "cut off": {"kind": "truncated"},
    "another form": {"kind": "wrong_schema"},
    "endless": {"kind": "endless"},
    "empty": {"kind": "empty"},
    "bad arguments": {"kind": "bad_arguments"},
    "unknown tool": {"kind": "unknown_tool"},
    "no log-probabilities": {"kind": "no_logprobs"},
    "good": {"kind": "good"},
}


@pytest.mark.parametrize("day", DAYS)
async def test_every_day_ends_in_the_answer_of_the_evidence(loaded, asking, hostile, day):  # noqa: F811
    runs = loaded.settings.model_copy(update={"runs": asking.settings.runs})
    alone = await replace(loaded, settings=runs).ask(QUESTION)
    hostile.behave(DAYS[day])
    answer = await asking.ask(QUESTION)
    assert answer.reasoner.startswith("llm ")
    assert numbers(answer) == numbers(alone)
    assert [one.summary for one in answer.hypotheses] == [one.summary for one in alone.hypotheses]
    assert [note for note in answer.unknown if "anguage model" in note or "weight zero" in note]
    assert all(step.status != "verified" or step.evidence_ids for step in answer.steps)


async def test_bad_calls_are_told_to_the_model(asking, hostile):  # noqa: F811
    hostile.behave("bad_arguments")
    await asking.ask(QUESTION)
    tools = [m for body in hostile.bodies for m in body["messages"] if m["role"] == "tool"]
    assert any("Invalid arguments" in message["content"] for message in tools)


async def test_a_server_that_is_not_there_at_the_start_is_one_sentence(asking, hostile):  # noqa: F811
    hostile.kill()
    with pytest.raises(LLMError, match=r"cannot be reached .*knockwise serve") as raised:
        await asking.ask(QUESTION)
    assert "\n" not in str(raised.value)
    assert not asking.settings.runs.exists()
    auto = asking.settings.model_copy(update={"reasoner": "auto"})
    answer = await replace(asking, settings=auto).ask(QUESTION)
    assert answer.reasoner == "evidence"
    assert any("No language model was used" in note for note in answer.unknown)
    hostile.start()


async def test_auto_uses_a_server_that_answers(asking, hostile):  # noqa: F811
    auto = asking.settings.model_copy(update={"reasoner": "auto"})
    answer = await replace(asking, settings=auto).ask(QUESTION)
    assert answer.reasoner.startswith("llm ")
    assert answer.tokens["requests"] > 0


async def test_a_question_asked_again_is_answered_from_the_cache(asking, hostile, tmp_path):  # noqa: F811
    first = await asking.ask(QUESTION, run_dir=tmp_path / "first")
    asked = len(hostile.bodies)
    again = await asking.ask(QUESTION, run_dir=tmp_path / "again")
    assert len(hostile.bodies) == asked
    skipped = {"run", "timings_s"}
    assert json.loads(first.model_dump_json(exclude=skipped)) == json.loads(
        again.model_dump_json(exclude=skipped)
    )
