"""A mirror of a dozen genes in the upstream formats, and a web server that misbehaves on demand."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


class FlakyServer(ThreadingHTTPServer):
    """Serves a folder, with ranges, and keeps a log of what was asked.

    `faults` are spent one per request: "cut" sends half and hangs up, "corrupt" changes a byte,
    "busy" answers 503. `ranges` and `validators` switch those features off.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.faults: list[str] = []
        self.log: list[tuple[str, str | None]] = []
        self.ranges = True
        self.validators = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FlakyServer

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.log.append((self.path, wanted))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        path = self.server.folder / self.path.lstrip("/")
        if fault == "busy":
            self.send_error(503)
            return
        if not path.is_file():
            self.send_error(404)
            return
        whole = path.read_bytes()
        tag = f'"{hash(whole)}"'
        vouched = self.headers.get("If-Range", tag) == tag
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if not (self.server.ranges and vouched):
            start = 0
        if start >= len(whole):
            self.send_error(416)
            return
        body = whole[start:]
        if fault == "corrupt":
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if self.server.validators:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FlakyServer]:
    folder = tmp_path / "www"
    folder.mkdir()
    with FlakyServer(folder) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield httpd
        httpd.shutdown()
        thread.join()
