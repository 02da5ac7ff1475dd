"""More servers that write the protocol in their own way: other members of each kind."""

import json

import pytest

from agent.llm.chat import Message
from agent.llm.errors import ContextOverflowError, LLMError
from agent.llm.openai_chat import OpenAIChat
from agent.llm.reading import read_answer, without_thoughts
from agent.llm.structured import structured
from agent.llm.text_calls import text_calls
from tests.llm.verdict import GOOD, VERDICT, Verdict, raw

pytestmark = pytest.mark.anyio
TOOL = {
    "type": "function",
    "function": {"name": "regulators", "description": "", "parameters": {"type": "object"}},
}
ASK = [Message(role="system", content="Be brief."), Message(role="user", content="?")]


def whole(content=GOOD, **message):
    return {"choices": [{"message": {"role": "assistant", "content": content, **message}}]}


@pytest.mark.parametrize(
    "said",
    [
        f"[THINK]perhaps {{}}[/THINK]{GOOD}",
        f"◁think▷hm◁/think▷{GOOD}",
        f"<reasoning>{GOOD.replace('0.5', '0.7')}</reasoning>\n{GOOD}",
        f"<|begin_of_thought|>hm<|end_of_thought|>{GOOD}",
        f"<|channel|>analysis<|message|>{GOOD.replace('0.5', '0.7')}<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{GOOD}<|return|>",
        f"{GOOD}<|im_end|>",
        f"{GOOD}</s>",
        '{"gene": "TP53", "p": 0.5,}',
        "{'gene': 'TP53', 'p': 0.5}",
        '{"gene": "TP53", // the guardian\n "p": 0.5}',
        '{"gene": "TP53", /* a half */ "p": 0.5}',
        json.dumps(GOOD),
        f"[{GOOD}]",
        f'{{"answer": {GOOD}}}',
        f'{{"Verdict": {GOOD}}}',
        f'{{"name": "Verdict", "arguments": {GOOD}}}',
        f'{{"name": "Verdict", "parameters": {json.dumps(GOOD)}}}',
        "Sure! ```python\n{'gene': 'TP53', 'p': 0.5}\n```",
        'The verdict is {"gene": "TP53", "p": 0.5,} as asked.',
        f"```JSON\r\n{GOOD}\r\n```",
        f"<answer>{GOOD}</answer>",
    ],
)
def test_an_answer_is_found_in_what_other_models_write_around_it(said):
    assert read_answer(said, Verdict) == VERDICT


@pytest.mark.parametrize(
    "said",
    [
        "{'gene': __import__('os').getcwd(), 'p': 0.5}",
        f"[{GOOD}, {GOOD.replace('0.5', '0.6')}]",
        f'{{"first": {GOOD}, "second": {GOOD.replace("0.5", "0.6")}}}',
        f"<think>{GOOD}",
        f"[THINK]{GOOD}",
        "<|channel|>analysis<|message|>" + GOOD,
        "{" * 100_000,
        "{'a': " * 3_000,
        '{"gene": "TP53", "p": NaN}',
        "",
    ],
)
def test_what_is_not_plain_is_no_answer(said):
    with pytest.raises(ValueError, match=r"Verdict|validation"):
        read_answer(said, Verdict)


def test_a_comma_or_comment_in_a_string_is_left_alone():
    said = '{"gene": "a,] // b", "p": 0.5,}'
    assert read_answer(said, Verdict).gene == "a,] // b"


def test_what_is_said_after_thoughts_is_kept():
    assert without_thoughts("<think>a</think>b") == "b"
    assert without_thoughts("<|channel|>final<|message|>yes<|return|>") == "yes"


