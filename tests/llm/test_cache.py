"""A reply is given once and read ever after."""

import pytest

from agent.llm.cache import CachedChat
from agent.llm.chat import Message
from agent.llm.errors import LLMError
from agent.llm.open import cache_file, open_chat
from agent.settings import Settings
from knowledge.schema import Frozen
from tests.llm.scripted import ScriptedChat

pytestmark = pytest.mark.anyio


class Word(Frozen):
    """One word."""

    word: str


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept" / "replies.sqlite"


async def test_the_same_question_is_asked_once(file, ask):
    inner = ScriptedChat(["once", {"yes": 0.9, "no": 0.1}])
    with CachedChat(inner, file) as chat:
        replies = [await chat.complete(ask) for _ in range(3)]
        choices = [await chat.choose(ask, ["yes", "no"]) for _ in range(3)]
    assert {reply.content for reply in replies} == {"once"}
    assert replies[0] == replies[2]
    assert choices[0] == choices[2]
    assert len(inner.requests) == 2
    assert chat.hits == 4


async def test_whatever_changes_the_question_asks_anew(file, ask):
    inner = ScriptedChat(lambda *_: "{}")
    with CachedChat(inner, file) as chat:
        await chat.complete(ask)
        await chat.complete(ask, seed=1)
        await chat.complete(ask, max_tokens=10)
        await chat.complete(ask, schema=Word)
        await chat.complete(ask, tools=[{"type": "function"}])
        await chat.complete([*ask, Message(role="user", content="?")])
    with CachedChat(inner, file, thinking=True) as chat:
        await chat.complete(ask)
    with CachedChat(ScriptedChat(["other"], model="other"), file) as chat:
        assert (await chat.complete(ask)).content == "other"
    assert len(inner.requests) == 7


async def test_a_run_is_replayed_without_a_server(file, ask):
    inner = ScriptedChat([{"yes": 3, "no": 1}], context=2048)
    with CachedChat(inner, file) as chat:
        recorded = await chat.choose(ask, ["yes", "no"])
        await chat.context_length()
    with CachedChat(None, file) as replay:
        assert replay.model == "scripted"
        assert await replay.choose(ask, ["yes", "no"]) == recorded
        assert await replay.context_length() == 2048
        with pytest.raises(LLMError, match=r"no reply of scripted to this question"):
            await replay.choose(ask, ["up", "down"])


async def test_a_server_that_reads_more_than_before_is_believed(file):
    for length in (2048, 4096, 4096):
        with CachedChat(ScriptedChat([], context=length), file) as chat:
            assert await chat.context_length() == length
    with CachedChat(None, file) as replay:
        assert await replay.context_length() == 4096


async def test_a_failure_is_not_kept(file, ask):
    inner = ScriptedChat([LLMError("busy"), "now"])
    with CachedChat(inner, file) as chat:
        with pytest.raises(LLMError, match="busy"):
            await chat.complete(ask)
        assert (await chat.complete(ask)).content == "now"


async def test_replies_of_several_models_are_told_apart(file, ask):
    for model in ("small", "large"):
        with CachedChat(ScriptedChat([model], model=model), file) as chat:
            await chat.complete(ask)
    with pytest.raises(LLMError, match=r"large, small; set KNOCKWISE_LLM__MODEL"):
        CachedChat(None, file)
    with CachedChat(None, file, model="large") as replay:
        assert (await replay.complete(ask)).content == "large"


async def test_what_cannot_be_replayed_is_named(file, tmp_path):
    with pytest.raises(LLMError, match="is not there"):
        CachedChat(None, file)
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database" * 200)
    with pytest.raises(LLMError, match="cannot be used"):
        CachedChat(None, broken)
    with pytest.raises(LLMError, match="cannot be opened"):
        CachedChat(ScriptedChat([]), broken / "below")


async def test_the_settings_open_the_model_with_its_cache(hostile, at, ask, tmp_path):
    settings = Settings(data=tmp_path, llm=at(hostile.url))
    for _ in range(2):
        async with open_chat(settings) as chat:
            assert (await chat.complete(ask)).content == "A word."
    assert len(hostile.bodies) == 1
    assert cache_file(settings).is_file()
    async with open_chat(Settings(data=tmp_path), offline=True) as replay:
        assert (await replay.complete(ask)).content == "A word."
    async with open_chat(Settings(data=tmp_path, llm=at(hostile.url, cache=False))) as chat:
        await chat.complete(ask)
    assert len(hostile.bodies) == 2


async def test_two_servers_that_call_their_models_the_same_are_told_apart(file, ask):
    for address in ("http://one:8000/v1", "http://two:8000/v1"):
        with CachedChat(ScriptedChat([address]), file, address=address) as chat:
            assert (await chat.complete(ask)).content == address
            assert (await chat.complete(ask)).content == address
            assert chat.hits == 1
    with pytest.raises(LLMError, match="at http://one:8000/v1, http://two:8000/v1"):
        CachedChat(None, file)
    with CachedChat(None, file, address="http://two:8000/v1") as replay:
        assert (await replay.complete(ask)).content == "http://two:8000/v1"


async def test_the_settings_keep_the_address_with_the_reply(hostile, at, ask, tmp_path):
    settings = Settings(data=tmp_path, llm=at(hostile.url))
    async with open_chat(settings) as chat:
        await chat.complete(ask)
    elsewhere = Settings(data=tmp_path, llm=at("http://127.0.0.1:9/v1"))
    async with open_chat(elsewhere, offline=True) as replay:
        with pytest.raises(LLMError, match="no reply of hostile to this question"):
            await replay.complete(ask)
