"""Opens the language model that the settings mean."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.llm.cache import CachedChat
from agent.llm.chat import ChatModel
from agent.llm.openai_chat import OpenAIChat
from agent.llm.secrets import without_secrets
from agent.settings import Settings


def cache_file(settings: Settings) -> Path:
    """Return the file that replies are kept in."""
    return settings.llm.cache_file or settings.data / "language" / "replies.sqlite"


@asynccontextmanager
async def open_chat(settings: Settings, *, offline: bool = False) -> AsyncIterator[ChatModel]:
    """Open the model of `settings.llm`, with the cache if they want one; close both after use.

    Args:
        settings: Where the model is, and where the data folder is.
        offline: Ask nobody; replay what is kept, and fail on anything else.

    Raises:
        LLMError: The endpoint is not configured, does not answer or serves another model.
    """
    llm = settings.llm
    path = cache_file(settings)
    if offline:
        with CachedChat(
            None,
            path,
            model=llm.model,
            address=without_secrets(llm.base_url).rstrip("/"),
            thinking=llm.thinking,
        ) as replay:
            yield replay
        return
    async with OpenAIChat(llm) as chat:
        if not llm.cache:
            yield chat
            return
        with CachedChat(chat, path, address=chat.address, thinking=llm.thinking) as cached:
            yield cached
