"""What every request passes: the host it names, where it comes from, and how much it may bring."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIB = 1 << 20
# Files are parsed in a process of their own, and forms are a few words.
LARGEST = 32 * MIB
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_SAFE = {"GET", "HEAD"}


class Guard:
    """Refuses requests that name another host, come from another site, or bring too much.

    Args:
        app: What is guarded.
        hosts: Names under which the server may be reached, in lower case and without ports.
        largest: The most bytes that a request may bring.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], largest: int = LARGEST) -> None:
        self._app, self._hosts, self._largest = app, frozenset(hosts), largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refused = self._refusal(Headers(scope=scope), scope["method"])
        if refused is not None:
            status, why = refused
            await PlainTextResponse(why, status)(scope, receive, _sealed(send, scope["path"]))
            return
        await self._app(scope, self._bounded(receive), _sealed(send, scope["path"]))

    def _refusal(self, headers: Headers, method: str) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            return 421, f"This server is not called {host!r}.\n"
        if method in _SAFE:
            return None
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "This request comes from another site.\n"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "This request comes from another site.\n"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._largest:
            return 413, f"A file may have at most {self._largest // MIB} MB.\n"
        return None

    def _bounded(self, receive: Receive) -> Receive:
        """Count what comes in: a body sent in pieces does not say how long it is."""
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > self._largest:
                    return {"type": "http.disconnect"}
            return message

        return bounded


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port and in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _sealed(send: Send, path: str) -> Send:
    kept = "max-age=3600" if path.startswith("/static/") else "no-store"

    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["cache-control"] = kept
        await send(message)

    return sealed