@pytest.mark.parametrize(
    "reply",
    [
        whole(json.loads(GOOD)),
        whole([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": GOOD}]),
        whole([{"type": "reasoning", "text": "{}"}, {"type": "output_text", "text": GOOD}]),
        whole({"type": "text", "text": GOOD}),
        whole([GOOD[:5], GOOD[5:]]),
        whole([{"type": "text", "text": {"value": GOOD}}]),
        {"choices": [{"text": GOOD, "index": 0}]},
        {"choices": [{"message": GOOD}]},
        {**whole(), "usage": {"prompt_tokens": 2**80, "completion_tokens": 1e308}},
        {**whole(), "usage": {"prompt_tokens": "9", "total_tokens": True}},
        {**whole(), "error": None},
        {**whole(reasoning_content="thoughts", refusal=None, audio=None)},
        ": ping\n\nevent: x\ndata: "
        + json.dumps({"choices": [{"delta": {"content": [{"type": "text", "text": GOOD}]}}]})
        + '\n\ndata: {"choices": []}\n\ndata: [DONE]',
    ],
)
async def test_a_reply_is_read_as_other_servers_write_it(chat, hostile, reply):
    hostile.behave(raw(reply))
    verdict, usage = await structured(chat, ASK, Verdict)
    assert verdict == VERDICT
    assert 0 <= usage.prompt < 2**41
    assert 0 <= usage.completion < 2**41


@pytest.mark.parametrize(
    "content",
    [
        "<tool_call><function=regulators><parameter=gene>TP53</parameter></function></tool_call>",
        "<function=regulators>\n<parameter=gene>\nTP53\n</parameter>\n</function>",
        '<invoke name="regulators"><parameter name="gene">TP53</parameter></invoke>',
        "<tool_call>regulators\n<arg_key>gene</arg_key>\n<arg_value>TP53</arg_value>\n</tool_call>",
        '[TOOL_CALLS]regulators[ARGS]{"gene": "TP53"}',
        'functools[{"name": "regulators", "arguments": {"gene": "TP53"}}]',
        '<|tool_call|>[{"name": "regulators", "arguments": {"gene": "TP53"}}]',
        '<|python_start|>{"name": "regulators", "parameters": {"gene": "TP53"}}<|python_end|>',
        '[regulators(gene="TP53")]',
        "```tool_code\nregulators(gene='TP53')\n```",
        'I look it up.\nAction: regulators\nAction Input: {"gene": "TP53"}',
        'function<｜tool▁sep｜>regulators\n```json\n{"gene": "TP53"}\n```',
        '{"type": "function", "function": "regulators", "arguments": {"gene": "TP53"}}',
    ],
)
def test_a_call_is_read_in_the_words_of_other_families(content):
    (call,) = text_calls(content, ["regulators"])
    assert call.name == "regulators"
    assert json.loads(call.arguments) == {"gene": "TP53"}


@pytest.mark.parametrize(
    "content",
    [
        "[open('/etc/passwd')]",
        "```python\n__import__('os').system('true')\n```",
        "[regulators(gene=open('x'))]",
        "regulators(",
        "(" * 10_000,
        "<tool_call>" * 5_000,
    ],
)
def test_what_is_no_call_is_none_and_nothing_is_run(content):
    assert text_calls(content, ["regulators"]) == ()


@pytest.mark.parametrize(
    "message",
    [
        {"function_call": {"name": "regulators", "arguments": '{"gene": "TP53"}'}},
        {"tool_calls": [{"name": "regulators", "arguments": {"gene": "TP53"}}]},
        {"tool_calls": {"function": {"name": "regulators", "arguments": {"gene": "TP53"}}}},
        {"tool_calls": [{"function": {"name": "regulators",
                                      "arguments": json.dumps('{"gene": "TP53"}')}}]},
    ],
)  # fmt: skip
async def test_calls_of_other_forms_are_read(chat, hostile, message):
    hostile.behave(raw({"choices": [{"message": {"content": None, **message}}]}))
    (call,) = (await chat.complete(ASK, tools=[TOOL])).tool_calls
    assert (call.name, json.loads(call.arguments)) == ("regulators", {"gene": "TP53"})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "No endpoints found", "code": 404}}, "No endpoints found"),
        ({"error": "model 'x' not found, try pulling it first"}, "try pulling it first"),
        ({"error": {"message": "bad key", "code": 401}}, "KNOCKWISE_LLM__API_KEY"),
        ({"error": {"message": "slow down", "code": 429}}, "try again later"),
        ({"detail": "Method Not Allowed"}, "Method Not Allowed"),
    ],
)
async def test_a_refusal_that_comes_as_an_answer_is_told(chat, hostile, body, words):
    hostile.behave(raw(body))
    with pytest.raises(LLMError, match=words):
        await chat.complete(ASK)


@pytest.mark.parametrize(
    "told",
    [
        "Trying to keep the first 5000 tokens when context the overflows.",
        "The input (9000 tokens) is longer than the model's context length (8192 tokens)",
        "This model's maximum prompt length is 8192 but the request contains 9000 tokens.",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
        "exceed_context_size_error",
        "Please reduce the length of the messages.",
        "prompt too long; exceeded max context length by 5 tokens",
    ],
)
async def test_a_full_context_is_known_in_other_words(chat, hostile, told):
    hostile.behave({"kind": "status", "code": 400, "message": told})
    with pytest.raises(ContextOverflowError):
        await chat.complete(ASK)


async def test_a_server_without_instructions_gets_them_with_the_question(chat, hostile):
    hostile.behave(
        {"kind": "status", "code": 400, "message": "System role not supported"}, {"kind": "good"}
    )
    await chat.complete(ASK)
    assert [m["role"] for m in hostile.bodies[-1]["messages"]] == ["user"]
    assert hostile.bodies[-1]["messages"][0]["content"] == "Be brief.\n\n?"


async def test_fewer_log_probabilities_are_asked_for_where_they_are_limited(chat, hostile):
    told = "top_logprobs must be between 0 and 5"
    hostile.behave({"kind": "status", "code": 400, "message": told}, {"kind": "good"})
    await chat.choose(ASK, ["yes", "no"])
    assert hostile.bodies[-1]["top_logprobs"] == 5


async def test_a_grammar_that_does_not_compile_is_no_broken_server(hostile, at):
    told = "Failed to parse grammar"
    hostile.behave(
        {"kind": "status", "code": 500, "message": told}, {"kind": "say", "content": GOOD}
    )
    async with OpenAIChat(at(hostile.url, max_retries=0)) as chat:
        verdict, _ = await structured(chat, ASK, Verdict)
    assert verdict == VERDICT
    assert hostile.bodies[-1]["response_format"]["type"] == "json_object"


async def test_a_model_without_tools_is_told(chat, hostile):
    told = "registry.ollama.ai/library/gemma:latest does not support tools"
    hostile.behave({"kind": "status", "code": 400, "message": told})
    with pytest.raises(LLMError, match="with tool calls"):
        await chat.complete(ASK, tools=[TOOL])


async def test_a_name_without_its_usual_tag_is_the_model(hostile, at):
    model = {"id": "gemma:latest", "object": "model", "owned_by": "library"}
    hostile.behave({"kind": "good", "model": model})
    async with OpenAIChat(at(hostile.url, model="gemma")) as chat:
        await chat.complete(ASK)
    assert hostile.bodies[-1]["model"] == "gemma:latest"
