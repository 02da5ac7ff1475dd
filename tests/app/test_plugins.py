"""What another package adds: tools, strategies, reasoners, sources, benchmarks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.session import Session
from agent.settings import Settings
from agent.strategies import load_strategy
from knowledge.errors import KnockwiseError
from knowledge.sources.registry import load_registry

ROOT = Path(__file__).parents[2]
MODULE = '''
from pathlib import Path

from agent.reasoners.evidence import EvidenceReasoner
from agent.strategies.core import STRATEGY
from knowledge.schema import Frozen
from pydantic import Field
from tools.base import Tool, ToolOutput

SOURCES = Path(__file__).with_name("mine.toml")


class GreetArgs(Frozen):
    """Greet a gene."""

    gene: str = Field(description="A gene")


def greet(knowledge, predictor):
    return Tool("greet", GreetArgs, lambda args: ToolOutput(text=f"Hello, {args.gene}."))


class Cautious(EvidenceReasoner):
    name = "cautious"


def cautious(settings):
    return Cautious("A reasoner of another package.")


def coin():
    """Score a coin."""
    print("one half")
'''
SOURCE = """
[[source]]
name = "my-edges"
group = "mine"
path = "mine/edges.tsv"
url = "https://example.org/edges.tsv"
format = "tsv"
version = "1"
licence = "CC0-1.0"
sha256 = "{sha}"
size_bytes = 10
"""
POINTS = """
[knockwise.tools]
greet = knock_plug:greet
[knockwise.strategies]
mine = knock_plug:STRATEGY
[knockwise.reasoners]
cautious = knock_plug:cautious
[knockwise.sources]
mine = knock_plug:SOURCES
[knockwise.benchmarks]
coin = knock_plug:coin
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package that is installed for the time of a test."""
    folder = tmp_path / "site"
    info = folder / "knock_plug-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: knock-plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (folder / "knock_plug.py").write_text(MODULE)
    (folder / "mine.toml").write_text(SOURCE.format(sha="0" * 64))
    monkeypatch.syspath_prepend(str(folder))
    load_registry.cache_clear()
    yield folder
    load_registry.cache_clear()
    sys.modules.pop("knock_plug", None)


async def ask(session, run_dir):
    return await session.ask("Knock out HSPA5 in K562: what happens to DDIT3?", run_dir=run_dir)


@pytest.mark.anyio
async def test_tools_reasoners_strategies_and_sources_come_with_a_package(package, tmp_path):
    session = Session.open(Settings(data=tmp_path, runs=tmp_path / "runs", reasoner="cautious"))
    found = session.context.toolbox.call("greet", '{"gene": "HSPA5"}')
    assert found.content == "Hello, HSPA5."
    answer = await ask(session, tmp_path / "run")
    assert answer.reasoner == "cautious"
    assert load_strategy("mine").name == "core"
    (source,) = load_registry().select(["mine"])
    assert source.name == "my-edges"


@pytest.fixture
def anyio_backend():
    return "asyncio"


def test_benchmarks_become_commands_of_eval(package):
    path = os.pathsep.join((str(ROOT), str(package)))
    done = subprocess.run(
        [sys.executable, "-m", "knockwise", "eval", "coin"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "one half\n"


def test_a_package_that_cannot_be_loaded_is_named(package, tmp_path):
    (package / "knock_plug.py").write_text("raise RuntimeError('no licence')")
    with pytest.raises(KnockwiseError, match=r"package knock-plug adds .*RuntimeError: no licence"):
        load_strategy("mine")


def test_an_unknown_reasoner_is_refused_with_those_there_are(knockwise, package):
    result = knockwise("ask", "--reasoner", "nobody", "Knock out HSPA5 in K562")
    assert result.exit_code == 2
    assert "choose one of auto, evidence, llm, cautious" in " ".join(result.stderr.split())
