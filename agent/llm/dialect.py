"""How much of the protocol a server takes: learnt from what it refuses, remembered for the next.

Structured output is asked for in the strictest form first, and in the prompt last; the answer is
checked by us in any case.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

Form = Literal["json_schema", "json_object", "prompt"]
FORMS: tuple[Form, ...] = ("json_schema", "json_object", "prompt")
SERVER_ERROR = 500
REFUSALS = {400, 404, 415, 422, 501}
# Told by a server that refuses a form of structured output, whatever it calls it.
_FORM = re.compile(
    r"response_?format|json_?schema|json_?object|structured|guided|grammar|schema", re.IGNORECASE
)
# What a server without a place for instructions says, or a template that knows two speakers only.
_NO_SYSTEM = re.compile(
    r"system.{0,12}(role|message|prompt)|role.{0,20}system|roles? must alternate|must alternate",
    re.IGNORECASE,
)
_LOGPROBS = re.compile(r"logprobs?\b(.{0,120})", re.IGNORECASE | re.DOTALL)
# Of the protocol, but not of every server.
_OPTIONAL = ("temperature", "seed", "chat_template_kwargs", "max_tokens")


def is_about_form(status: int, told: str) -> bool:
    """Return whether an error of the server is about how it was asked, so that another way may do.

    A grammar that does not compile and a template that knows no such role are errors of the server
    to llama.cpp and others, and will be so again.
    """
    return status == SERVER_ERROR and bool(_FORM.search(told) or _NO_SYSTEM.search(told))


class Dialect:
    """What one server takes, as far as it is known."""

    def __init__(self) -> None:
        self._form = 0
        self._without: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._system = True
        self._most_logprobs: int | None = None

    def body(self, body: Mapping[str, Any], schema: type[BaseModel] | None) -> dict[str, Any]:
        """Return a request as this server takes it."""
        written = {self._renamed.get(n, n): v for n, v in body.items() if n not in self._without}
        if not self._system:
            written["messages"] = _without_system(written["messages"])
        if self._most_logprobs is not None and "top_logprobs" in written:
            written["top_logprobs"] = min(written["top_logprobs"], self._most_logprobs)
        if schema is not None:
            self._constrain(written, schema, FORMS[self._form])
        return written

    def learn(self, status: int, told: str, body: Mapping[str, Any]) -> bool:
        """Change what is sent after a refusal; return whether there is something left to try."""
        if status not in REFUSALS and not is_about_form(status, told):
            return False
        if "max_tokens" in body and "max_completion_tokens" in told:
            self._renamed["max_tokens"] = "max_completion_tokens"
            return True
        if "top_logprobs" in body and (match := _LOGPROBS.search(told)):
            named = [int(number) for number in re.findall(r"\b\d{1,2}\b", match[1])]
            fewer = [number for number in named if 0 < number < body["top_logprobs"]]
            if fewer:
                self._most_logprobs = max(fewer)
                return True
        if self._system and _NO_SYSTEM.search(told) and body["messages"][0]["role"] == "system":
            self._system = False
            return True
        for name in _OPTIONAL:
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


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages with the instructions at the beginning of the first thing the user says."""
    if len(messages) < 2 or messages[0]["role"] != "system" or messages[1]["role"] != "user":
        return messages
    first, second, *rest = messages
    return [{**second, "content": f"{first['content']}\n\n{second['content']}"}, *rest]
