"""One deadline and one size for every reply, and no key in anything that is kept or shown."""

import json
import os
import resource
import subprocess
import sys
import time

import pytest

from agent.llm.errors import LLMError
from agent.llm.openai_chat import OpenAIChat
from agent.llm.transport import MOST_BYTES
from agent.session import Session
from agent.settings import LLMSettings, Settings

pytestmark = pytest.mark.anyio
KEY = "sk-planted-0123456789"
QUESTION = "MDM2 knockout in RPE1: CDKN1A?"


@pytest.mark.parametrize("kind", ["drip", "drip_headers"])
async def test_a_server_that_drips_is_given_up_at_the_deadline(hostile, at, ask, kind):
    async with OpenAIChat(at(hostile.url, timeout_s=2, max_retries=0)) as chat:
        hostile.behave({"kind": kind})
        begun = time.perf_counter()
        with pytest.raises(LLMError, match="did not answer within 2 s"):
            await chat.complete(ask)
        assert time.perf_counter() - begun < 6


async def test_a_list_of_models_has_the_deadline_too(hostile, at):
    hostile.behave({"kind": "drip_list"})
    with pytest.raises(LLMError, match="did not answer within"):
        async with OpenAIChat(at(hostile.url, timeout_s=1, max_retries=0)):
            pass


async def test_a_reply_that_does_not_end_is_cut(hostile, at, ask):
    async with OpenAIChat(at(hostile.url, timeout_s=60, max_retries=0)) as chat:
        hostile.behave({"kind": "huge", "megabytes": 2 * MOST_BYTES >> 20})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(LLMError, match="more than 32 MB"):
            await chat.complete(ask)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 6 * MOST_BYTES


async def test_a_list_of_models_is_cut_too(hostile, at):
    hostile.behave({"kind": "huge_list", "megabytes": 2 * MOST_BYTES >> 20})
    with pytest.raises(LLMError, match="more than 32 MB"):
        async with OpenAIChat(at(hostile.url, timeout_s=60, max_retries=0)):
            pass


FAILURES = {
    "echoed in an error": {"kind": "raw", "code": 400, "body": '{"error": "{authorization}"}'},
    "echoed on refusal": {"kind": "raw", "code": 401, "body": "bad key {authorization}"},
    "echoed as text": {"kind": "raw", "body": "<html>{authorization}</html>"},
    "echoed in an answer": {
        "kind": "raw",
        "body": json.dumps({"choices": [{"message": {"content": "it is {authorization}"}}]}),
    },
    "echoed in a call": {"kind": "call", "name": KEY, "arguments": f'{{"gene": "{KEY}"}}'},
    "overloaded": {"kind": "raw", "code": 503, "body": "{authorization}"},
    "too long": {"kind": "raw", "code": 400, "body": "context length {authorization}"},
    "redirected": {"kind": "redirect", "to": f"http://{KEY}@127.0.0.1:9/?token={KEY}"},
    "not there": {"kind": "raw", "code": 404, "body": "{authorization}"},
    "good": {"kind": "good"},
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs", reasoner="evidence"))


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_planted_key_is_in_no_file_of_a_run(loaded, hostile, tmp_path, failure):
    from dataclasses import replace

    hostile.behave(FAILURES[failure])
    url = hostile.url.replace("http://", f"http://user:{KEY}@") + f"?token={KEY}"
    llm = LLMSettings(base_url=url, api_key=KEY, timeout_s=5, max_retries=0)
    changes = {"runs": tmp_path / "runs", "data": tmp_path / "data", "reasoner": "llm", "llm": llm}
    session = replace(loaded, settings=loaded.settings.model_copy(update=changes))
    told = []
    try:
        answer = await session.ask(QUESTION, run_dir=tmp_path / "run", on_event=told.append)
        told.append(answer.model_dump_json())
    except LLMError as error:
        told.append(str(error))
    assert told
    assert KEY not in repr(told)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    "variables",
    [
        {"KNOCKWISE_LLM__API_KEY": f"{KEY}\n{KEY}"},
        {"KNOCKWISE_LLM__BASE_URL": f"http://u:{KEY}@127.0.0.1:9/v1?token={KEY}"},
        {"KNOCKWISE_LLM__BASE_URL": f"nonsense://u:{KEY}@[?token={KEY}"},
        {"KNOCKWISE_LLM__TIMEOUT_S": KEY},
        {"KNOCKWISE_LLM": json.dumps({"api_key": [KEY]})},
        {"KNOCKWISE_LLM": KEY},
    ],
)
def test_a_planted_key_is_on_neither_stream(variables):
    environment = {**os.environ, "KNOCKWISE_LLM__BASE_URL": "http://127.0.0.1:9/v1", **variables}
    environment = {**environment, "KNOCKWISE_LLM__MAX_RETRIES": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "ask", QUESTION, "--reasoner", "llm"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert KEY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
