"""Finds the answer in what a model wrote: behind its thoughts, in a fence, amid prose."""

import ast
import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)
_TAGS = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think|analysis"
_OPEN = rf"(?:<({_TAGS})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>)"
_CLOSE = rf"(?:</(?:{_TAGS})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>)"
_THOUGHTS = re.compile(f"{_OPEN}.*?{_CLOSE}", re.DOTALL | re.IGNORECASE)
# A template may have written the opening tag, so that only the closing one is in the reply.
_LAST_THOUGHT = re.compile(f"^.*{_CLOSE}", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(f"{_OPEN}.*$", re.DOTALL | re.IGNORECASE)
# gpt-oss without its parser: the last channel called final is what it says.
_FINAL = re.compile(r"^.*<\|channel\|>\s*final\b.*?<\|message\|>", re.DOTALL)
_CHANNEL = re.compile(r"<\|channel\|>\s*(?:analysis|commentary)\b.*$", re.DOTALL)
_MARK = re.compile(r"<\|(?:return|end|im_end|eot_id|end_of_text|endoftext|eom_id)\|>|</s>|<eos>")
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
_DECODER = json.JSONDecoder()
# Places where an object may begin that are looked at; more is a model that raves.
_MOST_STARTS = 200
_MOST_WRAPPERS = 4
_LONGEST_MENDED = 20_000
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")')


def without_thoughts(content: str) -> str:
    """Return what a model said after it thought, nothing if it never stopped thinking."""
    said = _LAST_THOUGHT.sub("", _THOUGHTS.sub("", content))
    said = _CHANNEL.sub("", _FINAL.sub("", _OPEN_THOUGHT.sub("", said)))
    return _MARK.sub("", said).strip()


def read_answer(content: str, schema: type[T]) -> T:
    """Return the one object of `schema` that a reply holds.

    The whole reply comes first, then what follows its thoughts, then its fences, then objects amid
    prose. Several different objects that fit are no plain answer.

    Raises:
        ValidationError: No object fits, or several do; the error is about the whole reply.
    """
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        wrong = error
    said = without_thoughts(content)
    for texts in ([said], _FENCE.findall(said)):
        found = {fit for text in texts if (fit := _fitting(_plain(text), schema)) is not None}
        if len(found) == 1:
            return schema.model_validate_json(found.pop())
    found = set()
    inside = None
    for value in _objects(said):
        inside = inside or json.dumps(value)
        if (fit := _fitting(value, schema)) is not None:
            found.add(fit)
    if len(found) == 1:
        return schema.model_validate_json(found.pop())
    if inside is not None and not found:
        # What is wrong with the object says more than that prose is no JSON.
        return schema.model_validate_json(inside)
    raise wrong


def _fitting(value: object, schema: type[BaseModel]) -> str | None:
    """Return as JSON what fits: a value, or the only one that it is wrapped around."""
    for _ in range(_MOST_WRAPPERS):
        try:
            text = json.dumps(value)
            schema.model_validate_json(text)
        except (ValueError, RecursionError):  # a ValidationError is one
            inner = _unwrapped(value)
            if inner is None:
                return None
            value = inner
        else:
            return text
    return None


def _unwrapped(value: object) -> object:
    """Return what a list of one, `{"answer": ...}`, a call or JSON in a string holds, or None."""
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, list):
        return value[0] if len(value) == 1 else None
    if isinstance(value, dict):
        if len(value) == 1:
            (inner,) = value.values()
            return inner if isinstance(inner, dict | str | list) else None
        if "name" in value and set(value) <= {"name", "type", "id", "arguments", "parameters"}:
            return value.get("arguments", value.get("parameters"))
    return None


def _plain(text: str) -> object:
    """Return the value that a text is, as JSON or as models miswrite it; None if it is none.

    A comma too many, comments and Python's spelling leave the meaning plain.
    """
    text = text.strip().lstrip("\ufeff")
    if not text.startswith(("{", "[", '"')):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _LONGEST_MENDED:
        return None
    mended = _mended(text)
    try:
        return json.loads(mended)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(mended)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _mended(text: str) -> str:
    """Return text without comments and commas too many; what stands in strings is left alone."""
    parts = _STRING.split(text)
    for at in range(0, len(parts), 2):
        bare = re.sub(r"//[^\n]*|/\*.*?\*/", "", parts[at], flags=re.DOTALL)
        parts[at] = re.sub(r",(\s*[}\]])", r"\1", bare)
    return "".join(parts)


def _objects(text: str) -> list[dict[str, Any]]:
    """Return the outermost JSON objects amid prose."""
    found: list[dict[str, Any]] = []
    at = text.find("{")
    for _ in range(_MOST_STARTS):
        if at < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = _to_the_end(text, at)
        if isinstance(value, dict):
            found.append(value)
        at = text.find("{", end)
    return found


def _to_the_end(text: str, at: int) -> tuple[object, int]:
    """Return a miswritten object that reaches to the last bracket, and where it ends."""
    end = text.rfind("}") + 1
    value = _plain(text[at:end]) if text.find("{") == at else None
    return (value, end) if isinstance(value, dict) else (None, at + 1)
