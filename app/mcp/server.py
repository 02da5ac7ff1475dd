"""The MCP server: lists tools, resources and prompts, and answers calls one at a time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from app.mcp.call import Call, Reply
from app.mcp.calls import CALLS
from app.mcp.desk import Desk
from app.mcp.prompts import PROMPTS, prompt_result
from app.mcp.resources import TEMPLATES, read_resource, resources
from knowledge.errors import KnockwiseError
from tools.base import ToolError

Context = ServerRequestContext[Any, Any]
INSTRUCTIONS = (
    "Knockwise answers what happens in a human cell when genes are knocked out, knocked down or "
    "activated, with calibrated probabilities learned from CRISPR interference screens and a "
    "cited, signed cascade. Start with `ask` for a question in words, `predict` for a table. "
    "Repeat its numbers and their conditions as they are: P(up if it changes) is conditional, a "
    "path is documentation and no measurement, `not predicted` is not `no change`. Name the "
    "evidence that an answer cites, and say that it is a prediction."
)
BUG = "Knockwise failed on this call, which is a bug; its log has the details."
HINTS = {"destructive_hint": False, "open_world_hint": False}


class Gone(Exception):
    """Nobody waits for the answer any more."""


def build_server(desk: Desk, calls: Sequence[Call[Any]] = CALLS) -> Server[Any]:
    """Return the server over a desk, not yet connected to anything."""
    by_name = {call.name: call for call in calls}
    listed = ListToolsResult(tools=[_tool(call) for call in calls])

    @asynccontextmanager
    async def opened(_: Server[Any]) -> AsyncIterator[dict[str, Any]]:
        desk.warm()
        yield {}

    async def list_tools(_: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return listed

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        call = by_name.get(params.name)
        if call is None:
            known = ", ".join(by_name)
            return _failed(f"There is no tool {params.name[:60]!r}; there are {known}.")
        try:
            args = call.read(params.arguments or {})
            return _said(await _answer(desk, context, call, args))
        except (KnockwiseError, ToolError) as error:
            return _failed(str(error))
        except ModuleNotFoundError as error:
            from knowledge.extras import missing

            if sentence := missing(error):
                return _failed(sentence)
            raise

    async def list_resources(_: Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        found = await asyncio.to_thread(resources, desk)
        return ListResourcesResult(resources=found)

    async def list_templates(
        _: Context, __: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=TEMPLATES)

    async def read(_: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        uri = str(params.uri)
        try:
            mime_type, text = await asyncio.to_thread(read_resource, desk, uri)
        except KnockwiseError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None
        contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
        return ReadResourceResult(contents=[contents])

    async def list_prompts(_: Context, __: PaginatedRequestParams | None) -> ListPromptsResult:
        return ListPromptsResult(prompts=[one.listed for one in PROMPTS])

    async def get_prompt(_: Context, params: GetPromptRequestParams) -> GetPromptResult:
        try:
            return prompt_result(params.name, params.arguments or {})
        except KnockwiseError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None

    from importlib.metadata import version

    return Server(
        "knockwise",
        version=version("knockwise"),
        title="Knockwise",
        instructions=INSTRUCTIONS,
        lifespan=opened,
        get_tool_input_schema=lambda name: by_name[name].schema if name in by_name else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


async def _answer(desk: Desk, context: Context, call: Call[Any], args: object) -> str:
    """Compute an answer in a thread, telling the client each step; stop where it has gone."""
    loop = asyncio.get_running_loop()
    steps: asyncio.Queue[str | None] = asyncio.Queue()
    gone = threading.Event()

    def tell(message: str) -> None:
        if gone.is_set():
            raise Gone
        loop.call_soon_threadsafe(steps.put_nowait, message)

    async def forward() -> None:
        count = 0
        while (message := await steps.get()) is not None:
            count += 1
            await context.session.report_progress(count, None, message)

    telling = asyncio.create_task(forward())
    try:
        # In a thread: the models compute, and a cancelled call must not hold up the next one.
        return await asyncio.to_thread(_work, desk, call, args, tell)
    finally:
        gone.set()
        steps.put_nowait(None)
        await telling


def _work(desk: Desk, call: Call[Any], args: object, tell: Callable[[str], None]) -> str:
    with desk.turn:
        tell(call.title)
        reply: Reply = call.run(desk, args, tell)
        return reply.markdown(call.name, desk.versions)


def _tool(call: Call[Any]) -> Tool:
    return Tool(
        name=call.name,
        title=call.title,
        description=call.description,
        input_schema=call.schema,
        annotations=ToolAnnotations(
            title=call.title, read_only_hint=not call.keeps, idempotent_hint=not call.keeps, **HINTS
        ),
    )


def _said(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])


def _failed(sentence: str) -> CallToolResult:
    """Return a failure that the client's model reads and acts on: one sentence."""
    text = " ".join(sentence.split())
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
