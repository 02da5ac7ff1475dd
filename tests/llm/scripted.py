"""A chat model that says what a test wants it to say, and remembers what it was asked.

from tests.llm.scripted import ScriptedChat

ScriptedChat(["prose", '{"json": 1}', {"yes": 0.7, "no": 0.3}, LLMError("..."), Reply(...)])
ScriptedChat(lambda messages, schema, options: {"yes": 0.9, "no": 0.1} if options else "{}")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from agent.llm.chat import Message, Reply, ToolSchema, Usage
from agent.llm.errors import LLMError

Scripted = str | dict[str, float] | Reply | Exception


@dataclass(frozen=True)
class Asked:
    """One call: `options` is empty for `complete`, the rest for `choose`."""

    messages: tuple[Message, ...]
    schema: type[BaseModel] | None = None
    options: tuple[str, ...] = ()
    tools: tuple[ToolSchema, ...] = ()
    max_tokens: int = 0
    seed: int = 0

    @property
    def text(self) -> str:
        """The whole prompt."""
        return "\n\n".join(message.content for message in self.messages)


class ScriptedChat:
    """Answers from a list, in order, or from a function of (messages, schema, options).

    A token is a word here: `usage.prompt` counts the words of the prompt, and `usage.cached` those
    at its beginning that the prompt before had too, as a server's prefix cache would.
    """

    def __init__(
        self,
        replies: Sequence[Scripted] | Callable[..., Scripted],
        *,
        model: str = "scripted",
        context: int = 32_768,
    ) -> None:
        self.model = model
        self.requests: list[Asked] = []
        self._replies = replies if callable(replies) else None
        self._left = [] if callable(replies) else list(replies)
        self._context = context
        self._before: list[str] = []

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: type[BaseModel] | None = None,
        tools: Sequence[ToolSchema] = (),
        max_tokens: int = 1024,
        seed: int = 0,
    ) -> Reply:
        asked = Asked(tuple(messages), schema, (), tuple(tools), max_tokens, seed)
        reply = self._next(asked)
        if isinstance(reply, Reply):
            return reply
        if not isinstance(reply, str):
            raise AssertionError(f"the script has {reply!r} where words are asked for")
        return Reply(content=reply, finish="stop", usage=self._usage(asked, len(reply.split())))

    async def choose(
        self, messages: Sequence[Message], options: Sequence[str]
    ) -> tuple[dict[str, float], Usage]:
        asked = Asked(tuple(messages), options=tuple(options))
        reply = self._next(asked)
        if not isinstance(reply, dict):
            raise AssertionError(f"the script has {reply!r} where probabilities are asked for")
        if unknown := set(reply) - set(options):
            raise AssertionError(f"the script answers {unknown}, the options are {options}")
        total = sum(reply.values())
        probabilities = {option: reply.get(option, 0.0) / total for option in options}
        return probabilities, self._usage(asked, 1)

    async def context_length(self) -> int:
        return self._context

    def _next(self, asked: Asked) -> Scripted:
        self.requests.append(asked)
        if self._replies:
            reply = self._replies(asked.messages, asked.schema, asked.options)
        elif self._left:
            reply = self._left.pop(0)
        else:
            raise LLMError(f"the script ends before request {len(self.requests)}")
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _usage(self, asked: Asked, completion: int) -> Usage:
        words = asked.text.split()
        same = 0
        for one, other in zip(words, self._before, strict=False):
            if one != other:
                break
            same += 1
        self._before = words
        return Usage(requests=1, prompt=len(words), cached=same, completion=completion)
