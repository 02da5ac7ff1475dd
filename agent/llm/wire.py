"""What we read of a server's replies, and nothing else.

The client library builds its objects without looking; a server that talks nonsense must be found
out here and not three modules later.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agent.llm.chat import Message


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Function(_Read):
    """The function a model wants called."""

    name: str
    arguments: str = ""


class Call(_Read):
    """A tool call."""

    id: str = ""
    function: Function


class Said(_Read):
    """The message of a reply; a model that only calls tools says nothing."""

    content: str | None = None
    tool_calls: tuple[Call, ...] | None = None


class Alternative(_Read):
    """A token that could have stood at one position, with its natural log-probability."""

    token: str
    logprob: float


class Position(Alternative):
    """The token at one position of a reply, and the most probable tokens there."""

    top_logprobs: tuple[Alternative, ...] = ()


class Logprobs(_Read):
    """The positions of a reply."""

    content: tuple[Position, ...] | None = None


class Choice(_Read):
    """One reply."""

    message: Said
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class PromptDetails(_Read):
    """How a prompt was read."""

    cached_tokens: int | None = None


class Tokens(_Read):
    """What a reply cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None


class Completion(_Read):
    """The reply to `POST /chat/completions`."""

    choices: tuple[Choice, ...] = Field(min_length=1)
    usage: Tokens | None = None


class ServedModel(_Read):
    """One model of `GET /models`; vLLM adds how much it can read."""

    id: str
    owned_by: str = ""
    max_model_len: int | None = None


class ServedModels(_Read):
    """The reply to `GET /models`."""

    data: tuple[ServedModel, ...]


def wire_message(message: Message) -> dict[str, Any]:
    """Return a message as the protocol writes it."""
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        written["tool_calls"] = wire_calls(message)
    if message.role == "tool":
        written["tool_call_id"] = message.tool_call_id
    return written


def wire_calls(message: Message) -> Sequence[dict[str, Any]]:
    """Return a message's tool calls as the protocol writes them."""
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.tool_calls
    ]
