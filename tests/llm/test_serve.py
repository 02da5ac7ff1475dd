"""`knockwise serve`, as a process, with a stand-in for vLLM; the live tests serve a real one."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from agent.llm.presets import family_of, presets
from app.cli import app


@pytest.fixture
def knockwise():
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def python(tmp_path):
    """A Python in whose environment vLLM seems to be."""
    path = tmp_path / "python"
    fake = Path(__file__).with_name("fake_vllm.py")
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen3"}')
    return folder


@pytest.fixture
def start(python, model, tmp_path):
    """Run `knockwise serve` as a process; returns it, its first lines and its log."""
    running = []

    def run(mode="works", **variables):
        log = tmp_path / f"{mode}.log"
        process = subprocess.Popen(
            [Path(sys.executable).with_name("knockwise"), "serve", model, "--cpu",
             "--python", python, "--port", "0", "--log", log],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "FAKE_VLLM": mode, **variables},
        )  # fmt: skip
        running.append(process)
        return process, log

    yield run
    for process in running:
        process.kill()
        process.communicate()


def command(result):
    """The words of a dry run, without the environment."""
    assert result.exit_code == 0, result.output
    words = shlex.split(result.stdout)
    return [word for word in words if not re.match(r"[A-Z_]+=", word)]


def flag(words, name):
    return words[words.index(name) + 1]


def test_a_preset_is_a_command_line_one_can_read(knockwise):
    words = command(knockwise("serve", "qwen3-8b", "--dry-run"))
    assert words[1:3] == ["-m", "vllm.entrypoints.openai.api_server"]
    assert flag(words, "--model") == "Qwen/Qwen3-8B"
    assert flag(words, "--host") == "127.0.0.1"
    assert flag(words, "--tool-call-parser") == "hermes"
    assert flag(words, "--reasoning-parser") == "qwen3"
    structured = json.loads(flag(words, "--structured-outputs-config"))
    assert structured == {"backend": "xgrammar", "disable_any_whitespace": True}
    assert {"--enable-prefix-caching", "--enable-prompt-tokens-details"} <= set(words)
    assert "--tensor-parallel-size" not in words


def test_sizes_and_flags_for_vllm_are_passed_on(knockwise):
    words = command(
        knockwise(
            "serve", "llama3.3-70b", "--dry-run", "--data-parallel", "2", "--context-length",
            "8192", "--", "--quantization", "fp8",
        )
    )  # fmt: skip
    assert flag(words, "--tensor-parallel-size") == "4"
    assert flag(words, "--data-parallel-size") == "2"
    assert flag(words, "--max-model-len") == "8192"
    assert words[-2:] == ["--quantization", "fp8"]
    again = command(knockwise("serve", "llama3.3-70b", "--dry-run", "--tensor-parallel", "2"))
    assert flag(again, "--tensor-parallel-size") == "2"


def test_a_folder_is_served_under_its_name_with_the_parsers_of_its_kind(knockwise, model):
    words = command(knockwise("serve", str(model), "--dry-run", "--cpu"))
    assert flag(words, "--model") == str(model)
    assert flag(words, "--max-model-len") == "16384"
    assert flag(words, "--served-model-name") == "my-model"
    assert flag(words, "--tool-call-parser") == "hermes"
    assert "--enforce-eager" in words


@pytest.mark.parametrize(
    ("model", "parser", "reasoning"),
    [
        ("Qwen/Qwen3-14B", "hermes", "qwen3"),
        ("Qwen/Qwen3-4B-Instruct-2507", "hermes", ""),
        ("openai/gpt-oss-120b", "openai", "openai_gptoss"),
        ("meta-llama/Llama-3.2-3B-Instruct", "llama3_json", ""),
        ("google/medgemma-27b-text-it", "", ""),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral", ""),
        ("Qwen/Qwen2.5-7B-Instruct", "hermes", ""),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_xml", ""),
        ("Qwen/Qwen3.6-27B", "qwen3_xml", "qwen3"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "hermes", ""),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "", "deepseek_r1"),
        ("google/gemma-4-31B-it", "gemma4", "gemma4"),
    ],
)
def test_the_family_of_a_model_says_how_it_is_read(model, parser, reasoning):
    family = family_of(model)
    assert (family.tool_parser, family.reasoning_parser) == (parser, reasoning)


def test_a_model_of_no_known_family_is_served_without_tools(knockwise):
    words = command(knockwise("serve", "someone/Something-7B", "--dry-run"))
    assert "--enable-auto-tool-choice" not in words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "knockwise serve qwen3-8b"),
        (["qwen4"], "the presets are qwen3-0.6b"),
        (["./not-there"], "is no folder"),
    ],
)
def test_what_cannot_be_served_is_named(knockwise, words, told):
    result = knockwise("serve", *words)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("mode", "words", "told"),
    [
        ("none", ["--cpu"], "pip install 'vllm==0.32.*'"),
        ("works", [], "without GPU support; add `--cpu`"),
        ("gpu", ["--cpu"], "leave out `--cpu`"),
        ("gpu", [], "No NVIDIA GPU"),
    ],
)
def test_a_missing_or_unfit_vllm_is_explained_in_a_sentence(
    knockwise, python, model, monkeypatch, mode, words, told
):
    monkeypatch.setenv("FAKE_VLLM", mode)
    monkeypatch.setenv("PATH", "/nowhere:/bin")  # no nvidia-smi
    result = knockwise("serve", str(model), "--python", str(python), *words)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


def test_a_python_that_is_none_is_named(knockwise, model, tmp_path):
    result = knockwise("serve", str(model), "--python", str(tmp_path / "nothing"))
    assert result.exit_code == 2
    assert "--python" in result.stderr


def test_a_port_that_is_taken_is_named(knockwise, python, model):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = knockwise("serve", str(model), "--cpu", "--python", str(python), "--port", port)
    assert result.exit_code == 2
    assert "choose another with `--port`" in " ".join(result.stderr.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_what_to_set_and_stops_with_everything_it_started(start, number):
    process, log = start(KNOCKWISE_LLM__API_KEY="secret", HF_HUB_OFFLINE="")
    base_url, name = process.stdout.readline(), process.stdout.readline()
    assert re.fullmatch(r"export KNOCKWISE_LLM__BASE_URL=http://127\.0\.0\.1:\d+/v1\n", base_url)
    assert name == "export KNOCKWISE_LLM__MODEL=my-model\n"
    told = dict(re.findall(r"^(\w+)=(.*)$", log.read_text(), re.MULTILINE))
    worker = int(told.pop("worker"))
    assert told == {"key": "secret", "kv": "4", "silent": "1", "offline": "1"}
    assert _runs(worker)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Stopped." in stderr
    assert not _runs(worker)


def test_a_second_ctrl_c_ends_what_does_not_stop(start):
    process, log = start("stuck")
    while not (log.exists() and "stuck" in log.read_text()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0
    told = log.read_text()
    assert not _runs(int(re.search(r"worker=(\d+)", told)[1]))


@pytest.mark.parametrize(
    ("mode", "told"),
    [("crash", "the model wants more memory than there is"), ("dies", "ended with code 3")],
)
def test_a_vllm_that_ends_is_quoted_and_leaves_nothing_behind(start, mode, told):
    process, log = start(mode)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 2
    assert told in stderr
    assert str(log) in stderr
    assert not _runs(int(re.search(r"worker=(\d+)", log.read_text())[1]))


def test_the_presets_are_listed_with_what_they_need(knockwise):
    listed = knockwise("serve", "--list").stdout
    for name, preset in presets().items():
        assert name in listed
        assert preset.model in listed


def _runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
