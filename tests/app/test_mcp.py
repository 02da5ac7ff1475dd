"""The MCP server, by the official client: over stdio, over HTTP, and in this process."""

import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import anyio
import httpx2
import pytest

pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from agent.settings import Settings
from app.accuracy import SUBJECTS, accuracy
from app.mcp.calls import CALLS
from app.mcp.desk import Desk
from app.mcp.server import build_server
from evals.harness.page import Record

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3?"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desk whose session is opened once for all tests of this file."""
    home = tmp_path_factory.mktemp("desk")
    return Desk(Settings(data=home / "data", runs=home / "runs"))


def text_of(result):
    (content,) = result.content
    return content.text


def record_of(result):
    assert not result.is_error, text_of(result)
    (block,) = re.findall(r"^```json\n(.*?)\n```$", text_of(result), re.DOTALL | re.MULTILINE)
    return json.loads(block)


def environment():
    keep = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    ours = {name: value for name, value in os.environ.items() if name.startswith("KNOCKWISE_")}
    return {**keep, **ours, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def stdio():
    return StdioServerParameters(
        command=sys.executable, args=["-m", "knockwise", "mcp"], env=environment()
    )


@pytest.fixture
def serve():
    """Start `knockwise mcp --http` and return its address and what it said."""
    started = []

    def start(*options, **more):
        process = subprocess.Popen(
            [sys.executable, "-m", "knockwise", "mcp", "--http", "--port", "0", *options],
            env={**environment(), **more},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        said = []
        for line in process.stderr:
            said.append(line)
            if "Listening" in line and "--host" not in options:
                break
            if "token is" in line:
                break
        threading.Thread(target=process.stderr.read, daemon=True).start()
        told = "".join(said)
        return re.search(r"http://\S+/mcp", told)[0], told

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
        process.stderr.close()


async def test_a_session_over_stdio_lists_asks_reads_and_cancels(stdio):
    steps = []

    async def told(progress, total, message):
        steps.append(message)

    async with Client(stdio) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"ask", "read", "predict", "cascade", "express", "phenotype", "gene"} <= set(tools)
        answer = record_of(
            await client.call_tool("ask", {"question": QUESTION}, progress_callback=told)
        )
        assert answer["rows"][0]["gene"] == "DDIT3"
        assert answer["rows"][0]["call"] == "up"
        assert any(step.startswith("verify: ") for step in steps)
        with anyio.move_on_after(0.2) as scope:
            await client.call_tool("ask", {"question": "Which genes change when GATA1 is lost?"})
        assert scope.cancelled_caught
        after = await client.call_tool("read", {"question": QUESTION})
        assert record_of(after)["answered"]


async def test_the_same_session_works_over_http(serve):
    url, _ = serve()
    async with Client(url) as client:
        answer = record_of(await client.call_tool("ask", {"question": QUESTION}))
        path = await client.call_tool("cascade", {"perturbation": ["BiP"], "readout": "CHOP"})
        assert record_of(path)["rows"][0]["gene"] == "DDIT3"
        report = await client.read_resource(answer["report"])
        assert "HSPA5" in report.contents[0].text
        with anyio.move_on_after(0.2) as scope:
            await client.call_tool("ask", {"question": "Which genes change when GATA1 is lost?"})
        assert scope.cancelled_caught
        assert not (await client.call_tool("read", {"question": QUESTION})).is_error


async def test_http_refuses_other_hosts_origins_and_huge_bodies(serve):
    url, _ = serve()
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(headers=headers) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        assert (
            await http.post(url, json=body, headers={"host": "evil.example"})
        ).status_code == 421
        other = await http.post(url, json=body, headers={"origin": "https://evil.example"})
        assert other.status_code == 403
        assert (await http.post(url, content=b" " * 5_000_000)).status_code == 413
        assert (await http.post(url, content=b"{broken")).status_code == 400


async def test_beyond_this_machine_a_token_is_wanted(serve):
    url, said = serve("--host", "0.0.0.0", KNOCKWISE_MCP_TOKEN="s3cret")
    assert "s3cret" not in said
    local = re.sub(r"//[^:/]+", "//127.0.0.1", url)
    async with httpx2.AsyncClient() as http:
        assert (await http.post(local, json={})).status_code == 401
        wrong = await http.post(local, json={}, headers={"authorization": "Bearer s3cre"})
        assert wrong.status_code == 401
    async with (
        httpx2.AsyncClient(headers={"authorization": "Bearer s3cret"}) as http,
        Client(streamable_http_client(local, http_client=http)) as client,
    ):
        assert (await client.list_tools()).tools


async def test_beyond_this_machine_a_token_is_made_up_if_none_is_set(serve):
    _, said = serve("--host", "0.0.0.0")
    assert re.search(r"token is [\w-]{40,}", " ".join(said.split()))


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("nope", {}, "There is no tool 'nope'; there are ask,"),
        ("predict", {}, "perturbation of predict is missing"),
        ("predict", {"perturbation": []}, "perturbation of predict is empty"),
        ("predict", {"perturbation": ["HSPA5"], "gnee": 1}, "gnee is no argument of predict"),
        ("predict", {"perturbation": ["NOTAGENE"]}, "'NOTAGENE' is no human gene"),
        ("predict", {"perturbation": ["HSPA5"], "kind": "x"}, "kind of predict is wrong"),
        ("predict", {"perturbation": ["HSPA5"], "cell_line": "MCF7"}, "MCF7"),
        ("ask", {"question": "x" * 100_000}, "question of ask is longer than 4,000 characters"),
        (
            "ask",
            {"question": "and in RPE1?", "follow": "../../etc"},
            "There is no run of that name",
        ),
        ("express", {"perturbation": ["STAT1"], "context": "nowhere"}, "nowhere"),
        ("find", {}, "Give find readouts"),
        ("plan", {"goal": "cover"}, "Give plan readouts"),
        ("compare", {"perturbations": ["HSPA5"]}, "two things to compare"),
        ("who", {"changed": ["/etc/passwd"]}, "gene"),
        ("explain", {"changed": "README.md", "perturbation": "HSPA5"}, "gene"),
    ],
)
async def test_a_mistake_is_one_sentence(desk, name, arguments, sentence):
    async with Client(build_server(desk)) as client:
        result = await client.call_tool(name, arguments)
        assert result.is_error
        assert sentence in text_of(result)
        assert "\n" not in text_of(result)
        assert "xxxx" not in text_of(result)


