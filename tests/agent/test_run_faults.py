"""Run folders that something happened to: one sentence, or the right answer."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.run import new_run_dir
from app.cli import app
from tests.app.refusal import answer_in, one_sentence

QUESTION = "Knock out HSPA5 in K562: DDIT3?"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A finished run, as a folder to copy."""
    folder = tmp_path_factory.mktemp("asked")
    environment = {
        **os.environ,
        "KNOCKWISE_DATA": str(folder / "data"),
        "KNOCKWISE_RUNS": str(folder / "runs"),
    }
    command = [sys.executable, "-m", "app.cli", "ask", QUESTION, "--run-dir", str(folder / "run")]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return folder / "run"


@pytest.fixture
def run(asked, tmp_path):
    """A copy of the finished run."""
    import shutil

    return Path(shutil.copytree(asked, tmp_path / "run"))


@pytest.fixture
def unfinished(run):
    (run / "result.json").unlink()
    return run


def knockwise(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("table", ["checkpoints", "writes"])
@pytest.mark.parametrize("blob", [b"\xff\xfe\x00", b"", b"\x81\xa1v\x01", b"\xc1" * 99])
def test_checkpoints_with_damaged_blobs_are_told(unfinished, table, blob):
    path = unfinished / "checkpoints.sqlite"
    column = {"checkpoints": "checkpoint", "writes": "value"}[table]
    with sqlite3.connect(path) as file:
        file.execute(f"UPDATE {table} SET {column} = ?", (blob,))
    file.close()
    result = knockwise("ask", "--quiet", "--resume", unfinished)
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 2:
        assert "damaged" in one_sentence(result)


@pytest.mark.parametrize("name", ["result.json", "trace.jsonl", "effects.csv", "settings.json"])
@pytest.mark.parametrize("command", [("ask", "--quiet", "--resume"), ("report",)])
def test_a_folder_where_a_file_should_be_is_told(run, name, command):
    (run / name).unlink()
    (run / name).mkdir()
    result = knockwise(*command, run)
    assert result.exit_code in (0, 2), result.output
    assert not isinstance(result.exception, OSError)
    assert "Traceback" not in result.stderr
    assert knockwise("runs").exit_code == 0


@pytest.mark.parametrize("line", ["[]", "5", '"message"', "null", '{"message": 1}', "[" * 100_000])
def test_odd_lines_of_a_trace_do_not_keep_the_answer_back(run, line):
    (run / "trace.jsonl").write_text(f"{line}\n")
    result = knockwise("ask", "--json", "--resume", run)
    assert result.exit_code == 0, result.output
    assert answer_in(result.stdout)


@pytest.mark.parametrize("name", ["x" * 300, "../" * 2000, "a\x00b"])
@pytest.mark.parametrize("command", [("ask", "--resume"), ("report",)])
def test_a_name_that_no_file_system_takes_is_no_run(name, command):
    one_sentence(knockwise(*command, name))


def test_bytes_that_are_no_text_are_told():
    command = [sys.executable, "-m", "app.cli", "ask", b"Knock out HSPA5 \xff\xfe in K562"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"not UTF-8" in done.stderr


def test_an_unfinished_run_of_other_knowledge_is_not_gone_on_with(unfinished):
    settings = json.loads((unfinished / "settings.json").read_text())
    assert settings["versions"]["knowledge"]
    settings["versions"]["knowledge"] = "full:0123456789abcdef"
    (unfinished / "settings.json").write_text(json.dumps(settings))
    line = one_sentence(knockwise("ask", "--quiet", "--resume", unfinished))
    assert "begun with other knowledge (knowledge full:0123456789abcdef, now starter:" in line
    assert "KNOCKWISE_DATA" in line


def test_an_unfinished_run_of_the_same_knowledge_is_gone_on_with(unfinished):
    assert knockwise("ask", "--quiet", "--resume", unfinished).exit_code == 0


def test_a_full_disk_is_not_called_damage(unfinished, monkeypatch):
    import agent.run

    async def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(agent.run, "_stream", full)
    line = one_sentence(knockwise("ask", "--quiet", "--resume", unfinished))
    assert "make room" in line
    assert "--resume" in line
    assert "damaged" not in line


def test_too_little_memory_is_a_sentence(unfinished, monkeypatch):
    import agent.run

    async def much(*_):
        raise MemoryError

    monkeypatch.setattr(agent.run, "_stream", much)
    assert "not enough memory" in one_sentence(knockwise("ask", "--quiet", "--resume", unfinished))


def test_a_folder_of_runs_that_cannot_be_read_is_not_called_empty(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "cannot be read (Permission denied)" in one_sentence(knockwise("runs"))


def test_a_run_is_private_and_a_shared_folder_shows_no_question(asked, tmp_path):
    assert stat.S_IMODE(asked.stat().st_mode) == 0o700
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert "HSPA5" in new_run_dir(tmp_path / "new", QUESTION, now).name
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    assert "HSPA5" not in new_run_dir(shared, QUESTION, now).name


def test_a_link_planted_in_a_run_folder_is_not_written_through(asked, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("settings.json.part", "result.json.part", "effects.csv.part"):
        (folder / name).symlink_to(victim)
    assert knockwise("ask", "--quiet", QUESTION, "--run-dir", folder).exit_code == 0
    assert victim.read_text() == "precious"
