"""Whatever a server says, it is an answer, or one sentence about the server."""

import json

import pytest

from agent.llm.chat import Message
from agent.llm.errors import LLMError
from agent.llm.openai_chat import OpenAIChat
from agent.llm.structured import structured
from tests.llm.babble import Babble
from tests.llm.verdict import GOOD, Verdict

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ASK = [Message(role="user", content="?")]
TOOL = {"type": "function", "function": {"name": "regulators", "parameters": {"type": "object"}}}
PART = 36


@pytest.mark.parametrize("part", range(6))
async def test_no_reply_ends_in_anything_but_an_answer_or_a_sentence(hostile, at, part):
    babble = Babble(part)
    kinds = ("complete", "tools", "form", "choose")
    answers = sentences = 0
    told = []
    async with OpenAIChat(at(hostile.url, max_retries=0)) as chat:
        for number in range(PART):
            hostile.behave(
                *({"kind": "raw", "body": babble.body(GOOD)} for _ in range(3)), {"kind": "good"}
            )
            try:
                match kinds[number % len(kinds)]:
                    case "complete":
                        assert isinstance((await chat.complete(ASK)).content, str)
                    case "tools":
                        for call in (await chat.complete(ASK, tools=[TOOL])).tool_calls:
                            assert isinstance(call.name, str)
                            assert isinstance(call.arguments, str)
                    case "form":
                        verdict, usage = await structured(chat, ASK, Verdict)
                        assert json.loads(verdict.model_dump_json())["gene"]
                        assert 0 <= usage.prompt < 2**43
                    case "choose":
                        shares, _ = await chat.choose(ASK, ["yes", "no"])
                        assert sum(shares.values()) == pytest.approx(1)
            except LLMError as error:
                sentences += 1
                told.append(str(error))
            else:
                answers += 1
    assert answers + sentences == PART
    assert answers > 0
    assert sentences > 0
    assert not any("\n" in sentence for sentence in told)
