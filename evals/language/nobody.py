"""A chat model that is none: it counts what a strategy asks, and knows nothing."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from agent.llm.chat import Message, Reply, ToolSchema, Usage

TOKENS_AROUND_A_MESSAGE = 5
NEVER_TRIMMED = 1_000_000
FILLER, LONGEST_TEXT = "the knockdown lowers what the readout needs, ", 400
Count = Callable[[str], int]


class Nobody:
    """Counts and keeps what it is asked, and answers with as many words as there is room for.

    Args:
        count: Tokens of a text.
        context: How many tokens fit.

    Attributes:
        asked: The messages of the last request.
    """

    model = "nobody"

    def __init__(self, count: Count, context: int = NEVER_TRIMMED) -> None:
        self._count, self._context = count, context
        self.asked: tuple[Message, ...] = ()

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: type[BaseModel] | None = None,
        tools: Sequence[ToolSchema] = (),
        max_tokens: int = 1024,
        seed: int = 0,
    ) -> Reply:
        """Return words of the right form, as many as may be."""
        said = _filled(schema) if schema else FILLER
        written = min(max_tokens, self._count(said))
        return Reply(content=said, finish="stop", usage=self._usage(messages, written))

    async def choose(
        self, messages: Sequence[Message], options: Sequence[str]
    ) -> tuple[dict[str, float], Usage]:
        """Return all options as equally likely."""
        return dict.fromkeys(options, 1 / len(options)), self._usage(messages, 1)

    async def context_length(self) -> int:
        """Return how many tokens fit."""
        return self._context

    def _usage(self, messages: Sequence[Message], written: int) -> Usage:
        self.asked = tuple(messages)
        prompt = sum(self._count(one.content) + TOKENS_AROUND_A_MESSAGE for one in messages)
        return Usage(requests=1, prompt=prompt, completion=written)


def _filled(schema: type[BaseModel]) -> str:
    """Return JSON that fits a schema, its texts as long as they may be."""
    whole = schema.model_json_schema()
    definitions = whole.get("$defs", {})

    def value(part: dict[str, Any]) -> object:
        if "$ref" in part:
            return value(definitions[part["$ref"].rsplit("/", 1)[-1]])
        if options := part.get("anyOf"):
            return value(options[0])
        if "const" in part or "enum" in part:
            return part.get("const", part.get("enum", [None])[0])
        match part.get("type"):
            case "object":
                return {name: value(one) for name, one in part.get("properties", {}).items()}
            case "array":
                return [value(part["items"])] * part.get("maxItems", part.get("minItems", 1))
            case "string":
                longest = part.get("maxLength", LONGEST_TEXT)
                return (FILLER * (longest // len(FILLER) + 1))[:longest]
            case "boolean":
                return False
            case "integer" | "number":
                return part.get("minimum", 0)
            case _:
                return None

    return json.dumps(value(whole), separators=(",", ":"))
