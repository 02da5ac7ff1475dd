"""No call ever leaves for an address that the user did not configure."""

import http.server
import json
import socket
import threading

import pytest
from langchain_core.tracers.langchain import wait_for_all_tracers

from agent.llm.errors import LLMError
from agent.llm.open import open_chat
from agent.llm.openai_chat import OpenAIChat
from agent.llm.probe import reachable
from agent.session import Session
from agent.settings import LLMSettings, Settings

pytestmark = pytest.mark.anyio
SECRET = "sk-of-another-house"


@pytest.fixture
def trap():
    """A server that nobody configured; what arrives there is a leak."""
    arrived = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _arrive(self):
            arrived.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST = do_CONNECT = _arrive

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def lured(trap, monkeypatch):
    """Every variable that clients take an address or a secret from points into the trap."""
    url, arrived = trap
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, url)
        monkeypatch.setenv(name.upper(), url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", SECRET)
    monkeypatch.setenv("OPENAI_ORG_ID", SECRET)
    monkeypatch.setenv("OPENAI_PROJECT_ID", SECRET)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Secret: {SECRET}")
    return arrived


@pytest.fixture
def no_sockets(monkeypatch):
    """Any attempt to connect is counted and fails."""
    tried = []

    def refuse(self, address):
        tried.append(address)
        raise AssertionError(f"a connection to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    return tried


async def test_without_an_address_nobody_is_asked(lured, no_sockets, tmp_path):
    assert await reachable(LLMSettings()) is None
    with pytest.raises(LLMError, match="KNOCKWISE_LLM__BASE_URL"):
        OpenAIChat(LLMSettings())
    with pytest.raises(LLMError, match="No LLM endpoint is configured"):
        async with open_chat(Settings(data=tmp_path)):
            pass
    assert no_sockets == []
    assert lured == []


async def test_everything_goes_to_the_configured_address_whatever_the_environment_says(
    lured, hostile, at, ask
):
    async with OpenAIChat(at(hostile.url)) as chat:
        await chat.complete(ask)
        await chat.choose(ask, ["yes", "no"])
    assert lured == []
    assert len(hostile.bodies) == 2


async def test_no_secret_of_the_environment_and_nothing_about_the_machine_is_sent(
    lured, hostile, at, ask
):
    async with OpenAIChat(at(hostile.url, api_key="ours")) as chat:
        await chat.complete(ask)
    (headers,) = hostile.headers
    assert SECRET not in json.dumps(headers)
    assert headers["authorization"] == "Bearer ours"
    assert set(headers) <= {
        "accept", "accept-encoding", "authorization", "connection", "content-length",
        "content-type", "host", "user-agent",
    }  # fmt: skip


async def test_an_empty_key_does_not_fall_back_to_the_environment(lured, hostile, at, ask):
    async with OpenAIChat(at(hostile.url, api_key="")) as chat:
        await chat.complete(ask)
    assert hostile.headers[0]["authorization"] == "Bearer EMPTY"


async def test_a_redirect_is_not_followed(trap, hostile, at, ask):
    url, arrived = trap
    async with OpenAIChat(at(hostile.url)) as chat:
        hostile.behave({"kind": "redirect", "to": f"{url}/v1/chat/completions"})
        with pytest.raises(LLMError, match="redirects to"):
            await chat.complete(ask)
    assert arrived == []


@pytest.mark.parametrize("url", ["ftp://somewhere/v1", "127.0.0.1:8000", "http://[nonsense"])
async def test_what_is_no_address_is_named(url):
    with pytest.raises(LLMError, match="KNOCKWISE_LLM__BASE_URL"):
        OpenAIChat(LLMSettings(base_url=url))


async def test_a_run_is_not_sent_to_the_makers_of_the_graph(trap, monkeypatch, tmp_path):
    url, arrived = trap
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGCHAIN_TRACING_V2", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", url)
    monkeypatch.setenv("LANGSMITH_API_KEY", SECRET)
    session = Session.open(Settings(data=tmp_path, runs=tmp_path / "runs"))
    answer = await session.ask("MDM2 knockout in RPE1: CDKN1A?")
    wait_for_all_tracers()
    assert answer.effects
    assert arrived == []
