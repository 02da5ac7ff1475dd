"""Dockerfile and compose.yaml agree with what the command line and the project have."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from agent.llm.presets import presets
from agent.llm.serving import Plan
from agent.llm.serving import command as serve_command
from app.cli import app
from tests.app.compose import interpolated

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = ROOT / "compose.yaml"
SERVICES = yaml.safe_load(COMPOSE.read_text())["services"]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def options(command):
    help_text = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    return set(re.findall(r"--[a-z-]+", help_text))


def knockwise_commands():
    """Every `knockwise` command that a container starts."""
    yield yaml.safe_load(re.search(r"^CMD (.*)$", DOCKERFILE, re.M)[1])
    for name, service in SERVICES.items():
        if service.get("image") == "knockwise" and "command" in service:
            assert name
            yield service["command"]


def test_compose_is_what_the_compose_specification_allows():
    pytest.importorskip("check_jsonschema")
    words = ("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE))
    done = subprocess.run((sys.executable, *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_of_a_container_exists_with_its_options():
    for command in knockwise_commands():
        flags = {word for word in command if word.startswith("--")}
        assert flags <= options(command[0]), command


def test_the_extras_that_are_installed_are_declared():
    told = re.search(r"^ARG EXTRAS=(.*)$", DOCKERFILE, re.M)[1].split(",")
    for service in SERVICES.values():
        extras = service.get("build", {}).get("args", {}).get("EXTRAS", "")
        told += re.sub(r"\$\{\w+:-(.*)\}", r"\1", extras).split(",")
    assert {one for one in told if one} <= set(EXTRAS)


def test_what_is_copied_is_there_and_nobody_is_root():
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M):
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists()
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.M)[-1] not in ("root", "0")


def test_nothing_is_published_beyond_this_machine():
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_vllm_is_the_release_that_is_tested():
    (wanted,) = EXTRAS["serve"]
    release = SERVICES["llm"]["image"].rpartition(":v")[2]
    assert release.startswith(wanted.removeprefix("vllm==").removesuffix("*"))


def parsed(words):
    """Flags with their values; one without a value has None."""
    after = [*words[1:], "--"]
    return {
        word: None if after[n].startswith("--") else after[n]
        for n, word in enumerate(words)
        if word.startswith("--")
    }


@pytest.mark.parametrize("name", ["qwen3-8b", "gpt-oss-20b", "medgemma-27b", "llama3.1-8b"])
def test_vllm_in_its_container_is_started_as_knockwise_serve_starts_it(name):
    plan = Plan(name, python=Path("python"), host="0.0.0.0")
    served = serve_command(plan)
    flags = served[served.index("vllm") + 1 :]
    variables = {"KNOCKWISE_LLM__MODEL": presets()[name].model}
    if name != "qwen3-8b":  # the default
        variables["VLLM_FLAGS"] = shlex.join(flags)
    model, *words = shlex.split(interpolated(SERVICES["llm"]["command"], variables))
    assert model == presets()[name].model
    wanted = parsed(served)
    # The image takes the model as a word, and calls it by its name anyhow.
    assert wanted.pop("--model") == wanted.pop("--served-model-name") == model
    assert wanted.pop("--dtype") == "auto"
    assert parsed(words) == wanted
