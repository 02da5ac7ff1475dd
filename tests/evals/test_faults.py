"""A share of `python -m evals.faults`, small enough to be played at each change."""

import subprocess
import sys
from pathlib import Path

import pytest

from evals.faults import days
from evals.faults.files import in_copies, shipped
from evals.faults.run import Outcome, counted

ROOT = Path(__file__).parents[2]


def test_there_are_at_least_four_hundred_faults_of_every_kind(tmp_path):
    (tmp_path / "file").write_text("")
    faults = [*days.tables(), *days.questions(), *days.settings(), *days.arguments()]
    faults += shipped(ROOT, tmp_path, "")
    faults += in_copies(tmp_path, "run")
    assert len(faults) >= 400
    assert len({fault.name for fault in faults}) == len(faults)
    assert {fault.kind for fault in faults} >= {"table", "question", "setting", "shipped", "run"}


def test_a_traceback_is_counted_as_a_defect_and_shown():
    outcomes = [
        Outcome(name="table: x", kind="table", verdict="sentence", said="error: x."),
        Outcome(name="table: y", kind="table", verdict="traceback", said="ValueError: y"),
    ]
    text = counted(outcomes)
    assert "table: 2 faults: 1 sentence, 1 traceback" in text
    assert text.endswith("traceback: table: y\nValueError: y")


@pytest.mark.slow
def test_a_share_of_the_faults_ends_in_answers_and_sentences():
    command = [sys.executable, "-m", "evals.faults", "--share", "0.03", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "in all: " in done.stdout
