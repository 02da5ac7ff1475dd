"""One way on the command line: what holds for one command holds for all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from app.cli import app
from app.conventions import OPTIONS, RENAMED, every_command, options_table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "command-line.md"
COMMANDS = dict(every_command(get_command(app)))
# What a reader would take for something else, and what it is called here.
OTHERWISE = {
    "-n": "--top", "-k": "--top", "--limit": "--top", "--most": "--top", "--number": "--top",
    "--output": "--out", "-o": "--out", "--run-dir": "--out", "--perturbation": "--pert",
    "--gene-perturbed": "--pert", "--data-dir": "--data", "--checkpoint": "--weights",
    "--line": "--cell-line",
}  # fmt: skip
# Several lines are scored, and a language model is asked about so many rows.
ALLOWED = {("eval language", "--limit")}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_keeps_to_the_conventions(words):
    options = {name: param for param in COMMANDS[words].params for name in param.opts}
    assert {"--quiet", "-q", "--verbose", "-v"} <= set(options)
    for name in options:
        assert name not in OTHERWISE or (words, name) in ALLOWED, f"say {OTHERWISE[name]}"
    if "--model" in options:
        assert "--base-url" in options, "--model means the language model; say --weights"
    for name, param in options.items():
        if name.startswith("--"):
            assert name == name.lower()
            assert "_" not in name
            assert param.help or param.hidden, f"{name} says nothing"


def test_every_command_that_reads_data_takes_a_folder():
    without = {"report", "runs", "serve"}
    trained = {words for words in COMMANDS if words.split()[0] in ("train", "eval")}
    for words in {*COMMANDS} - without - trained:
        assert any("--data" in param.opts for param in COMMANDS[words].params), words


@pytest.mark.parametrize("command", RENAMED)
def test_the_names_of_one_version_ago_are_still_understood(command):
    options = {name for param in COMMANDS[command].params for name in param.opts}
    for old, new in RENAMED[command].items():
        assert old not in options
        assert new in options
        assert f"`{command} {old}`" in PAGE.read_text()


def test_an_older_name_does_what_the_newer_does(knockwise, session, tmp_path):
    for number, name in enumerate(("--out", "--run-dir")):
        folder = tmp_path / str(number)
        assert knockwise("ask", "HSPA5 knockdown in K562?", name, folder).exit_code == 0
        assert session.asked[-1][2] == folder
    assert knockwise("ask", "HSPA5?", f"--run-dir={tmp_path / 'x'}").exit_code == 0
    assert session.asked[-1][2] == tmp_path / "x"


def test_quiet_shows_no_progress_and_errors_all_the_same(knockwise, session):
    told = ("predict", "--pert", "bip", "--readout", "DDIT3")
    assert "is read as" in knockwise(*told).stderr
    quiet = knockwise(*told, "-q")
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert "DDIT3" in quiet.stdout
    assert "error: " in knockwise("predict", "--pert", "NOPE9", "-q").stderr
    assert "is read as" in knockwise(*told).stderr


def test_choices_are_taken_in_any_case(knockwise, session):
    result = knockwise("predict", "--pert", "HSPA5", "--kind", "KnockOut", "--json")
    assert json.loads(result.stdout)["rows"][0]["kind"] == "knockout"


def test_the_data_folder_of_the_command_line_comes_first(knockwise, tmp_path, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path / "environment"))
    for given, folder in ((("--data", tmp_path / "named"), "named"), ((), "environment")):
        said = json.loads(knockwise("doctor", "--json", *given).stdout)
        (found,) = [one["found"] for one in said["checks"] if one["name"] == "data folder"]
        assert found.startswith(str(tmp_path / folder))


@pytest.mark.parametrize(
    "words",
    [
        ("runs",),
        ("doctor",),
        ("data", "status"),
        ("index", "status"),
        ("express", "--list"),
        ("phenotype", "FGFR3"),
        ("morphology", "COPG1"),
        ("read", "HSPA5_KO in K562: DDIT3?"),
        ("find", "LDLR", "--top", "2"),
        ("plan", "LDLR", "--budget", "2"),
    ],
)
def test_json_is_an_object_that_says_its_schema(knockwise, words):
    found = json.loads(knockwise(*words, "--json").stdout)
    name, word, version = found["schema"].split("/")
    assert (name, version) == ("knockwise", "1")
    assert word


def test_the_page_says_what_each_command_takes():
    written = PAGE.read_text(encoding="utf-8").split(OPTIONS)[0]
    # Another process: a test may have replaced a command.
    code = "from typer.main import get_command\nfrom app.cli import app\n"
    code += (
        "from app.conventions import options_table\nprint(options_table(get_command(app)), end='')"
    )
    table = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    if os.environ.get("KNOCKWISE_REFRESH"):
        PAGE.write_text(written + table, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written + table
    assert table == options_table(get_command(app))
