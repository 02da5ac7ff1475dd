"""One address in front of several servers, each of which is asked in turn."""

import http.client
import itertools
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def round_robin(urls: Sequence[str]) -> Iterator[tuple[str, Counter[str]]]:
    """Listen while the block runs; yields the address, and how often which server was asked."""
    turn = itertools.cycle(urls)
    asked: Counter[str] = Counter()
    lock = threading.Lock()

    class Front(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with lock:
                url = next(turn)
                asked[url] += 1
            self._hand_on(url)

        def do_GET(self) -> None:
            self._hand_on(urls[0])

        def _hand_on(self, url: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
            headers = {"Content-Type": "application/json"}
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            told = reply.read()
            connection.close()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()
