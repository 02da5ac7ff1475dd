"""`knockwise web`: ask, look at answers, genes, lists and runs in a browser."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from app.show.terminal import progress, results, settings
from knowledge.errors import KnockwiseError

if TYPE_CHECKING:
    import socket

LOCAL = ("127.0.0.1", "localhost", "::1")
WILDCARDS = ("0.0.0.0", "::", "")


def web(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8642,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A further name by which people reach this machine; repeat for several."),
    ] = None,
    token: Annotated[
        bool,
        typer.Option(
            "--token",
            help="Ask for a token on this machine too; other machines are always asked.",
        ),
    ] = False,
    browser: Annotated[
        bool, typer.Option(help="Open the page in a browser.", show_default=True)
    ] = True,
) -> None:
    """Ask in a browser: everything is answered on this machine, and nothing is sent elsewhere."""
    import uvicorn

    from app.web.people import invitation_of
    from app.web.server import create_app

    chosen = settings()
    private = host in LOCAL
    invitation = None if private and not token else invitation_of(chosen.runs)
    app = create_app(chosen, _hosts(host, name or ()), invitation)
    shown = "127.0.0.1" if host in WILDCARDS else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/"
    sock = _listening(host, port)
    results().print(f"Knockwise answers at {address}", soft_wrap=True, highlight=False)
    if invitation is not None:
        said = f"People enter this token there: {invitation}"
        results().print(said, soft_wrap=True, highlight=False)
    progress().print("Ctrl-C stops it; unfinished runs go on when it starts again.", style="dim")
    if browser and private:
        _open_later(address)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
    )
    # The server has ended in order when it hands the interruption on.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[sock])


def _hosts(host: str, names: "list[str] | tuple[str, ...]") -> set[str]:
    """Return the names under which the server may be reached."""
    import socket

    found = {"127.0.0.1", "localhost", "[::1]", *(one.lower() for one in names)}
    if host in LOCAL:
        return found
    own = socket.gethostname()
    found |= {own.lower(), socket.getfqdn().lower(), f"[{host}]" if ":" in host else host.lower()}
    if host in WILDCARDS:
        # A machine without a name of its own is reached by --name.
        with suppress(OSError):
            addresses = {str(one[4][0]) for one in socket.getaddrinfo(own, None)}
            found |= {f"[{one}]" if ":" in one else one for one in addresses}
    return found


def _listening(host: str, port: int) -> "socket.socket":
    """Return a socket that listens.

    Raises:
        KnockwiseError: The port is taken, or the address is none of this machine's.
    """
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise KnockwiseError(
            f"Nothing can listen at {host}:{port} ({error.strerror}); choose another --port or "
            "--host."
        ) from error
    return sock


def _open_later(address: str) -> None:
    """Open a browser where there is a screen; without one nothing happens."""
    import os
    import sys
    import threading
    import webbrowser

    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return
    threading.Timer(1.0, webbrowser.open, [address]).start()
