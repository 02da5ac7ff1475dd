"""The MCP server over HTTP: this machine only by default, with a token beyond it.

A page that a browser has open may send requests to any address of this machine, so the Host and
Origin headers are checked; and whoever listens beyond this machine must present a token.
"""

import hmac
import secrets
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from knowledge.errors import KnockwiseError

if TYPE_CHECKING:
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.mcp.desk import Desk

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PATH = "/mcp"


def is_local(host: str) -> bool:
    """Return whether nobody but this machine can reach an address."""
    return host in LOOPBACK or host.startswith("127.")


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


class RequireToken:
    """Lets requests through that present the token, `Authorization: Bearer TOKEN`."""

    def __init__(self, app: "ASGIApp", token: str) -> None:
        self._app, self._wanted = app, f"Bearer {token}".encode()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer 401 to whoever has no token."""
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._wanted):
                from starlette.responses import PlainTextResponse

                refused = PlainTextResponse(
                    "Present the token: Authorization: Bearer TOKEN.",
                    status_code=401,
                    headers={"WWW-Authenticate": "Bearer"},
                )
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)


def http_app(desk: "Desk", host: str, token: str, allowed: Sequence[str] = ()) -> "ASGIApp":
    """Return the server as an ASGI application; an empty token asks for none.

    Args:
        desk: What answers.
        host: The address it will listen on.
        token: What every request must present.
        allowed: Further names by which clients may call this machine.
    """
    from app.mcp.server import build_server

    app = build_server(desk).streamable_http_app(
        streamable_http_path=PATH, host=host, transport_security=_security(host, allowed)
    )
    return RequireToken(app, token) if token else app


def serve(desk: "Desk", sock: socket.socket, app: "ASGIApp") -> None:
    """Answer requests on a bound socket until interrupted."""
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[sock])


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 chooses a free one.

    Raises:
        KnockwiseError: The address is taken, or is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)  # so that whoever read the address can connect, also before we answer
    except OSError as error:
        sock.close()
        raise KnockwiseError(
            f"Nothing can listen on {host} port {port} ({error.strerror or error}); "
            "choose another --port, or 0 for a free one."
        ) from None
    return sock


def address(host: str, sock: socket.socket) -> str:
    """Return the URL that clients are given."""
    port = sock.getsockname()[1]
    name = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}{PATH}"


def _security(host: str, allowed: Sequence[str]) -> "TransportSecuritySettings":
    from mcp.server.transport_security import TransportSecuritySettings

    names = [*LOOPBACK[:2], "[::1]", *allowed]
    if not is_local(host):
        names += [socket.gethostname(), socket.getfqdn(), f"[{host}]" if ":" in host else host]
    return TransportSecuritySettings(
        allowed_hosts=[spelling for name in names for spelling in (name, f"{name}:*")],
        allowed_origins=[
            f"{scheme}://{spelling}"
            for name in names
            for scheme in ("http", "https")
            for spelling in (name, f"{name}:*")
        ],
    )
