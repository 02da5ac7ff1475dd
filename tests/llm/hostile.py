"""The fixture `hostile`: a real server process that misbehaves on order.

from tests.llm.hostile import hostile  # noqa: F401

def test(hostile):
    hostile.behave({"kind": "status", "code": 503}, {"kind": "good"})
    ... hostile.url ... hostile.bodies ...

Kinds: good, drop, status (`code`), redirect (`to`), nonsense, truncated,
wrong_schema, endless, empty, say (`content`), call (`name`, `arguments`), bad_arguments,
unknown_tool, no_logprobs, picky (`refuses`: what is in the request -> what it says), raw (`body`,
`code`), drip, drip_headers, drip_list, huge and huge_list (`megabytes`). Any kind takes `seconds`
(to wait first), `tokens` (the probability of
each first token of the answer), `thoughts` (tokens before it), `models_code` (of the list of
models) and `only_v1`.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

SERVER = Path(__file__).with_name("hostile_server.py")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Hostile:
    """A server process; `behave` says how it answers from now on."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[dict]:
        """The chat requests since the last `behave`, in order."""
        return [request["body"] for request in self._told()["requests"]]

    @property
    def headers(self) -> list[dict]:
        return [request["headers"] for request in self._told()["requests"]]

    @property
    def most_at_once(self) -> int:
        return self._told()["most_at_once"]

    def behave(self, *behaviours: dict | str) -> None:
        """Answer so: the first ones are used up in order, the last one stays."""
        listed = [{"kind": one} if isinstance(one, str) else one for one in behaviours]
        self._send("POST", {"behaviours": listed})

    def start(self) -> None:
        """Start the process, on the port it had before."""
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(self.port)], stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """End the process as a crash would."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def restart(self, down_s: float) -> threading.Thread:
        """Kill the process now and start it again in a while; returns the thread that does."""
        self.kill()

        def later():
            time.sleep(down_s)
            self.start()

        thread = threading.Thread(target=later)
        thread.start()
        return thread

    def _told(self):
        return self._send("GET")

    def _send(self, method, value=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/control",
            data=json.dumps(value).encode() if value is not None else None,
            method=method,
        )
        with DIRECT.open(request, timeout=10) as reply:
            return json.load(reply)


@pytest.fixture
def hostile():
    """A server of its own for each test; starting it takes a tenth of a second."""
    server = Hostile()
    try:
        yield server
    finally:
        server.kill()
