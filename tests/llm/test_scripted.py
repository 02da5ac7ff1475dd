import pytest

from agent.llm.chat import Message, Usage
from agent.llm.errors import LLMError
from tests.llm.scripted import ScriptedChat

pytestmark = pytest.mark.anyio
ASK = [Message(role="user", content="does it change?")]


async def test_the_script_answers_in_order_and_remembers_what_it_was_asked():
    chat = ScriptedChat(["prose", {"yes": 3, "no": 1}])
    assert (await chat.complete(ASK)).content == "prose"
    assert (await chat.choose(ASK, ["yes", "no"]))[0] == {"yes": 0.75, "no": 0.25}
    assert [asked.options for asked in chat.requests] == [(), ("yes", "no")]
    with pytest.raises(LLMError, match="ends before request 3"):
        await chat.complete(ASK)


async def test_usage_counts_the_shared_beginning_as_cached_and_adds_up():
    chat = ScriptedChat(lambda messages, schema, options: "a b")
    first = (await chat.complete(ASK)).usage
    second = (await chat.complete([*ASK, Message(role="user", content="why?")])).usage
    assert first == Usage(requests=1, prompt=3, cached=0, completion=2)
    assert first + second == Usage(requests=2, prompt=7, cached=3, completion=4)
