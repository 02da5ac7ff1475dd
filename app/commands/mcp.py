"""`knockwise mcp`: an MCP server, for the chat client that somebody already has."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from app.show.terminal import print_json, progress, settings
from knowledge.errors import KnockwiseError, QuestionError

TOKEN = "KNOCKWISE_MCP_TOKEN"


def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Listen for HTTP, instead of stdin and stdout.")
    ] = False,
    host: Annotated[
        str,
        typer.Option(help=f"Address to listen on; beyond this machine, {TOKEN} is wanted."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8765,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name by which clients call this machine; repeatable."),
    ] = None,
    config: Annotated[
        bool, typer.Option("--config", help="Print what to write into a client, and leave.")
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Write a bundle for desktop clients, ending in .mcpb, and leave."),
    ] = None,
) -> None:
    """Answer chat clients (Claude Desktop, VS Code, Cursor) as an MCP server.

    Without options it speaks over stdin and stdout, which is what a client on this machine starts.
    """
    if not http and (host != "127.0.0.1" or port != 8765 or allow_host):
        raise QuestionError("--host, --port and --allow-host are about HTTP; add --http.")
    if sum((http, config, bundle is not None)) > 1:
        raise QuestionError("Choose one of --http, --config and --bundle.")
    if config:
        from app.mcp.bundle import client_configuration

        print_json(client_configuration())
    elif bundle is not None:
        _write(bundle)
    elif http:
        _over_http(host, port, allow_host or [])
    else:
        _over_stdio()


def _write(out: Path) -> None:
    from app.mcp.bundle import write_bundle

    if out.suffix != ".mcpb":
        raise QuestionError(f"A bundle ends in .mcpb; name it {out.with_suffix('.mcpb')}.")
    try:
        write_bundle(out)
    except OSError as error:
        raise KnockwiseError(
            f"{out} cannot be written ({error.strerror or error}); name another file."
        ) from error
    progress().print(f"Written; open it with a desktop client on this machine: {out}",
                     soft_wrap=True, markup=False)  # fmt: skip


def _over_stdio() -> None:
    from mcp.server.stdio import stdio_server

    from app.mcp.desk import Desk
    from app.mcp.server import build_server

    server = build_server(Desk(settings()))

    async def run() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    asyncio.run(run())


def _over_http(host: str, port: int, allowed: list[str]) -> None:
    from app.mcp.desk import Desk
    from app.mcp.web import address, bound, http_app, is_local, new_token, serve

    desk = Desk(settings())
    token = os.environ.get(TOKEN, "").strip()
    made = not token and not is_local(host)
    if made:
        token = new_token()
    sock = bound(host, port)
    console = progress()
    console.print(f"Listening on {address(host, sock)}; stop with Ctrl-C.", soft_wrap=True)
    if token:
        where = f"set {TOKEN} to choose it" if made else f"that of {TOKEN}"
        said = f"{token} ({where})" if made else where
        console.print(
            f"Clients present the header `Authorization: Bearer TOKEN`; the token is {said}.",
            soft_wrap=True,
            markup=False,
        )
    serve(desk, sock, http_app(desk, host, token, allowed))
