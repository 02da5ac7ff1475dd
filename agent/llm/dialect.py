"""How much of the protocol a server takes: learnt from what it refuses, remembered for the next.

Structured output is asked for in the strictest form first, and in the prompt last; the answer is
checked by us in any case.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel

from agent.llm.chat import ToolCall

Form = Literal["json_schema", "json_object", "prompt"]
FORMS: tuple[Form, ...] = ("json_schema", "json_object", "prompt")
REFUSALS = {400, 404, 415, 422, 501}
# Told by a server that refuses a form of structured output, whatever it calls it.
_FORM = re.compile(
    r"response_?format|json_?schema|json_?object|structured|guided|grammar|schema", re.IGNORECASE
)
_TEXT_CALLS = (
    re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|$)", re.DOTALL),
    re.compile(r"\[TOOL_CALLS\]\s*(.*)", re.DOTALL),
    re.compile(r"<\|python_tag\|>\s*(.*?)\s*(?:<\|e\w+_id\|>|$)", re.DOTALL),
    re.compile(r"<function=(?P<name>[\w.-]+)>\s*(?P<arguments>.*?)\s*</function>", re.DOTALL),
    re.compile(r"```(?:json|tool_code)?\s*(.*?)\s*```", re.DOTALL),
    re.compile(r"^\s*([\[{].*[\]}])\s*$", re.DOTALL),
)


class Dialect:
    """What one server takes, as far as it is known."""

    def __init__(self) -> None:
        self._form = 0
        self._without: set[str] = set()
        self._renamed: dict[str, str] = {}

    def body(self, body: Mapping[str, Any], schema: type[BaseModel] | None) -> dict[str, Any]:
        """Return a request as this server takes it."""
        written = {self._renamed.get(n, n): v for n, v in body.items() if n not in self._without}
        if schema is not None:
            self._constrain(written, schema, FORMS[self._form])
        return written

    def learn(self, status: int, told: str, body: Mapping[str, Any]) -> bool:
        """Change what is sent after a refusal; return whether there is something left to try."""
        if status not in REFUSALS:
            return False
        if "max_tokens" in body and "max_completion_tokens" in told:
            self._renamed["max_tokens"] = "max_completion_tokens"
            return True
        for name in ("temperature", "seed", "chat_template_kwargs", "max_tokens"):
            if name in body and re.search(rf"\b{name}\b", told) and name not in self._without:
                self._without.add(name)
                return True
        form = "response_format" in body and (bool(_FORM.search(told)) or "tools" not in body)
        if form and self._form + 1 < len(FORMS) and status != 404:
            self._form += 1
            return True
        return False

    def forget(self) -> None:
        """Ask for the strictest form again: the refusals were about something else."""
        self._form = 0

    @staticmethod
    def _constrain(body: dict[str, Any], schema: type[BaseModel], form: Form) -> None:
        described = schema.model_json_schema()
        if form == "json_schema":
            named = {"name": schema.__name__, "strict": True, "schema": described}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
            return
        if form == "json_object":
            body["response_format"] = {"type": "json_object"}
        wanted = (
            "Answer with one JSON object and nothing else. It must fit this JSON schema:\n"
            f"{json.dumps(described)}"
        )
        *before, last = body["messages"]
        # At the end of the last message: some templates take one system message, the first.
        if isinstance(last.get("content"), str) and last["role"] == "user":
            last = {**last, "content": f"{last['content']}\n\n{wanted}"}
            body["messages"] = [*before, last]
        else:
            body["messages"] = [*body["messages"], {"role": "user", "content": wanted}]


def text_calls(content: str, names: Sequence[str]) -> tuple[ToolCall, ...]:
    """Return the tool calls that a model wrote as text; none unless each names a tool on offer.

    Servers without the parser of a model's family hand its calls on as they were written.
    """
    for pattern in _TEXT_CALLS:
        calls: list[ToolCall] = []
        for match in pattern.finditer(content):
            calls += _calls(match)
        if calls and all(call.name in names for call in calls):
            return tuple(
                call.model_copy(update={"id": f"text-{number}"})
                for number, call in enumerate(calls)
            )
    return ()


def _calls(match: "re.Match[str]") -> list[ToolCall]:
    named = match.groupdict()
    if named:
        return [ToolCall(id="", name=named["name"], arguments=named["arguments"])]
    try:
        found = json.loads(match[1])
    except (ValueError, RecursionError):
        return []
    calls = []
    for one in found if isinstance(found, list) else [found]:
        if not isinstance(one, dict):
            return []
        inner = one.get("function")
        one = inner if isinstance(inner, dict) else one
        name, arguments = one.get("name"), one.get("arguments", one.get("parameters"))
        if not isinstance(name, str) or arguments is None:
            return []
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        calls.append(ToolCall(id="", name=name, arguments=text))
    return calls
