"""Servers that write the protocol in their own way, or take only a part of it."""

import json

import pytest

from agent.llm.chat import Message
from agent.llm.errors import ContextOverflowError, LLMError, UnusableError
from agent.llm.openai_chat import OpenAIChat
from agent.llm.structured import structured
from tests.llm.verdict import GOOD, VERDICT, Verdict, raw

pytestmark = pytest.mark.anyio
TOOL = {
    "type": "function",
    "function": {
        "name": "regulators",
        "description": "List regulators.",
        "parameters": {"type": "object", "properties": {"gene": {"type": "string"}}},
    },
}
CALL = '{"name": "regulators", "arguments": {"gene": "TP53"}}'
NO_SCHEMA = "response_format: json_schema is not supported by this server"
NO_OBJECT = "response_format is not implemented"


def whole(content=GOOD, **message):
    choice = {"message": {"role": "assistant", "content": content, **message}}
    return {"choices": [{"index": 0, "finish_reason": "stop", **choice}]}


@pytest.mark.parametrize(
    "said",
    [
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}```",
        f"Here is my verdict:\n\n```json\n{GOOD}\n```\nI hope it helps.",
        f"The answer is {GOOD}, as asked.",
        f"<think>Is it {{TP53}}? Perhaps.</think>{GOOD}",
        f"<think>\nfirst {GOOD.replace('0.5', '0.9')}\n</think>\n\n{GOOD}",
        f"hm, let me see ...</think>\n{GOOD}",
        f"<think>hm</think>```json\n{GOOD}\n```",
        f"\ufeff{GOOD}",
        f"{GOOD}\n{GOOD}",
        f'Thoughts: {{"draft": 1}}. {GOOD}',
    ],
)
async def test_an_answer_is_found_in_what_a_model_writes_around_it(chat, hostile, said):
    hostile.behave({"kind": "say", "content": said})
    verdict, usage = await structured(chat, [Message(role="user", content="?")], Verdict)
    assert verdict == VERDICT
    assert usage.requests == 1


@pytest.mark.parametrize(
    "said",
    [
        f"Either {GOOD} or {GOOD.replace('0.5', '0.9')}.",
        f"<think>{GOOD}",
        '{"gene": "TP53", "p": 5}',
        "[" * 200_000,
        '{"a":' * 200_000,
    ],
    ids=["two answers", "unfinished thoughts", "no probability", "brackets", "braces"],
)
async def test_what_is_not_plain_is_asked_again_and_never_guessed(chat, hostile, said):
    hostile.behave({"kind": "say", "content": said}, {"kind": "say", "content": GOOD})
    verdict, usage = await structured(chat, [Message(role="user", content="?")], Verdict)
    assert verdict == VERDICT
    assert usage.requests == 2


@pytest.mark.parametrize(
    "reply",
    [
        whole([{"type": "text", "text": GOOD[:9]}, {"type": "text", "text": GOOD[9:]}]),
        {**whole(), "usage": None},
        {**whole(), "usage": {"prompt_tokens": None, "completion_tokens": None}},
        {**whole(), "usage": {"prompt_tokens": 2**80, "completion_tokens": -3}},
        {**whole(), "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": "?"}}},
        whole(tool_calls=None),
        "data: "
        + json.dumps({"choices": [{"delta": {"content": GOOD[:7]}}]})
        + "\n\ndata: "
        + json.dumps({"choices": [{"delta": {"content": GOOD[7:]}, "finish_reason": "stop"}]})
        + "\n\ndata: [DONE]\n\n",
    ],
    ids=["parts", "no usage", "nulls", "2^80", "odd details", "no calls", "a stream"],
)
async def test_a_reply_is_read_as_the_server_writes_it(chat, hostile, reply):
    hostile.behave(raw(reply))
    verdict, usage = await structured(chat, [Message(role="user", content="?")], Verdict)
    assert verdict == VERDICT
    assert 0 <= usage.prompt < 2**41


@pytest.mark.parametrize(
    "message",
    [
        {"content": f"<tool_call>\n{CALL}\n</tool_call>"},
        {"content": f"<think>look it up</think><tool_call>{CALL}</tool_call>"},
        {"content": f"[TOOL_CALLS] [{CALL}]"},
        {"content": f"<|python_tag|>{CALL.replace('arguments', 'parameters')}<|eom_id|>"},
        {"content": f"```json\n{CALL}\n```"},
        {"content": CALL},
        {"content": '<function=regulators>{"gene": "TP53"}</function>'},
        {"content": None, "tool_calls": [{"function": json.loads(CALL)}]},
        {"content": None, "tool_calls": [{"id": None, "function": json.loads(CALL)}]},
    ],
)
async def test_a_tool_call_is_read_however_it_is_written(chat, hostile, message):
    hostile.behave(raw({"choices": [{"message": message}]}))
    reply = await chat.complete([Message(role="user", content="?")], tools=[TOOL])
    (call,) = reply.tool_calls
    assert call.name == "regulators"
    assert json.loads(call.arguments) == {"gene": "TP53"}
    assert reply.content == ""


@pytest.mark.parametrize("content", [CALL.replace("regulators", "rm"), "I call regulators.", "{}"])
async def test_what_names_no_tool_on_offer_is_no_call(chat, hostile, content):
    hostile.behave(raw(whole(content)))
    reply = await chat.complete([Message(role="user", content="?")], tools=[TOOL])
    assert (reply.tool_calls, reply.content) == ((), content)


@pytest.mark.parametrize(
    ("refuses", "forms"),
    [
        ({"json_schema": NO_SCHEMA}, ["json_schema", "json_object"]),
        (
            {"json_schema": NO_SCHEMA, "json_object": NO_OBJECT},
            ["json_schema", "json_object", None],
        ),
        ({"response_format": "unknown field"}, ["json_schema", "json_object", None]),
    ],
)
async def test_structured_output_falls_back_in_order_and_is_remembered(
    chat, hostile, refuses, forms
):
    message = [Message(role="user", content="?")]
    hostile.behave(
        *[{"kind": "picky", "refuses": refuses}] * (len(forms) - 1),
        {"kind": "say", "content": GOOD},
    )
    assert (await structured(chat, message, Verdict))[0] == VERDICT
    asked = [body.get("response_format", {}).get("type") for body in hostile.bodies]
    assert asked == forms
    assert "JSON schema" in hostile.bodies[-1]["messages"][-1]["content"]
    await structured(chat, message, Verdict)
    assert hostile.bodies[-1].get("response_format", {}).get("type") == forms[-1]
    assert len(hostile.bodies) == len(forms) + 1


@pytest.mark.parametrize(
    ("name", "told", "instead"),
    [
        (
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_completion_tokens",
        ),
        ("temperature", "'temperature' does not support 0 with this model.", None),
        ("seed", "Unrecognized request argument supplied: seed", None),
    ],
)
async def test_a_refused_parameter_is_left_out_or_renamed(chat, hostile, name, told, instead):
    hostile.behave({"kind": "picky", "refuses": {f'"{name}"': told}})
    assert (await chat.complete([Message(role="user", content="?")])).content == "A word."
    await chat.complete([Message(role="user", content="?")])
    assert len(hostile.bodies) == 3
    assert name not in hostile.bodies[-1]
    assert instead is None or instead in hostile.bodies[-1]


@pytest.mark.parametrize(
    "told",
    [
        "the request exceeds the available context size. try increasing the context size",
        "This model's maximum context length is 4096 tokens.",
        "prompt is too long: 9000 tokens > 8192 maximum",
        "input tokens exceed the context window",
        "context_length_exceeded",
    ],
)
async def test_every_servers_words_for_a_full_context_are_known(chat, hostile, told):
    hostile.behave({"kind": "status", "code": 400, "message": told})
    with pytest.raises(ContextOverflowError):
        await chat.complete([Message(role="user", content="?")])


@pytest.mark.parametrize(
    ("told", "remedy"),
    [
        (
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser',
            "--enable-auto-tool-choice --tool-call-parser",
        ),
        ("tools param requires --jinja flag", "--jinja"),
    ],
)
async def test_a_server_without_tool_calls_is_told_which_flag_it_lacks(chat, hostile, told, remedy):
    hostile.behave({"kind": "status", "code": 400, "message": told})
    with pytest.raises(LLMError) as caught:
        await chat.complete([Message(role="user", content="?")], tools=[TOOL])
    assert remedy in str(caught.value).partition("; ")[2]
    assert "LLM__MODEL" not in str(caught.value)


async def test_an_address_without_v1_is_completed(hostile, at, ask):
    hostile.behave({"kind": "good", "only_v1": True})
    async with OpenAIChat(at(hostile.url.removesuffix("/v1"))) as chat:
        assert (await chat.complete(ask)).content == "A word."


async def test_an_address_at_which_nothing_is_keeps_its_own_name(hostile, at):
    hostile.behave({"kind": "good", "models_code": 404})
    with pytest.raises(LLMError, match=r"--model or KNOCKWISE_LLM__MODEL.*ends in /v1"):
        async with OpenAIChat(at(hostile.url.removesuffix("/v1"))):
            pass


@pytest.mark.parametrize("code", [404, 405, 501])
async def test_a_server_that_lists_no_models_is_asked_for_the_one_that_is_named(
    hostile, at, ask, code
):
    hostile.behave({"kind": "good", "models_code": code})
    async with OpenAIChat(at(hostile.url, model="mine")) as chat:
        await chat.complete(ask)
    assert hostile.bodies[0]["model"] == "mine"


async def test_the_field_that_is_not_of_the_protocol_is_named(chat, hostile, ask):
    hostile.behave(raw({"choices": [{"message": {"content": 5}}]}))
    with pytest.raises(LLMError, match=r"choices\.0\.message\.content: "):
        await chat.complete(ask)


async def test_a_reply_that_is_all_thoughts_is_no_matter_of_size(chat, hostile):
    hostile.behave({"kind": "say", "content": "", "finish": "length"})
    with pytest.raises(UnusableError, match="KNOCKWISE_LLM__THINKING=true"):
        await structured(chat, [Message(role="user", content="?")], Verdict)


@pytest.mark.parametrize("logprob", [800, 1e308, float("nan"), float("inf"), -1e308])
async def test_no_log_probability_ends_a_run(chat, hostile, ask, logprob):
    listed = [{"token": "no", "logprob": -1.0}]
    position = {"token": "yes", "logprob": logprob, "top_logprobs": listed}
    reply = whole("yes")
    reply["choices"][0]["logprobs"] = {"content": [position]}
    hostile.behave(raw(reply))
    try:
        found, _ = await chat.choose(ask, ["yes", "no"])
    except LLMError:
        return
    assert sum(found.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in found.values())
