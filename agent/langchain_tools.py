"""The toolbox in LangChain's shape, for other people's agents."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from langchain_core.tools import StructuredTool, ToolException

from knowledge.errors import KnockwiseError
from knowledge.schema import Evidence
from tools.base import Tool, Toolbox, ToolError

__all__ = ["StructuredTool", "structured_tools"]
Found = tuple[str, tuple[Evidence, ...]]


def structured_tools(toolbox: Toolbox) -> list[StructuredTool]:
    """Return each tool as a `StructuredTool`: text as content, the evidence as its artifact.

    What a caller can put right comes back as the content of an error message; a tool never ends an
    agent's run with it.
    """
    return [_structured(tool) for tool in toolbox]


def _structured(tool: Tool[Any]) -> StructuredTool:
    function = tool.schema["function"]
    run = _runner(tool)
    return StructuredTool.from_function(
        func=run,
        coroutine=_in_thread(run),
        name=tool.name,
        description=function["description"],
        args_schema=tool.args,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def _runner(tool: Tool[Any]) -> Callable[..., Found]:
    def run(**arguments: object) -> Found:
        try:
            output = tool.run(tool.args.model_validate(arguments))
        except (ToolError, KnockwiseError) as error:
            raise ToolException(str(error)) from error
        return output.text, output.evidence

    return run


def _in_thread(run: Callable[..., Found]) -> Callable[..., Coroutine[Any, Any, Found]]:
    async def call(**arguments: object) -> Found:
        return await asyncio.to_thread(run, **arguments)

    return call
