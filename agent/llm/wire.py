"""What we read of a server's replies, and nothing else.

The client library builds its objects without looking; a server that talks nonsense must be found
out here and not three modules later. Servers write the same thing in several ways: null or nothing
for no value, parts for a text, an object for a tool's arguments. Each is read where its meaning is
plain.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.llm.chat import Message

# More tokens than any reply costs; a count beyond it is nonsense, as is one below zero.
MOST_TOKENS = 1 << 40


def _text(value: object) -> object:
    """Return a text that may come as nothing, or as parts."""
    if value is None:
        return ""
    if isinstance(value, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in value]
        return "".join(part for part in parts if isinstance(part, str))
    return value


def _arguments(value: object) -> object:
    """Return a tool's arguments as JSON text; some servers send the object itself."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _count(value: object) -> object:
    """Return a count of tokens; what is no count is none."""
    usable = isinstance(value, int | float) and 0 <= value <= MOST_TOKENS
    return int(value) if usable else 0  # type: ignore[call-overload]  # a number by now


def _listed(value: object) -> object:
    return () if value is None else value


Text = Annotated[str, BeforeValidator(_text)]
Count = Annotated[int, BeforeValidator(_count)]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Function(_Read):
    """The function a model wants called."""

    name: str
    arguments: Annotated[str, BeforeValidator(_arguments)] = ""


class Call(_Read):
    """A tool call."""

    id: Text = ""
    function: Function


class Said(_Read):
    """The message of a reply; a model that only calls tools says nothing."""

    content: Text = ""
    tool_calls: Annotated[tuple[Call, ...], BeforeValidator(_listed)] = ()


class Alternative(_Read):
    """A token that could have stood at one position, with its natural log-probability."""

    token: str
    logprob: float


class Position(Alternative):
    """The token at one position of a reply, and the most probable tokens there."""

    top_logprobs: Annotated[tuple[Alternative, ...], BeforeValidator(_listed)] = ()


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

    cached_tokens: Count = 0


class Tokens(_Read):
    """What a reply cost."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    prompt_tokens_details: PromptDetails | None = None


class Completion(_Read):
    """The reply to `POST /chat/completions`."""

    choices: tuple[Choice, ...] = Field(min_length=1)
    usage: Tokens | None = None


class ServedModel(_Read):
    """One model of `GET /models`; vLLM adds how much it can read."""

    id: str
    owned_by: Text = ""
    max_model_len: int | None = Field(default=None, ge=1, le=MOST_TOKENS)


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


def whole_reply(stream: str) -> dict[str, Any] | None:
    """Return the reply that a stream of server-sent events adds up to; None if it is no stream.

    Some servers stream although nobody asked for it.
    """
    if not stream.lstrip().startswith(("data:", "event:", ":")):
        return None
    content, calls, finish, usage = "", dict[int, dict[str, Any]](), "", None
    logprobs: list[object] = []
    for line in stream.splitlines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if not data or data == "[DONE]":
            continue
        try:
            event = json.loads(data)
            usage = event.get("usage") or usage
            choice = (event.get("choices") or [{}])[0]
            delta = choice.get("delta") or choice.get("message") or {}
            content += str(_text(delta.get("content")))
            finish = choice.get("finish_reason") or finish
            logprobs += (choice.get("logprobs") or {}).get("content") or []
            for call in delta.get("tool_calls") or []:
                kept = calls.setdefault(call.get("index", 0), {"name": "", "arguments": ""})
                kept["id"] = call.get("id") or kept.get("id", "")
                kept["name"] += call.get("function", {}).get("name") or ""
                kept["arguments"] += str(_arguments(call.get("function", {}).get("arguments")))
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
            return None
    message = {
        "content": content,
        "tool_calls": [{"id": one.pop("id", ""), "function": one} for one in calls.values()],
    }
    choice = {"message": message, "finish_reason": finish or None}
    if logprobs:
        choice["logprobs"] = {"content": logprobs}
    return {"choices": [choice], "usage": usage}
