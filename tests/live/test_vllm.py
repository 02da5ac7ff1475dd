"""The model boundary against a real vLLM: what it is asked is what it understands."""

import asyncio
from typing import Literal

import pytest
from pydantic import Field

from agent.llm.chat import Message
from agent.llm.errors import ContextOverflowError
from agent.llm.openai_chat import OpenAIChat
from agent.llm.probe import look, reachable
from agent.llm.structured import structured
from app.commands.doctor import examine
from app.show.terminal import settings
from knowledge.schema import Frozen

pytestmark = pytest.mark.anyio
CONTEXT = 8192
TOOL = {
    "type": "function",
    "function": {
        "name": "regulators",
        "description": "List the regulators of a gene.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"gene": {"type": "string", "maxLength": 10}},
            "required": ["gene"],
            "additionalProperties": False,
        },
    },
}


class Step(Frozen):
    """One step of a cascade."""

    target: str = Field(max_length=12)
    direction: Literal["up", "down"]


class Verdict(Frozen):
    """What the model thinks."""

    steps: tuple[Step, ...] = Field(max_length=3)
    probability: float = Field(ge=0, le=1)


async def test_the_probe_finds_the_model_and_what_it_reads(live_settings):
    assert await reachable(live_settings) == "tiny-qwen3"
    found = await look(live_settings)
    assert found.vllm
    assert found.context_length == CONTEXT


async def test_a_reply_is_counted_and_its_prompt_is_cached(chat, ask):
    first = await chat.complete(ask, max_tokens=16)
    second = await chat.complete([ask[0], Message(role="user", content="Why?")], max_tokens=16)
    assert first.content
    assert first.usage.requests == 1
    assert 0 < first.usage.completion <= 16
    assert second.usage.prompt > 256
    assert 0.5 * second.usage.prompt <= second.usage.cached < second.usage.prompt


async def test_probabilities_sum_to_one_and_repeat(chat, ask):
    first, usage = await chat.choose(ask, ["yes", "no"])
    again, _ = await chat.choose(ask, ["yes", "no"])
    assert sum(first.values()) == pytest.approx(1)
    assert min(first.values()) > 0
    assert first == pytest.approx(again, abs=0.02)  # bfloat16, and batches differ
    assert usage.completion == usage.requests


async def test_words_that_begin_alike_are_told_apart(chat, ask):
    options = ["up", "unchanged", "unknown"]
    probabilities, _ = await chat.choose(ask, options)
    assert sum(probabilities.values()) == pytest.approx(1)
    assert min(probabilities.values()) > 0  # a random model rules nothing out
    turned, _ = await chat.choose(ask, options[::-1])
    assert probabilities == pytest.approx(turned, abs=0.02)


async def test_whatever_the_model_says_is_of_the_form(chat, ask):
    for question in ("one", "two", "three"):
        messages = [*ask[:1], Message(role="user", content=question)]
        verdict, usage = await structured(chat, messages, Verdict, max_tokens=400)
        assert 0 <= verdict.probability <= 1
        assert usage.requests <= 2


async def test_tools_are_offered_and_their_results_read(chat, ask):
    reply = await chat.complete(ask, tools=[TOOL], max_tokens=32)
    assert reply.usage.prompt > 0
    call = {"id": "c1", "name": "regulators", "arguments": '{"gene": "DDIT3"}'}
    turn = Message.model_validate({"role": "assistant", "content": "", "tool_calls": [call]})
    result = Message(role="tool", content="ATF4 activates DDIT3", tool_call_id="c1")
    after = await chat.complete([*ask, turn, result], tools=[TOOL], max_tokens=32)
    assert after.usage.prompt > reply.usage.prompt


async def test_a_prompt_that_does_not_fit_is_refused_as_such(chat):
    assert await chat.context_length() == CONTEXT
    with pytest.raises(ContextOverflowError, match=str(CONTEXT)):
        await chat.complete([Message(role="user", content="yes " * (CONTEXT + 1))], max_tokens=16)


async def test_many_questions_at_once_are_all_answered(live_settings, ask):
    async with OpenAIChat(live_settings.model_copy(update={"concurrency": 8})) as chat:
        asked = [[*ask, Message(role="user", content=f"gene {i}")] for i in range(24)]
        answers = await asyncio.gather(*(chat.choose(one, ["up", "down"]) for one in asked))
    assert all(sum(answer.values()) == pytest.approx(1) for answer, _ in answers)


def test_the_doctor_sees_the_server(vllm_url):
    found = {check.name: check for check in examine(settings(llm={"base_url": vllm_url}))}
    assert found["LLM endpoint"].ok
    assert "tiny-qwen3" in found["LLM endpoint"].found
