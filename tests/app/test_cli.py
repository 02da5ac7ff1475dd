import json
import os
import re
import subprocess
import sys

import pytest

from app.cli import GROUPS
from knowledge.errors import DataError, QuestionError
from knowledge.schema import Answer
from tests.app.refusal import one_sentence
from tools.effect_rows import COLUMNS

COMMANDS = ("ask", "predict", "express", "phenotype", "report", "runs", "doctor", *GROUPS)
HEAVY = {
    "torch",
    "anndata",
    "pandas",
    "chromadb",
    "langgraph",
    "matplotlib",
    "lightgbm",
    "networkx",
    "sklearn",
}


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=str)
def test_help_explains_every_option(knockwise, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = knockwise(*command, "--help")
    assert result.exit_code == 0
    options = [x for x in result.stdout.splitlines() if re.match(r"│ +\*? *--", x)]
    assert options
    for line in options:
        assert re.search(r"[a-z]{2,} [a-z]", line), line


def test_help_lists_every_command(knockwise):
    listed = knockwise("--help").stdout
    assert all(re.search(rf"│ {name} ", listed) for name in COMMANDS)


def test_help_imports_nothing_heavy():
    probe = "import sys, app.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_version_is_printed(knockwise):
    assert re.fullmatch(r"knockwise \d+\.\d+\.\d+\n", knockwise("--version").stdout)


def test_ask_streams_steps_to_stderr_and_the_answer_to_stdout(knockwise, session):
    result = knockwise("ask", "Knock out HSPA5", "in K562")
    assert result.exit_code == 0, result.output
    assert session.asked[0][:2] == ("Knock out HSPA5 in K562", None)
    assert "ground  HSPA5, K562" in result.stderr
    assert "Losing HSPA5 in K562" in result.stdout
    assert "Cascade" in result.stdout
    assert "ground  " not in result.stdout
    assert str(session.asked[0][2]) in result.stdout.replace("\n", "")


def test_json_is_the_answer_and_nothing_else(knockwise, session, answer):
    result = knockwise("ask", "--json", "--cell-line", "K562", "Knock out HSPA5")
    said = json.loads(result.stdout)
    assert said.pop("schema") == "knockwise/answer/1"
    rows = said.pop("rows")
    assert Answer.model_validate(said) == answer
    assert [row["gene"] for row in rows] == [effect.gene for effect in answer.effects]
    assert tuple(rows[0]) == COLUMNS
    assert session.asked[0][1] == "K562"
    cited = {e for step in json.loads(result.stdout)["steps"] for e in step["evidence_ids"]}
    assert cited <= {fact.id for fact in answer.evidence}


def test_quiet_leaves_stderr_empty(knockwise, session):
    assert knockwise("ask", "--quiet", "HSPA5?").stderr == ""


def test_verbose_tells_the_details_of_events(knockwise, session):
    assert "genes=1" in knockwise("ask", "--verbose", "HSPA5?").stderr


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_an_empty_question_gets_an_example(knockwise, session, question):
    assert "for example" in one_sentence(knockwise("ask", question))
    assert session.asked == []


def test_a_question_that_cannot_be_understood_is_one_sentence(knockwise, session):
    session.failure = QuestionError("NOTAGENE is no gene; did you mean NOTCH1?")
    assert "did you mean NOTCH1?" in one_sentence(knockwise("ask", "Knock out NOTAGENE"))


def test_debug_shows_the_traceback(knockwise, session):
    session.failure = DataError("broken.")
    result = knockwise("--debug", "ask", "HSPA5?")
    assert isinstance(result.exception, DataError)


def test_a_full_disk_is_one_sentence(knockwise, session):
    session.failure = OSError(28, "No space left on device", "trace.jsonl")
    assert "trace.jsonl: No space left on device; make room" in one_sentence(
        knockwise("ask", "HSPA5?")
    )


def test_a_bug_is_not_hidden(knockwise, session):
    session.failure = ZeroDivisionError("a bug")
    assert isinstance(knockwise("ask", "HSPA5?").exception, ZeroDivisionError)


def test_ctrl_c_says_how_to_go_on_and_resume_does(knockwise, session):
    session.failure = KeyboardInterrupt()
    stopped = knockwise("ask", "HSPA5?")
    assert stopped.exit_code == 130
    assert "Traceback" not in stopped.stderr
    command = re.search(r"`knockwise (ask --resume \S+)`", stopped.stderr)[1]
    session.failure = None
    resumed = knockwise(*command.split())
    assert resumed.exit_code == 0, resumed.output
    assert "Losing HSPA5 in K562" in resumed.stdout


def test_resuming_a_finished_run_tells_it_again_without_computing(knockwise, session):
    first = knockwise("ask", "HSPA5?")
    again = knockwise("ask", "--resume", "latest")
    assert again.stdout == first.stdout
    assert "two readouts explained" in again.stderr
    assert len(session.asked) == 1


def test_resuming_nothing_is_one_sentence(knockwise, session):
    one_sentence(knockwise("ask", "--resume", "no-such-run"))


@pytest.mark.parametrize("arguments", [("ask", "x", "--nonsense"), ("nonsense",), ("report",)])
def test_wrong_usage_exits_with_two(knockwise, arguments):
    result = knockwise(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_is_named(knockwise, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_REASONER", "oracle")
    assert "KNOCKWISE_REASONER" in one_sentence(knockwise("ask", "HSPA5?"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            b"KNOCKWISE_REASONR=llm",
            r"no setting KNOCKWISE_REASONR .did you mean KNOCKWISE_REASONER",
        ),
        (b"KNOCKWISE_CASCADE__WIDHT=3", r"did you mean KNOCKWISE_CASCADE__WIDTH"),
        (b"KNOCKWISE_CASCADE__WIDTH=many", r"KNOCKWISE_CASCADE__WIDTH cannot be used"),
        (b"KNOCKWISE_CASCADE=many", r"cascade"),
        (b"\xff\xfe", r"\.env cannot be read"),
    ],
)
def test_a_broken_env_file_is_one_sentence(knockwise, monkeypatch, tmp_path, text, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(text)
    assert re.search(words, one_sentence(knockwise("ask", "HSPA5?")))


def test_runs_lists_what_was_asked_and_what_is_unfinished(knockwise, session):
    assert "no runs" in knockwise("runs").stderr
    knockwise("ask", "First HSPA5?")
    session.failure = KeyboardInterrupt()
    knockwise("ask", "Second HSPA5?")
    listed = json.loads(knockwise("runs", "--json").stdout)["rows"]
    assert {row["question"]: row["status"] for row in listed} == {
        "First HSPA5?": "finished",
        "Second HSPA5?": "unfinished",
    }
    assert "Second HSPA5?" in knockwise("runs").stdout


def test_report_writes_beside_the_run_and_prints_where(knockwise, session, tmp_path):
    knockwise("ask", "HSPA5?")
    result = knockwise("report", "latest")
    assert result.exit_code == 0, result.output
    assert [line.rsplit("/", 1)[1] for line in result.stdout.split()] == [
        "report.html",
        "report.md",
        "effects.csv",
    ]
    assert knockwise("report", "latest", "--out", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "effects.csv").exists()


def test_report_of_nothing_is_one_sentence(knockwise):
    one_sentence(knockwise("report", "latest"))


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m app.cli --help | true"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stderr == ""


def test_a_terminal_without_unicode_still_gets_an_answer(answer, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    request = '{"question": "?", "settings": {}, "started": "2025-01-31T12:00:00Z"}'
    (run / "settings.json").write_text(request)
    greek = answer.model_copy(update={"summary": "IκBα falls ▲."})
    (run / "result.json").write_text(greek.model_dump_json())
    (run / "trace.jsonl").write_text("")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "ask", "--resume", str(run)],
        capture_output=True,
        env=environment,
        check=True,
    )
    text = done.stdout.decode("ascii")
    assert "I?B? falls" in text
    assert "-> EIF2AK3 activity (+)" in text
