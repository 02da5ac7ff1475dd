"""The README's examples, run. KNOCKWISE_REFRESH=1 writes the transcripts anew."""

import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TEXT = README.read_text()
TRANSCRIPTS = re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", TEXT)
SHOWN = re.findall(
    r"^(knockwise [^#\n]*)", "".join(re.findall(r"```bash\n(.*?)```", TEXT, re.S)), re.M
)


def arguments(command):
    if command == "make ask":
        question = re.search(r"^Q \?= (.*)$", (ROOT / "Makefile").read_text(), re.M)[1]
        return ["ask", question]
    program, *rest = shlex.split(command)
    assert program == "knockwise"
    return rest


def told(command, monkeypatch):
    """What the command prints, without what differs from run to run."""
    monkeypatch.setenv("COLUMNS", "100")
    result = CliRunner().invoke(app, arguments(command))
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.output.splitlines()]
    text = "\n".join(lines).strip("\n") + "\n"
    text = re.sub(r"\b\d+\.\d s\b", "2.0 s", text)
    return re.sub(
        r"^run:\s(?:.|\n)*\Z", "run: ~/.local/share/knockwise/runs/...\n", text, flags=re.M
    )


def masked(text):
    """Text without what may differ: versions, last digits, and where lines break."""
    text = re.sub(r"\b[0-9a-f]{8,}\b", "HASH", re.sub(r"\d+\.\d+", "0.0", text))
    return " ".join(text.split())


@pytest.mark.parametrize(("command", "transcript"), TRANSCRIPTS, ids=[c for c, _ in TRANSCRIPTS])
def test_a_transcript_is_what_the_command_prints(command, transcript, monkeypatch):
    printed = told(command, monkeypatch)
    if os.environ.get("KNOCKWISE_REFRESH"):
        old = f"```console\n$ {command}\n{transcript}```"
        README.write_text(README.read_text().replace(old, f"```console\n$ {command}\n{printed}```"))
        return
    assert masked(transcript) == masked(printed), (
        "KNOCKWISE_REFRESH=1 pytest tests/app/test_readme.py"
    )


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_shown_has_the_options_it_is_shown_with(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    words = shlex.split(command)[1:]
    path = [word for word in words[:2] if re.fullmatch(r"[a-z]+", word)][
        : 2 if words[0] in ("data", "index", "eval") else 1
    ]
    text = CliRunner().invoke(app, [*path, "--help"]).output
    for option in re.findall(r"--[a-z-]+", command):
        assert option in text


def test_the_python_example_runs(capsys):
    code = re.search(r"```python\n(.*?)```", TEXT, re.S)[1]
    exec(compile(code, "README.md", "exec"), {})
    assert re.search(r"^LDLR down 0\.\d+$", capsys.readouterr().out, re.M)
