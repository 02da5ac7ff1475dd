"""Servers and settings for the tests of the model boundary."""

import pytest

from agent.llm.chat import Message
from agent.llm.openai_chat import OpenAIChat
from agent.settings import LLMSettings
from tests.llm.hostile import hostile  # noqa: F401  # a fixture


@pytest.fixture
def ask():
    return [Message(role="system", content="Be brief."), Message(role="user", content="Why?")]


@pytest.fixture
def at():
    """Settings for a url, impatient ones."""

    def settings(url, **changes):
        return LLMSettings(**({"base_url": url, "timeout_s": 5, "max_retries": 2} | changes))

    return settings


@pytest.fixture
async def chat(hostile, at):  # noqa: F811  # the fixture
    """A client of the hostile server."""
    async with OpenAIChat(at(hostile.url)) as opened:
        yield opened
