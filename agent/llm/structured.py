"""Answers of a given form: constrained by the server, checked by us, repaired once."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agent.llm.chat import ChatModel, Message, Reply, Usage
from agent.llm.errors import UnusableError
from agent.llm.reading import read_answer

T = TypeVar("T", bound=BaseModel)
TOLD_CHARS = 2000


async def structured(
    chat: ChatModel, messages: Sequence[Message], schema: type[T], *, max_tokens: int = 1024
) -> tuple[T, Usage]:
    """Return the model's answer as a `schema`, and what it cost.

    A reply that does not fit is shown to the model once, with what is wrong with it. Give strings
    and lists of `schema` a greatest length: a model that repeats itself would never end.

    Raises:
        UnusableError: The second reply does not fit either.
        LLMError: There is no reply.
    """
    reply = await chat.complete(messages, schema=schema, max_tokens=max_tokens)
    try:
        return read_answer(reply.content, schema), reply.usage
    except ValidationError as error:
        first, wrong = reply, _wrong(reply, error)
    again = [
        *messages,
        Message(role="assistant", content=first.content[:TOLD_CHARS]),
        Message(
            role="user",
            content=f"That cannot be used: {wrong}\nAnswer again with JSON of the form asked for.",
        ),
    ]
    reply = await chat.complete(again, schema=schema, max_tokens=max_tokens)
    usage = first.usage + reply.usage
    try:
        return read_answer(reply.content, schema), usage
    except ValidationError as error:
        raise UnusableError(
            f"{chat.model} does not give a usable {schema.__name__}, also when told what is wrong "
            f"({_wrong(reply, error)}); {_remedy(reply)}, or `--reasoner evidence`.",
            usage,
        ) from error


def _remedy(reply: Reply) -> str:
    """Return what may help: a model that spends its tokens on thoughts need not be larger."""
    if reply.finish != "length":
        return "use a larger model"
    return (
        "if it thinks before it answers, set KNOCKWISE_LLM__THINKING=true and raise "
        "KNOCKWISE_LLM__THINKING_TOKENS, else use a larger model"
    )


def _wrong(reply: Reply, error: ValidationError) -> str:
    """Return what is wrong with a reply, in words for a model and a reader."""
    if not reply.content.strip():
        return "the answer is empty"
    if reply.finish == "length":
        return "the answer does not end before the token limit"
    found = error.errors(include_url=False, include_context=False)[:3]
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}".lstrip(": ")[:200]
        for one in found
    )
