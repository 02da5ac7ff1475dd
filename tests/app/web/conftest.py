"""A server with a real session, opened once, and people who talk to it."""

import dataclasses
import re
import threading
import time

import pytest

fastapi = pytest.importorskip("fastapi")

from starlette.testclient import TestClient  # noqa: E402

from agent.session import Session  # noqa: E402
from agent.settings import Settings  # noqa: E402
from app.web.server import create_app  # noqa: E402

ADDRESS = "http://127.0.0.1:8642"
QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?"


@pytest.fixture(scope="session")
def opened(tmp_path_factory):
    """Knowledge and models of a fresh clone."""
    home = tmp_path_factory.mktemp("web")
    return Session.open(Settings(data=home / "data", runs=home / "runs", reasoner="evidence"))


@pytest.fixture
def house(tmp_path):
    return Settings(data=tmp_path / "data", runs=tmp_path / "runs", reasoner="evidence")


@pytest.fixture
def serve(house, opened):
    """Start a server over the folder of this test; it may be started again."""
    running = []

    def start(session=None, **more):
        own = session or dataclasses.replace(opened, settings=house)
        app = create_app(house, opened=lambda: own, **more)
        client = TestClient(app, base_url=ADDRESS, raise_server_exceptions=False)
        client.__enter__()
        running.append(client)
        return Visitor(client)

    yield start
    for client in running:
        client.__exit__(None, None, None)


@pytest.fixture
def visitor(serve):
    return serve()


class Visitor:
    """Somebody with a browser: keeps cookies, and sends back the pledge of the last page."""

    def __init__(self, client):
        self.client = client
        self.cookies = {}

    def get(self, address, **more):
        return self._sent("GET", address, **more)

    def post(self, address, data=None, pledge=None, **more):
        if pledge is None:
            pledge = re.search(r'name="pledge" content="(\w*)"', self.get("/").text)[1]
        return self._sent("POST", address, data={"pledge": pledge, **(data or {})}, **more)

    def _sent(self, method, address, **more):
        headers = {**more.pop("headers", {})}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        self.client.cookies.clear()
        follow = more.pop("follow_redirects", False)
        answer = self.client.request(
            method, address, headers=headers, follow_redirects=follow, **more
        )
        self.cookies |= dict(answer.cookies)
        return answer

    def entered(self, word):
        """Come in as somebody of one's own."""
        other = Visitor(self.client)
        answer = other._sent("POST", "/enter", data={"token": word})
        assert answer.status_code == 200
        return other

    def answered_status(self):
        """Wait until everything is loaded, and return the page of the status."""
        self.get("/?q=HSPA5+knockout+in+K562")
        return self.get("/status").text

    def ask(self, text=QUESTION, **more):
        """Ask, and return the address of the run."""
        answer = self.post("/ask", {"text": text, **more})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def answered(self, address, within_s=60):
        """Wait until a run is answered, and return its page."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            page = self.get(address).text
            if "answer-head" in page or "trouble" in page:
                return page
            time.sleep(0.05)
        raise AssertionError(f"{address} was not answered in {within_s} s")


class SlowSession:
    """A session that waits at the door of each run until it is let in."""

    def __init__(self, session):
        self._session = session
        self.gate = threading.Event()
        self.resumed = []

    def __getattr__(self, name):
        return getattr(self._session, name)

    async def resume(self, folder, on_event=None):
        import asyncio

        self.resumed.append(folder.name)
        while not self.gate.is_set():
            await asyncio.sleep(0.01)
        return await self._session.resume(folder, on_event)


@pytest.fixture
def slow(opened, house):
    return SlowSession(dataclasses.replace(opened, settings=house))
