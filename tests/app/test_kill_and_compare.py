"""Killed at random moments and started again, a command ends in what it would have ended in."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow
GENES = ("HSPA5", "ATF4", "TP53", "MDM2", "KEAP1", "MYC", "GATA1", "SEC61B", "HSPA9", "RPL3")
READOUTS = ("DDIT3", "HERPUD1", "CDKN1A", "ATF3", "NQO1")
QUESTION = "Which genes change when GATA1 is knocked down in K562?"
KILLS = 3
# What differs from run to run however it ends.
VOLATILE = {"run", "timings_s"}


def command(*words):
    return [sys.executable, "-m", "app.cli", *map(str, words)]


def finished(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, check=False)


def killed_until_done(rng, span_s, words, again=None):
    """Start, kill at a random moment, start again; the last start is left to end."""
    for _ in range(KILLS):
        process = subprocess.Popen(
            command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0, span_s))
        process.send_signal(signal.SIGKILL)
        process.wait()
        words = again(words) if again else words
    return finished(*words)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    file = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    rows = [
        f"{gene},{readout},K562,{n}" for n in range(4) for gene in GENES for readout in READOUTS
    ]
    file.write_text("\n".join(("pert,gene,cell_line,note", *rows)) + "\n")
    return file


@pytest.fixture(scope="module")
def whole(pairs):
    """The bytes of an undisturbed job, and how long it took."""
    began = time.perf_counter()
    out = pairs.with_name("whole.csv")
    assert finished("predict", "--pairs", pairs, "--out", out).returncode == 0
    return out.read_bytes(), time.perf_counter() - began


@pytest.mark.parametrize("seed", range(2))
def test_a_job_that_is_killed_loses_and_doubles_no_row(pairs, whole, tmp_path, seed):
    content, took = whole
    out = tmp_path / "out.csv"
    done = killed_until_done(random.Random(seed), took, ("predict", "--pairs", pairs, "--out", out))
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == content


def test_jobs_at_once_write_one_right_file(pairs, whole, tmp_path):
    content, _ = whole
    out = tmp_path / "out.csv"
    jobs = [
        subprocess.Popen(
            command("predict", "--pairs", pairs, "--out", out), stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    told = [job.communicate()[1] for job in jobs]
    assert {job.returncode for job in jobs} <= {0, 2}
    assert [job.returncode for job in jobs].count(0) >= 1
    assert not any("Traceback" in text for text in told)
    assert out.read_bytes() == content


@pytest.mark.parametrize("seed", range(2))
def test_a_question_that_is_killed_is_gone_on_with_to_the_same_answer(tmp_path, seed):
    began = time.perf_counter()
    assert finished("ask", "--quiet", QUESTION, "--run-dir", tmp_path / "whole").returncode == 0
    took = time.perf_counter() - began
    run = tmp_path / "run"

    def again(words):
        return ("ask", "--quiet", "--resume", run) if (run / "settings.json").exists() else words

    words = ("ask", "--quiet", QUESTION, "--run-dir", run)
    done = killed_until_done(random.Random(seed), took, words, again)
    assert done.returncode == 0, done.stderr
    ended = [_ended(tmp_path / name) for name in ("whole", "run")]
    assert ended[0] == ended[1]


def _ended(run):
    """What a run came to: its answer, its table, and its files but for drafts that a kill left."""
    answer = json.loads((run / "result.json").read_text())
    kept = {name: value for name, value in answer.items() if name not in VOLATILE}
    names = sorted(path.name for path in run.iterdir() if not path.name.startswith("."))
    return kept, (run / "effects.csv").read_bytes(), names
