"""What a well-behaved server is asked, and what is made of its replies."""

import asyncio

import pytest

from agent.llm.errors import LLMError
from agent.llm.openai_chat import OpenAIChat
from agent.llm.probe import look, reachable
from agent.llm.structured import structured
from knowledge.schema import Frozen

pytestmark = pytest.mark.anyio
OTHER = {"id": "some-model", "object": "model", "owned_by": "somebody"}


class Word(Frozen):
    """One word."""

    word: str


async def test_the_served_model_is_used_where_none_is_named(hostile, at, ask):
    async with OpenAIChat(at(hostile.url)) as chat:
        assert chat.model == "hostile"
        assert await chat.context_length() == 4096
        await chat.complete(ask)
    assert hostile.bodies[0]["model"] == "hostile"


async def test_a_model_that_is_not_served_is_named_with_those_that_are(hostile, at):
    with pytest.raises(LLMError, match=r"serves hostile; set KNOCKWISE_LLM__MODEL"):
        async with OpenAIChat(at(hostile.url, model="large")):
            pass
    assert await reachable(at(hostile.url, model="large")) is None


async def test_the_probe_says_what_would_answer(hostile, at):
    assert await reachable(at(hostile.url)) == "hostile"
    assert (await look(at(hostile.url))).vllm


async def test_the_probe_is_not_patient(hostile, at):
    hostile.kill()
    assert await reachable(at(hostile.url, max_retries=20)) is None
    hostile.start()


async def test_a_form_is_sent_as_a_json_schema(hostile, at, ask):
    async with OpenAIChat(at(hostile.url)) as chat:
        word, usage = await structured(chat, ask, Word, max_tokens=32)
    assert word == Word(word="x")
    assert usage.requests == 1
    assert usage.prompt == 3
    (body,) = hostile.bodies
    assert body["response_format"]["json_schema"]["schema"] == Word.model_json_schema()
    assert body["max_tokens"] == 32
    assert body["temperature"] == 0


async def test_a_vllm_is_not_let_think_unless_wanted(hostile, at, ask):
    for thinking in (False, True):
        async with OpenAIChat(at(hostile.url, thinking=thinking)) as chat:
            await chat.complete(ask)
    asked = [body["chat_template_kwargs"] for body in hostile.bodies]
    assert asked == [{"enable_thinking": False}, {"enable_thinking": True}]


async def test_another_server_gets_nothing_but_the_protocol(hostile, at, ask):
    tokens = {" Yes": 0.6, "no": 0.1, "Notch": 0.2}
    hostile.behave({"kind": "good", "model": OTHER, "tokens": tokens})
    async with OpenAIChat(at(hostile.url, context_length=1000)) as chat:
        assert await chat.context_length() == 1000
        probabilities, _ = await chat.choose(ask, ["yes", "no"])
    assert probabilities == pytest.approx({"yes": 6 / 7, "no": 1 / 7})
    assert set(hostile.bodies[0]) == {
        "model", "messages", "temperature", "seed", "max_tokens", "logprobs", "top_logprobs",
    }  # fmt: skip


async def test_a_free_server_that_never_says_an_option_is_named(hostile, at, ask):
    hostile.behave({"kind": "good", "model": OTHER, "tokens": {"Notch": 0.9, "Yesterday": 0.1}})
    async with OpenAIChat(at(hostile.url)) as chat:
        with pytest.raises(LLMError, match="none of yes, no"):
            await chat.choose(ask, ["yes", "no"])


async def test_the_probability_of_an_answer_is_that_of_its_spellings(hostile, at, ask):
    hostile.behave({"kind": "good", "tokens": {"yes": 0.5, "no": 0.2, "ye": 0.2, "n": 0.1}})
    async with OpenAIChat(at(hostile.url)) as chat:
        probabilities, usage = await chat.choose(ask, ["yes", "no"])
    assert probabilities == pytest.approx({"yes": 0.7, "no": 0.3})
    assert usage.requests == 1
    assert hostile.bodies[0]["structured_outputs"] == {"choice": ["yes", "no"]}
    assert hostile.bodies[0]["max_tokens"] == 1


async def test_a_beginning_that_options_share_is_gone_on_with(hostile, at, ask):
    hostile.behave(
        {"kind": "good", "tokens": {"un": 0.6, "up": 0.4}},
        {"kind": "good", "tokens": {"changed": 0.75, "known": 0.25}},
    )
    async with OpenAIChat(at(hostile.url)) as chat:
        probabilities, usage = await chat.choose(ask, ["up", "unchanged", "unknown"])
    assert probabilities == pytest.approx({"up": 0.4, "unchanged": 0.45, "unknown": 0.15})
    assert usage.requests == 2
    again = hostile.bodies[1]
    assert again["structured_outputs"] == {"choice": ["changed", "known"]}
    assert again["messages"][-1] == {"role": "assistant", "content": "un"}
    assert again["continue_final_message"]


async def test_the_answer_of_a_thinking_model_is_read_after_its_thoughts(hostile, at, ask):
    thoughts = ["no", " way, or", " yes", "</think>"]
    hostile.behave({"kind": "good", "thoughts": thoughts, "tokens": {"yes": 0.9, "no": 0.1}})
    async with OpenAIChat(at(hostile.url, thinking=True, thinking_tokens=99)) as chat:
        probabilities, _ = await chat.choose(ask, ["yes", "no"])
    assert probabilities == pytest.approx({"yes": 0.9, "no": 0.1})
    assert hostile.bodies[0]["max_tokens"] == 100


async def test_a_model_that_thinks_without_end_is_named(hostile, at, ask):
    hostile.behave({"kind": "say", "content": "", "finish": "length", "thoughts": ["hm"]})
    async with OpenAIChat(at(hostile.url, thinking=True)) as chat:
        with pytest.raises(LLMError, match="does not come to an answer within 4096 tokens"):
            await chat.choose(ask, ["yes", "no"])


@pytest.mark.parametrize("options", [["yes"], ["no", "none"], ["yes", "Yes"], ["", "no"]])
async def test_options_that_cannot_be_told_apart_are_a_bug(hostile, at, ask, options):
    async with OpenAIChat(at(hostile.url)) as chat:
        with pytest.raises(ValueError, match=r"option|choose"):
            await chat.choose(ask, options)


async def test_no_more_requests_are_under_way_than_allowed(hostile, at, ask):
    hostile.behave({"kind": "good", "seconds": 0.1})
    async with OpenAIChat(at(hostile.url, concurrency=3)) as chat:
        await asyncio.gather(*(chat.complete(ask) for _ in range(12)))
    assert hostile.most_at_once == 3