async def test_no_client_reads_a_file_through_a_resource(desk, tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    async with Client(build_server(desk)) as client:
        for uri in (
            f"knockwise://runs/{tmp_path}/report",
            "knockwise://runs/../../etc/report",
            "knockwise://runs/..",
            "knockwise://runs/%2e%2e/effects",
            "file:///etc/passwd",
        ):
            with pytest.raises(MCPError, match=r"There is no (run|such resource)"):
                await client.read_resource(uri)


async def test_tools_say_how_often_they_are_right_in_the_scoreboards_figures(desk):
    async with Client(build_server(desk)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    for sentence in (*accuracy("effects"), *accuracy("cascade")):
        assert sentence in tools["ask"].description
    fused = Record.read(ROOT / "evals" / "results" / "fused.json").results.scores
    at = {"setting": "strict", "task": "de", "cell_line": "mean", "measure": "auroc"}
    one = fused.plain.find(predictor="fused answer", **at)
    assert f"{one.value.value:.0%} where no screen" in tools["predict"].description
    assert all("Limits: " in tool.description for tool in tools.values())
    assert {subject for call in CALLS for subject in call.subjects} == set(SUBJECTS)


async def test_answers_are_markdown_and_one_bounded_json_block(desk):
    async with Client(build_server(desk)) as client:
        every = await client.call_tool("predict", {"perturbation": ["HSPA5"], "top": 1000})
        record = record_of(every)
        assert len(record["rows"]) == 1000 < record["rows_in_all"]
        assert text_of(every).count("```") == 2
        assert "**Next**" in text_of(every)
        for name, arguments in (
            ("express", {}),
            ("express", {"perturbation": ["STAT1", "IRF1"], "context": "papalexi"}),
            ("phenotype", {"gene": "FGFR3"}),
            ("gene", {"gene": "BiP", "cell_line": "K562"}),
            ("explain", {"changed": "DDIT3+, HERPUD1+", "perturbation": ["HSPA5"]}),
            ("who", {"changed": ["DDIT3+", "HERPUD1+", "DNAJB9+"], "top": 3}),
            ("find", {"readouts": ["LDLR"], "direction": "down", "cell_line": "HepG2"}),
            ("find", {"like": "HSPA5", "top": 3}),
            ("compare", {"perturbations": ["SCAP", "INSIG1"], "cell_lines": ["HepG2"]}),
            ("plan", {"goal": "modifiers", "readouts": ["LDLR"], "budget": 4}),
            ("ask", {"question": "Which knockdowns would lower LDLR in HepG2?"}),
            ("ask", {"question": "MDM2 vs MDM4 loss in RPE1, which one raises CDKN1A more?"}),
            ("ask", {"question": "is RPL11 essential in Jurkat?"}),
        ):
            assert record_of(await client.call_tool(name, arguments))["schema"], name


@pytest.mark.parametrize("genes", [["CHOP", "ATF4"], '["CHOP", "ATF4"]', "CHOP, ATF4", "CHOP+ATF4"])
async def test_lists_may_come_as_one_string(desk, genes):
    async with Client(build_server(desk)) as client:
        asked = {"perturbation": "HSPA5", "readouts": genes}
        rows = record_of(await client.call_tool("predict", asked))["rows"]
        assert [row["gene"] for row in rows] == ["DDIT3", "ATF4"]


async def test_a_follow_up_is_asked_by_the_name_of_a_run(desk):
    async with Client(build_server(desk)) as client:
        first = record_of(await client.call_tool("ask", {"question": QUESTION}))
        second = await client.call_tool("ask", {"question": "and in RPE1?", "follow": first["run"]})
        assert record_of(second)["question"]["perturbation"]["cell_line"] == "RPE1"


async def test_runs_status_and_accuracy_can_be_read(desk):
    async with Client(build_server(desk)) as client:
        record_of(await client.call_tool("ask", {"question": QUESTION}))
        listed = [str(one.uri) for one in (await client.list_resources()).resources]
        assert {"knockwise://runs", "knockwise://status", "knockwise://accuracy"} <= set(listed)
        for uri in listed:
            assert (await client.read_resource(uri)).contents[0].text
        effects = await client.read_resource("knockwise://runs/latest/effects")
        assert effects.contents[0].mime_type == "text/csv"


async def test_prompts_are_filled_in(desk):
    async with Client(build_server(desk)) as client:
        prompts = (await client.list_prompts()).prompts
        for prompt in prompts:
            given = {one.name: "HSPA5" for one in prompt.arguments}
            filled = await client.get_prompt(prompt.name, given)
            assert "HSPA5" in filled.messages[0].content.text
        with pytest.raises(MCPError, match="needs claim"):
            await client.get_prompt("check_claim", {})


async def test_the_older_handshake_works_too(desk):
    async with Client(build_server(desk), mode="legacy") as client:
        assert record_of(await client.call_tool("read", {"question": QUESTION}))["answered"]


def test_the_bundle_starts_this_installation(knockwise, tmp_path):
    out = tmp_path / "knockwise.mcpb"
    assert knockwise("mcp", "--bundle", out).exit_code == 0
    with zipfile.ZipFile(out) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        bundle.extractall(tmp_path / "bundle")
    server = manifest["server"]["mcp_config"]
    assert [one["name"] for one in manifest["tools"]] == [call.name for call in CALLS]
    main = server["args"][0].replace("${__dirname}", str(tmp_path / "bundle"))

    async def session():
        started = StdioServerParameters(
            command=server["command"], args=[main, *server["args"][1:]], env=environment()
        )
        async with Client(started) as client:
            return (await client.list_tools()).tools

    assert anyio.run(session)


def test_what_a_client_is_configured_with_is_printed(knockwise):
    server = json.loads(knockwise("mcp", "--config").stdout)["mcpServers"]["knockwise"]
    assert server["args"][-1] == "mcp"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "9"], "add --http"),
        (["--config", "--http"], "Choose one of"),
        (["--bundle", "x.zip"], "ends in .mcpb"),
    ],
)
def test_options_that_do_not_fit_are_refused(knockwise, options, sentence):
    result = knockwise("mcp", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
