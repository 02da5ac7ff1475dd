"""Dockerfile and compose.yaml agree with what the command line and the project have."""

import re
import shlex
import tomllib
from pathlib import Path

import yaml
from typer.testing import CliRunner

from app.cli import app

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
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
