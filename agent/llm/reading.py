"""Finds the answer in what a model wrote: behind its thoughts, in a fence, amid prose."""

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)
_THOUGHTS = re.compile(
    r"<(think|thinking|thought|reasoning|seed:think)>.*?</\1>", re.DOTALL | re.IGNORECASE
)
# A template may have written the opening tag, so that only the closing one is in the reply.
_LAST_THOUGHT = re.compile(r"^.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"<(?:think|thinking|reasoning)>.*$", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
_DECODER = json.JSONDecoder()
# Places where an object may begin that are looked at; more is a model that raves.
_MOST_STARTS = 200


def without_thoughts(content: str) -> str:
    """Return what a model said after it thought, nothing if it never stopped thinking."""
    said = _LAST_THOUGHT.sub("", _THOUGHTS.sub("", content))
    return _OPEN_THOUGHT.sub("", said).strip()


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
        found = {one for text in texts if (one := _fitting(text, schema)) is not None}
        if len(found) == 1:
            return schema.model_validate_json(found.pop())
    found = set()
    inside = None
    for value in _objects(said):
        text = json.dumps(value)
        inside = inside or text
        if _fitting(text, schema) is not None:
            found.add(text)
    if len(found) == 1:
        return schema.model_validate_json(found.pop())
    if inside is not None and not found:
        # What is wrong with the object says more than that prose is no JSON.
        return schema.model_validate_json(inside)
    raise wrong


def _fitting(text: str, schema: type[BaseModel]) -> str | None:
    try:
        schema.model_validate_json(text)
    except ValidationError:
        return None
    return text


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
            end = at + 1
        else:
            found.append(value)
        at = text.find("{", end)
    return found
