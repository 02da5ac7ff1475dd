"""What we ask of a language model, whoever serves it: messages in, a reply and its cost out."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from knowledge.schema import Frozen

ToolSchema = Mapping[str, Any]
"""A tool as the OpenAI protocol describes it: `{"type": "function", "function": {...}}`."""


class ToolCall(Frozen):
    """A call that the model wants made.

    `arguments` is JSON as the model wrote it, which is not to say that it is JSON.
    """

    id: str
    name: str
    arguments: str


class Message(Frozen):
    """One turn of a conversation; a tool's result names the call it answers."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


class Usage(Frozen):
    """What calls cost; usages add up.

    Attributes:
        requests: How many requests were answered.
        prompt: Prompt tokens, cached ones included.
        cached: Prompt tokens that the server took from its prefix cache.
        completion: Tokens that the model wrote.
        seconds: Time waited for answers, the sum over calls that may have run side by side.
    """

    requests: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """Return the cost of both."""
        return Usage(
            requests=self.requests + other.requests,
            prompt=self.prompt + other.prompt,
            cached=self.cached + other.cached,
            completion=self.completion + other.completion,
            seconds=self.seconds + other.seconds,
        )


class Reply(Frozen):
    """What the model said.

    Attributes:
        content: Its words; empty where it only calls tools.
        tool_calls: The calls it wants made.
        finish: Why it stopped: `stop`, `length` (cut off), `tool_calls`.
        usage: What the reply cost.
    """

    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish: str = ""
    usage: Usage = Usage()


class ChatModel(Protocol):
    """A language model that can be asked; safe to share between tasks of one event loop."""

    @property
    def model(self) -> str:
        """The id of the model, as the server names it."""
        ...

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: type[BaseModel] | None = None,
        tools: Sequence[ToolSchema] = (),
        max_tokens: int = 1024,
        seed: int = 0,
    ) -> Reply:
        """Return the model's reply, constrained to the JSON schema of `schema` if there is one.

        The content is not validated here; `agent.llm.structured` does that.

        Raises:
            LLMError: The server cannot be reached or refuses.
        """
        ...

    async def choose(
        self, messages: Sequence[Message], options: Sequence[str]
    ) -> tuple[dict[str, float], Usage]:
        """Return the probability of each of `options` as the answer, and the cost.

        They come from the log-probabilities of a constrained answer token and sum to 1. An option
        that the server does not list among the most probable has 0.

        Raises:
            LLMError: The server cannot be reached, or gives no log-probabilities.
        """
        ...

    async def context_length(self) -> int:
        """Return how many tokens fit, prompt and reply together."""
        ...
