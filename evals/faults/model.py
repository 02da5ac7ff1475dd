"""A language model that says one thing, so that what is sent to it is made up and read."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODELS = {"data": [{"id": "mute", "owned_by": "vllm", "max_model_len": 8192}]}
TOKEN = {"token": "yes", "logprob": -0.1}
SAID = {
    "choices": [
        {
            "message": {"content": "{}"},
            "finish_reason": "stop",
            "logprobs": {"content": [{**TOKEN, "top_logprobs": [TOKEN]}]},
        }
    ]
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """List the model."""
        self._reply(MODELS)

    def do_POST(self) -> None:
        """Say it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._reply(SAID)

    def _reply(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def mute_model() -> Generator[str]:
    """Yield the address of a server whose model answers everything with `{}`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
