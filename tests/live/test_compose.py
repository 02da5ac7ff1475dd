"""The words with which compose.yaml starts vLLM start one here, on the CPU."""

import os
import shlex
import subprocess
import time
import urllib.error
import urllib.request

import pytest
import yaml

from agent.llm.serving import free_port
from tests.app.compose import interpolated
from tests.live.conftest import ROOT, STOP_S
from tests.live.test_ask import ask

START_S = 400
# Our CPU has neither the memory nor the kernels of the card that the file is for.
HERE = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def composed_url(vllm_python, tiny_model, tmp_path):
    """The address of the tiny model, served as the service `llm` serves its own."""
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["llm"]
    words = shlex.split(
        interpolated(
            service["command"],
            {"KNOCKWISE_LLM__MODEL": str(tiny_model), "VLLM_MAX_MODEL_LEN": "8192"},
        )
    )
    port = str(free_port())
    words = [word if word != "8000" else port for word in words]
    told = {name: interpolated(value, {}) for name, value in service["environment"].items()}
    log = tmp_path / "vllm.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [vllm_python.with_name("vllm"), "serve", *words, "--enforce-eager"],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **told, **HERE},
            cwd=tmp_path,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url, log)
        yield f"{url}/v1"
    finally:
        process.terminate()
        process.wait(STOP_S)


def test_the_container_of_vllm_would_answer_the_container_of_knockwise(composed_url, tmp_path):
    answer = ask(tmp_path, "--reasoner", "llm", "--base-url", composed_url)
    assert "tiny-qwen3" in answer["reasoner"]
    assert answer["tokens"]["completion"] > 0
    assert answer["tokens"]["cached"] > 0  # it keeps beginnings, and says so


def _wait(process, url, log):
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    pytest.fail(f"vLLM does not start:\n{log.read_text()[-2000:]}")
