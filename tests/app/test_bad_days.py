"""Bad input and bad days through the front door, with the real session."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from knowledge.schema import Answer
from tests.app.refusal import answer_in


def ask(*arguments):
    return CliRunner().invoke(app, ["ask", "--quiet", *arguments])


def sentence(result):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    line = result.stderr.strip()
    assert line.startswith("error: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Knock out HSPA55 in K562", "did you mean HSPA5"),
        ("What happens when it rains?", "say which gene is perturbed"),
        ("HSPA5 " * 1_700, "characters"),
        ("What does imatinibb do in K562?", "did you mean imatinib"),
        ("Knock out HSPA5 in HeLa", "K562, RPE1, HepG2, Jurkat"),
        ("\x00\x1b[2J", "question"),
        ("' OR 1=1; --", "say which gene is perturbed"),
    ],
    ids=["unknown gene", "no gene", "too long", "drug", "cell line", "control", "quoting"],
)
def test_a_question_that_cannot_be_answered_gets_one_sentence(question, words):
    assert words in sentence(ask(question))


def test_an_unknown_cell_line_option_names_the_known_ones():
    assert "RPE1" in sentence(ask("Knock out HSPA5", "--cell-line", "HeLa"))


@pytest.mark.parametrize("gene", ["CAT", "REST", "MET", "SET", "WAS", "IMPACT"])
def test_a_gene_that_is_also_an_english_word_is_asked_about_by_its_symbol(gene):
    result = ask("--json", f"What happens when {gene} is knocked out in K562?")
    answer = answer_in(result.stdout)
    assert answer.question.perturbation.genes == (gene,)


@pytest.mark.parametrize("variable", ["KNOCKWISE_RUNS", "KNOCKWISE_DATA"])
def test_a_folder_that_cannot_be_used_is_named(variable, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    assert str(tmp_path / "file") in sentence(ask("Knock out HSPA5 in K562"))


def test_corrupted_tables_are_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path))
    (tmp_path / "compiled").mkdir()
    (tmp_path / "compiled" / "manifest.json").write_text("{half a manif")
    assert "knockwise" in sentence(ask("Knock out HSPA5 in K562"))


def test_a_run_folder_is_not_used_twice(tmp_path):
    assert ask("Knock out HSPA5 in K562", "--run-dir", str(tmp_path / "run")).exit_code == 0
    assert "already holds a run" in sentence(
        ask("Knock out ATF4 in K562", "--run-dir", str(tmp_path / "run"))
    )


def test_a_damaged_run_says_so(tmp_path):
    ask("Knock out HSPA5 in K562", "--run-dir", str(tmp_path / "run"))
    (tmp_path / "run" / "result.json").write_text('{"run": ')
    assert "damaged" in sentence(CliRunner().invoke(app, ["report", str(tmp_path / "run")]))
    assert "damaged" in sentence(ask("--resume", str(tmp_path / "run")))


def test_a_damaged_trace_does_not_keep_a_finished_answer_back(tmp_path):
    first = ask("Knock out HSPA5 in K562", "--run-dir", str(tmp_path / "run"))
    (tmp_path / "run" / "trace.jsonl").write_bytes(b'{"node": "ground", "mess\n\xff\n')
    assert ask("--resume", str(tmp_path / "run")).stdout == first.stdout
    (tmp_path / "run" / "trace.jsonl").unlink()
    assert ask("--resume", str(tmp_path / "run")).stdout == first.stdout
    (tmp_path / "run" / "result.json").write_bytes(b"\xff\xfe")
    assert "damaged" in sentence(ask("--resume", str(tmp_path / "run")))


def test_a_locale_without_unicode_keeps_the_run(tmp_path):
    command = [sys.executable, "-m", "app.cli", "ask", "Knock out HSPA5 in K562: DDIT3?"]
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [*command, "--run-dir", str(tmp_path / "run")],
        capture_output=True,
        env={**os.environ, **locale},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"DDIT3" in done.stdout
    assert Answer.model_validate_json((tmp_path / "run" / "result.json").read_bytes())


def test_ctrl_c_leaves_a_run_that_goes_on_to_the_same_answer(tmp_path):
    command = [sys.executable, "-m", "app.cli", "ask"]
    question = "Which genes change when GATA1 is knocked down in K562?"
    process = subprocess.Popen(
        [*command, question], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said = ""
    while "ground" not in said:  # the run has begun, and has a long way to go
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    run = re.search(r"ask --resume (\S+)`", " ".join(stderr.split()))[1]
    assert Path(run).is_relative_to(os.environ["KNOCKWISE_RUNS"])
    resumed = answer_in(ask("--json", "--resume", run).stdout)
    straight = answer_in(ask("--json", question).stdout)
    for part in ("effects", "steps", "hypotheses", "evidence"):
        assert getattr(resumed, part) == getattr(straight, part)


def test_every_id_in_a_json_answer_resolves():
    result = ask("--json", "Knock down HSPA5 in K562: what happens to DDIT3 and HERPUD1?")
    answer = json.loads(result.stdout)
    known = {fact["id"] for fact in answer["evidence"]}
    cited = [e for part in ("effects", "steps") for x in answer[part] for e in x["evidence_ids"]]
    assert cited
    assert set(cited) <= known
    assert all(step["evidence_ids"] for step in answer["steps"])
