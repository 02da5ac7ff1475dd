"""What we read of a server's replies, and nothing else.

The client library builds its objects without looking; a server that talks nonsense must be found
out here and not three modules later. Servers write the same thing in several ways: null or nothing
for no value, parts for a text, an object for a tool's arguments. Each is read where its meaning is
plain.
"""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from agent.llm.chat import Message

# More tokens than any reply costs; a count beyond it is nonsense, as is one below zero.
MOST_TOKENS = 1 << 40
_THOUGHT = re.compile("think|thought|reason", re.IGNORECASE)


def _text(value: object) -> object:
    """Return a text that may come as nothing, as parts, or as the object that it should write."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_part(part) for part in value)
    if isinstance(value, dict):
        return _part(value) if isinstance(value.get("text"), str) else json.dumps(value)
    return value


def _part(part: object) -> str:
    """Return the text of a part; what a model thinks is not what it says."""
    if not isinstance(part, dict):
        return part if isinstance(part, str) else ""
    if _THOUGHT.search(str(part.get("type", ""))):
        return ""
    text = part.get("text", part.get("content"))
    if isinstance(text, dict):
        text = text.get("value")
    return text if isinstance(text, str) else ""


def _arguments(value: object) -> object:
    """Return a tool's arguments as JSON text; some servers send the object itself."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith('"'):  # JSON in a string in JSON
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return inner if isinstance(inner, str) else value
    return value if isinstance(value, str) else json.dumps(value)


def _count(value: object) -> object:
    """Return a count of tokens; what is no count is none."""
    usable = isinstance(value, int | float) and 0 <= value <= MOST_TOKENS
    return int(value) if usable else 0  # type: ignore[call-overload]  # a number by now


def _listed(value: object) -> object:
    """Return a list that may come as nothing, or as its only member."""
    if value is None:
        return ()
    return (value,) if isinstance(value, dict) else value


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

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: object) -> object:
        """Read a call whose name stands beside its id."""
        if isinstance(value, dict) and "function" not in value and "name" in value:
            arguments = value.get("arguments", value.get("parameters"))
            return {**value, "function": {"name": value["name"], "arguments": arguments}}
        return value


class Said(_Read):
    """The message of a reply; a model that only calls tools says nothing."""

    @model_validator(mode="before")
    @classmethod
    def _older(cls, value: object) -> object:
        """Read the one function call of the protocol's first years."""
        called = value.get("function_call") if isinstance(value, dict) else None
        if isinstance(value, dict) and isinstance(called, dict) and not value.get("tool_calls"):
            return {**value, "tool_calls": [{"function": called}]}
        return value

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

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: object) -> object:
        """Read a choice that is a text or a message without its wrapping."""
        if isinstance(value, dict) and "message" not in value and "text" in value:
            return {**value, "message": {"content": value["text"]}}
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return {**value, "message": {"content": value["message"]}}
        return value


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

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        """Read a list that is not wrapped in an object, and one under another name."""
        if isinstance(value, list):
            return {"data": value}
        if isinstance(value, dict) and "data" not in value and "models" in value:
            return {**value, "data": value["models"]}
        return value


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
