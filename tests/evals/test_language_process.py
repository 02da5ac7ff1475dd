"""A batch as a process that is killed, and on a Ray cluster that loses a worker."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from tests.evals.language_world import world  # noqa: F401  # a fixture
from tests.llm.hostile import hostile  # noqa: F401  # a fixture

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("language_batch.py")
SLOWLY = {"kind": "good", "seconds": 0.1}
PATIENCE_S = 300


def start(world, home, url, engine="local"):  # noqa: F811
    words = [str(world.mirror), str(world.held_out), str(home), url, engine]
    return subprocess.Popen([sys.executable, str(SCRIPT), *words], stderr=subprocess.PIPE)


def finish(process):
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, told.decode()
    return told.decode()


def judged(home):
    """Return how many rows are kept so far."""
    file = home / "run" / "judgements.sqlite"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file, timeout=10)) as kept:
        try:
            return kept.execute("SELECT count(*) FROM judgements").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


def wait(happened):
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


@pytest.fixture
def whole(world, hostile, tmp_path):  # noqa: F811
    """The files of a batch that was left in peace."""
    home = tmp_path / "whole"
    finish(start(world, home, hostile.url))
    return home / "run"


def same(home, whole):
    """Check the predictions to the byte, and everything in the metrics that is not time."""
    mine, theirs = home / "run", whole
    assert (mine / "predictions.parquet").read_bytes() == (
        theirs / "predictions.parquet"
    ).read_bytes()
    mine_cost, their_cost = (
        json.loads((folder / "metrics.json").read_text())["facts"]["cost"]
        for folder in (mine, theirs)
    )
    assert mine_cost | {"seconds": 0} == their_cost | {"seconds": 0}


def test_a_batch_killed_three_times_ends_like_one_left_in_peace(world, hostile, whole, tmp_path):  # noqa: F811
    hostile.behave(SLOWLY)
    home = tmp_path / "killed"
    reached = 0
    for _ in range(3):
        with start(world, home, hostile.url) as process:
            wait(lambda: judged(home) >= reached + 8 or process.poll() is not None)  # noqa: B023
            assert process.poll() is None, process.stderr.read().decode()
            process.kill()
        assert judged(home) > reached
        reached = judged(home)
    hostile.behave("good")
    told = finish(start(world, home, hostile.url))
    assert f"{reached} of" in told
    same(home, whole)


@pytest.mark.skipif(not find_spec("ray"), reason="the extra `ray` is not installed")
def test_a_cluster_that_loses_a_worker_loses_and_doubles_no_row(
    world,  # noqa: F811
    hostile,  # noqa: F811
    whole,
    tmp_path,
):
    hostile.behave(SLOWLY | {"seconds": 0.3})
    home = tmp_path / "ray"
    driver = start(world, home, hostile.url, "ray")

    def judges(process):
        try:
            return process.cmdline()[:1] == ["ray::judge_chunk"]
        except psutil.NoSuchProcess:  # it has ended since it was listed
            return False

    def busy():
        assert driver.poll() is None, driver.stderr.read().decode()
        return list(filter(judges, psutil.Process(driver.pid).children(recursive=True)))

    with driver:
        try:
            # Both work, and the one to be killed is in the middle of its rows.
            wait(lambda: len(busy()) == 2 and len(hostile.bodies) >= 12)
            busy()[0].kill()
            hostile.behave("good")
            told = finish(driver)
        finally:
            driver.kill()
    assert "rows" in told
    same(home, whole)
    with closing(sqlite3.connect(home / "run" / "judgements.sqlite")) as kept:
        rows = [row for (row,) in kept.execute("SELECT row FROM judgements")]
    assert len(rows) == len(set(rows)) > 50
    with closing(sqlite3.connect(home / "run" / "replies.sqlite")) as kept:
        assert kept.execute("SELECT count(*) FROM replies").fetchone()[0] >= len(rows)
    assert os.environ.get("RAY_ADDRESS") is None
