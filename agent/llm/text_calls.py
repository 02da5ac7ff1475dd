"""Tool calls that a model wrote as text: servers without its family's parser hand them on so."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from agent.llm.chat import ToolCall

# Each family of models has its own way; the more telling ones come first.
_TEXT_CALLS = (
    re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|$)", re.DOTALL),
    re.compile(r"<\|tool_call(?:_start|_begin)?\|>\s*(.*?)\s*(?:<\|/?tool_call|$)", re.DOTALL),
    re.compile(r"<toolcall>\s*(.*?)\s*(?:</toolcall>|$)", re.DOTALL),
    re.compile(r"\[TOOL_CALLS\]\s*(?P<name>[\w.-]+)\s*(?:\[ARGS\])?\s*(?P<arguments>\{.*?\})\s*"
               r"(?=\[TOOL_CALLS\]|$)", re.DOTALL),
    re.compile(r"(?:\[TOOL_CALLS\]|functools)\s*(.*)", re.DOTALL),
    re.compile(r"<\|python_(?:tag|start)\|>\s*(.*?)\s*(?:<\|\w+\|>|$)", re.DOTALL),
    re.compile(r"<function=(?P<name>[\w.-]+)>\s*(?P<arguments>.*?)\s*</function>", re.DOTALL),
    re.compile(r"<invoke name=\"(?P<name>[\w.-]+)\">\s*(?P<arguments>.*?)\s*</invoke>", re.DOTALL),
    re.compile(r"function<｜tool▁sep｜>(?P<name>[\w.-]+)\s*```(?:json)?\s*(?P<arguments>.*?)\s*```",
               re.DOTALL),
    re.compile(r"^Action:\s*(?P<name>[\w.-]+)\s*\n\s*Action Input:\s*(?P<arguments>\{.*?\})\s*$",
               re.DOTALL | re.MULTILINE),
    re.compile(r"```(?:json|tool_code|python|tool_call)?\s*(.*?)\s*```", re.DOTALL),
    re.compile(r"^\s*([\[{].*[\]}])\s*$", re.DOTALL),
)  # fmt: skip
_PARAMETER = re.compile(
    r"<parameter(?:=| name=\")(?P<name>[\w.-]+)\"?[^>]*>\s*(?P<value>.*?)\s*</parameter>"
    r"|<arg_key>\s*(?P<key>.*?)\s*</arg_key>\s*<arg_value>\s*(?P<of_key>.*?)\s*</arg_value>",
    re.DOTALL,
)
_FIRST_WORD = re.compile(r"\s*([\w.-]+)\s*(?=<arg_key>)")
# No call of ours is longer; more is a model that raves.
_LONGEST = 20_000


def text_calls(content: str, names: Sequence[str]) -> tuple[ToolCall, ...]:
    """Return the tool calls that a model wrote as text; none unless each names a tool on offer."""
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
    if named := match.groupdict():
        return [ToolCall(id="", name=named["name"], arguments=_arguments(named["arguments"]))]
    text = match[1]
    if (first := _FIRST_WORD.match(text)) is not None:
        return [ToolCall(id="", name=first[1], arguments=_arguments(text))]
    if inner := re.match(r"<function=(?P<name>[\w.-]+)>\s*(?P<rest>.*)", text, re.DOTALL):
        rest = inner["rest"].removesuffix("</function>").strip()
        return [ToolCall(id="", name=inner["name"], arguments=_arguments(rest))]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # Several objects, one a line, or Python: `regulators(gene="TP53")`.
        return _lines(text) or list(_pythonic(text))
    calls = []
    for one in found if isinstance(found, list) else [found]:
        call = _call(one)
        if call is None:
            return []
        calls.append(call)
    return calls


def _call(one: object) -> ToolCall | None:
    if not isinstance(one, dict):
        return None
    inner = one.get("function")
    one = inner if isinstance(inner, dict) else one
    name = one.get("name", inner if isinstance(inner, str) else None)
    arguments = one.get("arguments", one.get("parameters", one.get("args")))
    if not isinstance(name, str) or arguments is None:
        return None
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(id="", name=name, arguments=text)


def _lines(text: str) -> list[ToolCall]:
    calls = []
    for line in text.strip().splitlines():
        try:
            call = _call(json.loads(line))
        except (ValueError, RecursionError):
            return []
        if call is None:
            return []
        calls.append(call)
    return calls


def _arguments(text: str) -> str:
    """Return arguments as JSON, which some families write as tags."""
    tags: dict[str, Any] = {}
    for match in _PARAMETER.finditer(text):
        value = match["value"] if match["name"] else match["of_key"]
        try:
            tags[match["name"] or match["key"]] = json.loads(value)
        except (ValueError, RecursionError):
            tags[match["name"] or match["key"]] = value
    return json.dumps(tags) if tags else text


def _pythonic(text: str) -> Iterator[ToolCall]:
    """Yield the calls of `[regulators(gene="TP53"), paths(source="MDM2")]`, whose values are plain.

    Nothing is run: the text is only taken apart.
    """
    if len(text) > _LONGEST or "(" not in text:
        return
    try:
        body = ast.parse(text.strip(), mode="eval").body
        parts = body.elts if isinstance(body, ast.List | ast.Tuple) else [body]
        for part in parts:
            if not isinstance(part, ast.Call) or not isinstance(part.func, ast.Name) or part.args:
                return
            values = {
                one.arg: ast.literal_eval(one.value) for one in part.keywords if one.arg is not None
            }
            yield ToolCall(id="", name=part.func.id, arguments=json.dumps(values))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return
