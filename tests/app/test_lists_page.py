"""The transcripts of docs/lists.md, run. KNOCKWISE_REFRESH=1 writes them anew."""

import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "lists.md"
TRANSCRIPTS = re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", PAGE.read_text(encoding="utf-8"))


def masked(text):
    """Text without last digits, and where lines break."""
    return " ".join(re.sub(r"\d+\.\d+", "0.0", text).split())


@pytest.mark.parametrize(("command", "transcript"), TRANSCRIPTS, ids=[c for c, _ in TRANSCRIPTS])
def test_a_transcript_is_what_the_command_prints(command, transcript, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path))
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    printed = "\n".join(lines).strip("\n") + "\n"
    if os.environ.get("KNOCKWISE_REFRESH"):
        old = f"```console\n$ {command}\n{transcript}```"
        text = PAGE.read_text(encoding="utf-8")
        new = text.replace(old, f"```console\n$ {command}\n{printed}```")
        PAGE.write_text(new, encoding="utf-8")
        return
    assert masked(transcript) == masked(printed)
