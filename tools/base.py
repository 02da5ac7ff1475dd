"""A tool is a pydantic argument model plus a function from it to text and citable evidence."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from knowledge.errors import KnockwiseError
from knowledge.schema import Evidence, Frozen

Args = TypeVar("Args", bound=BaseModel)


class ToolError(Exception):
    """A failure the model can act on, as is a `KnockwiseError`. Any other exception is a bug."""


class ToolOutput(Frozen):
    """What a tool found: text for the model to read, and every fact in it as evidence."""

    text: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Tool(Generic[Args]):
    """One capability offered to the model.

    Attributes:
        name: What the model calls it by.
        args: A flat argument model; its docstring is the tool's description.
        run: The function behind it.
    """

    name: str
    args: type[Args]
    run: Callable[[Args], ToolOutput]

    @property
    def schema(self) -> dict[str, Any]:
        """The OpenAI function schema.

        Strict mode wants every property required and no defaults: what may be left out is
        nullable. A call that leaves it out all the same is accepted.
        """
        parameters = self.args.model_json_schema()
        description = " ".join(parameters.pop("description").split())
        parameters.pop("title")
        for field in parameters["properties"].values():
            field.pop("title", None)
            field.pop("default", None)
        parameters["required"] = list(parameters["properties"])
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": description,
                "parameters": parameters,
                "strict": True,
            },
        }


class ToolResult(Frozen):
    """What one call produced, as the model will read it."""

    call_id: str
    content: str
    is_error: bool = False
    evidence: tuple[Evidence, ...] = ()


class Toolbox:
    """The tools of one run, by name."""

    def __init__(self, tools: Iterable[Tool[Any]]) -> None:
        self._tools: dict[str, Tool[Any]] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ValueError(f"Tool {tool.name!r} is registered twice")
            self._tools[tool.name] = tool

    def __iter__(self) -> Iterator[Tool[Any]]:
        """Iterate over the tools, in order."""
        return iter(self._tools.values())

    def tool(self, name: str) -> Tool[Any]:
        """Return the tool called `name`.

        Raises:
            KeyError: There is none.
        """
        return self._tools[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tools, in order."""
        return tuple(self._tools)

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """The schemas to send with a request."""
        return [tool.schema for tool in self._tools.values()]

    def call(self, name: str, arguments: str, call_id: str = "") -> ToolResult:
        """Run one tool call; whatever the model or the user can put right becomes an error result.

        Args:
            name: The tool.
            arguments: Its arguments as a JSON object.
            call_id: Handed back with the result.
        """
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(sorted(self._tools))
            return _error(call_id, f"No tool {name!r}. Available: {known}")
        try:
            output = tool.run(tool.args.model_validate_json(arguments))
        except ValidationError as error:
            return _error(call_id, f"Invalid arguments: {_detail(error)}")
        except (ToolError, KnockwiseError) as error:
            return _error(call_id, str(error))
        return ToolResult(call_id=call_id, content=output.text, evidence=output.evidence)


def _error(call_id: str, message: str) -> ToolResult:
    return ToolResult(call_id=call_id, content=message, is_error=True)


def _detail(error: ValidationError) -> str:
    return json.dumps(error.errors(include_url=False, include_context=False, include_input=False))
