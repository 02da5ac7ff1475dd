"""What can go wrong with a server, each against a real process: named, retried, never believed."""

import asyncio
import json
import socket
import time

import pytest

from agent.llm.chat import Message
from agent.llm.errors import ContextOverflowError, LLMError, UnreachableError, UnusableError
from agent.llm.openai_chat import OpenAIChat
from agent.llm.structured import structured
from tests.llm.verdict import Verdict

pytestmark = pytest.mark.anyio
TOOL = {
    "type": "function",
    "function": {
        "name": "regulators",
        "description": "List regulators.",
        "parameters": {"type": "object", "properties": {"gene": {"type": "string"}}},
    },
}


async def test_a_refused_connection_is_named_with_what_to_do(at):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(UnreachableError, match=r"cannot be reached .*knockwise serve"):
        async with OpenAIChat(at(url, max_retries=0)):
            pass


async def test_a_slow_server_is_given_up_after_the_timeout(hostile, at, ask):
    async with OpenAIChat(at(hostile.url, timeout_s=0.3, max_retries=1)) as chat:
        hostile.behave({"kind": "good", "seconds": 3})
        begun = time.perf_counter()
        with pytest.raises(UnreachableError, match=r"within 0\.3 s, tried 2 times"):
            await chat.complete(ask)
        assert time.perf_counter() - begun < 2.5


async def test_a_reply_that_comes_late_but_in_time_is_taken(chat, hostile, ask):
    hostile.behave({"kind": "good", "seconds": 0.5})
    reply = await chat.complete(ask)
    assert reply.content == "A word."
    assert reply.usage.seconds >= 0.5


async def test_a_connection_dropped_in_mid_reply_is_tried_again(chat, hostile, ask):
    hostile.behave("drop", "good")
    assert (await chat.complete(ask)).content == "A word."
    assert len(hostile.bodies) == 2


async def test_a_server_that_always_drops_is_named(hostile, at, ask):
    async with OpenAIChat(at(hostile.url, max_retries=1)) as chat:
        hostile.behave("drop")
        with pytest.raises(UnreachableError, match="cannot be reached"):
            await chat.complete(ask)


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_busy_or_broken_server_is_tried_again(chat, hostile, ask, code):
    broken = {"kind": "status", "code": code}
    hostile.behave(broken, broken, "good")
    assert (await chat.complete(ask)).content == "A word."
    assert len(hostile.bodies) == 3


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_server_that_stays_so_is_named(chat, hostile, ask, code):
    hostile.behave({"kind": "status", "code": code})
    with pytest.raises(UnreachableError, match=rf"HTTP {code}: not today\), tried 3 times"):
        await chat.complete(ask)
    assert len(hostile.bodies) == 3


@pytest.mark.parametrize(("code", "remedy"), [(401, "API_KEY"), (404, "LLM__MODEL")])
async def test_a_refusal_is_not_tried_again(chat, hostile, ask, code, remedy):
    hostile.behave({"kind": "status", "code": code})
    with pytest.raises(LLMError, match=remedy):
        await chat.complete(ask)
    assert len(hostile.bodies) == 1


async def test_a_prompt_that_does_not_fit_is_an_error_of_its_own(chat, hostile, ask):
    told = "This model's maximum context length is 4096 tokens. However, ..."
    hostile.behave({"kind": "status", "code": 400, "message": told})
    with pytest.raises(ContextOverflowError, match="4096"):
        await chat.complete(ask)


@pytest.mark.parametrize("kind", ["truncated", "nonsense"])
async def test_a_reply_that_is_not_of_the_protocol_is_named(chat, hostile, ask, kind):
    hostile.behave(kind)
    with pytest.raises(LLMError, match="something else than the OpenAI protocol"):
        await chat.complete(ask)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("wrong_schema", "gene: Field required"),
        ("endless", "does not end before the token limit"),
        ("empty", "the answer is empty"),
        ({"kind": "say", "content": '{"gene": "TP5'}, "Invalid JSON"),
    ],
)
async def test_an_answer_of_the_wrong_form_is_repaired_once(chat, hostile, ask, kind, wrong):
    hostile.behave(kind, {"kind": "say", "content": '{"gene": "TP53", "p": 0.5}'})
    verdict, usage = await structured(chat, ask, Verdict)
    assert verdict == Verdict(gene="TP53", p=0.5)
    assert usage.requests == 2
    told = hostile.bodies[1]["messages"][-1]
    assert told["role"] == "user"
    assert wrong in told["content"]


@pytest.mark.parametrize("kind", ["wrong_schema", "endless", "empty"])
async def test_a_model_that_cannot_keep_to_the_form_is_given_up(chat, hostile, ask, kind):
    hostile.behave(kind)
    with pytest.raises(UnusableError, match=r"hostile does not give a usable Verdict") as caught:
        await structured(chat, ask, Verdict)
    assert caught.value.usage.requests == 2
    assert len(hostile.bodies) == 2


async def test_what_is_wrong_with_a_tool_call_is_left_for_the_caller_to_see(chat, hostile, ask):
    hostile.behave("bad_arguments", "unknown_tool")
    bad = await chat.complete(ask, tools=[TOOL])
    assert bad.finish == "tool_calls"
    assert bad.tool_calls[0].name == "regulators"
    with pytest.raises(json.JSONDecodeError):
        json.loads(bad.tool_calls[0].arguments)
    unknown = await chat.complete(ask, tools=[TOOL])
    assert unknown.tool_calls[0].name == "delete_everything"


async def test_the_result_of_a_tool_goes_back_under_the_name_of_its_call(chat, hostile, ask):
    hostile.behave({"kind": "call", "name": "regulators", "arguments": '{"gene": "TP53"}'}, "good")
    reply = await chat.complete(ask, tools=[TOOL])
    said = Message(role="assistant", content=reply.content, tool_calls=reply.tool_calls)
    result = Message(role="tool", content="MDM2", tool_call_id=reply.tool_calls[0].id)
    await chat.complete([*ask, said, result], tools=[TOOL])
    assert [message["role"] for message in hostile.bodies[1]["messages"]] == [
        "system", "user", "assistant", "tool",
    ]  # fmt: skip
    assert hostile.bodies[1]["messages"][2]["tool_calls"][0]["id"] == "c1"
    assert hostile.bodies[1]["messages"][3]["tool_call_id"] == "c1"


async def test_a_server_that_restarts_in_mid_batch_loses_nothing(hostile, at, ask):
    async with OpenAIChat(at(hostile.url, max_retries=8, concurrency=4)) as chat:
        hostile.behave({"kind": "good", "seconds": 0.2})
        asked = [[*ask, Message(role="user", content=f"question {i}")] for i in range(20)]
        batch = asyncio.gather(*(chat.complete(messages) for messages in asked))
        await asyncio.sleep(0.3)
        thread = hostile.restart(down_s=1.0)
        replies = await batch
        thread.join()
    assert [reply.content for reply in replies] == ["A word."] * 20


async def test_a_server_without_log_probabilities_is_named(chat, hostile, ask):
    hostile.behave("no_logprobs")
    with pytest.raises(LLMError, match="gives no log-probabilities"):
        await chat.choose(ask, ["yes", "no"])
