"""Killed at random moments and started again, what builds or scores ends in the same result.

Not every byte can be the same: a generation of an index and the tables of Chroma carry random
names and times, `training.json` a date, `timing.json` seconds. What holds the result is compared
byte for byte, these by what they say.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
WORLD = Path(__file__).parents[1] / "kill_world.py"
KILLS = 2


def started(*words, data=None, **more):
    environment = {**os.environ, **({"KNOCKWISE_DATA": str(data)} if data else {})}
    command = [sys.executable, str(WORLD), *map(str, words)]
    return subprocess.Popen(command, env=environment, text=True, **more)


def finished(*words, data=None):
    began = time.perf_counter()
    process = started(*words, data=data, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    _, told = process.communicate()
    assert process.returncode == 0, told
    return time.perf_counter() - began


def killed_until_done(rng, span_s, *words, data=None):
    """Start, kill at a random moment, start again; the last start is left to end."""
    for _ in range(KILLS):
        process = started(*words, data=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Half of it is the loading of libraries, where a kill harms nothing.
        time.sleep(rng.uniform(0.3, 1) * span_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished(*words, data=data)


def at_once(*words, data=None, number=2):
    """Start several at the same time; those that give way say so in a sentence."""
    jobs = [
        started(*words, data=data, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        for _ in range(number)
    ]
    told = [job.communicate()[1] for job in jobs]
    codes = [job.returncode for job in jobs]
    assert set(codes) <= {0, 2}, told
    assert 0 in codes, told
    assert not any("Traceback" in text for text in told)


def files(folder, *, but=()):
    """Every file that is no draft, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in but and not path.name.startswith(".")
    }


def index_of(data):
    """What an index says: its texts and words byte for byte, its vectors, and what Chroma keeps."""
    folder = data / "index"
    manifest = json.loads((folder / "manifest.json").read_text())
    generation = folder / manifest.pop("generation")
    sizes, sums = manifest.pop("files"), manifest.pop("sums")
    assert {one.name for one in folder.glob("generation-*")} == {generation.name}
    assert sizes == {
        path.relative_to(generation).as_posix(): path.stat().st_size
        for path in generation.rglob("*")
        if path.is_file()
    }
    # Chroma draws its graphs at random, so that no two builds have the same.
    assert sums == {
        path.relative_to(generation).as_posix(): zlib.crc32(path.read_bytes())
        for path in generation.rglob("*.bin")
    }
    kept = {"documents.parquet": (generation / "documents.parquet").read_bytes()}
    kept |= files(generation / "bm25")
    with sqlite3.connect(folder / "vectors.sqlite") as database:
        vectors = database.execute("SELECT * FROM vectors ORDER BY text_digest").fetchall()
    with sqlite3.connect(generation / "chroma" / "chroma.sqlite3") as database:
        ids = database.execute("SELECT embedding_id FROM embeddings ORDER BY 1").fetchall()
    return manifest, kept, vectors, ids


@pytest.fixture(scope="module")
def whole_index(tmp_path_factory):
    data = tmp_path_factory.mktemp("whole")
    return finished("index", "build", data=data), index_of(data)


@pytest.mark.parametrize("seed", range(2))
def test_an_index_whose_build_is_killed_is_the_same(whole_index, tmp_path, seed):
    took, whole = whole_index
    killed_until_done(random.Random(seed), took, "index", "build", data=tmp_path)
    found = index_of(tmp_path)
    assert found == whole
    assert (
        len(found[3])
        == len(set(found[3]))
        == found[0]["counts"]["gene"]
        + sum(number for kind, number in found[0]["counts"].items() if kind != "gene")
    )


def test_two_builds_at_once_make_one_index(whole_index, tmp_path):
    at_once("index", "build", data=tmp_path)
    assert index_of(tmp_path) == whole_index[1]


def trained(out):
    """The files of a model; its record without the date."""
    found = files(out, but=("config.json", "training.json"))
    record = json.loads((out / "training.json").read_text())
    config = json.loads((out / "config.json").read_text())
    # The hash of the record, and with it that of the whole, holds the date.
    said = json.dumps(config, sort_keys=True)
    return found, {**record, "date": ""}, len(said)


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    from tests.kill_world import write_screen

    path = tmp_path_factory.mktemp("screen") / "screen.h5ad"
    write_screen(path)
    return path


def train(screen, out):
    own = ("--h5ad", screen, "--pert-col", "gene", "--control", "NT", "--context", "mine")
    return ("train", "expression", "--data", screen.parent, "--out", out, *own)


@pytest.fixture(scope="module")
def whole_model(screen):
    out = screen.with_name("whole")
    return finished(*train(screen, out)), trained(out)


@pytest.mark.parametrize("seed", range(1))
def test_a_model_whose_training_is_killed_is_the_same(whole_model, screen, tmp_path, seed):
    took, whole = whole_model
    killed_until_done(random.Random(seed), took, *train(screen, tmp_path / "model"))
    assert trained(tmp_path / "model") == whole


def test_two_trainings_at_once_leave_one_whole_model(whole_model, screen, tmp_path):
    at_once(*train(screen, tmp_path / "model"))
    assert trained(tmp_path / "model") == whole_model[1]


def scored(out):
    """The files of an evaluation but for its seconds, which its page tells too."""
    found = files(out, but=("timing.json", "scoreboard.md", "report.html"))
    assert set(json.loads((out / "timing.json").read_text())["seconds"])
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    path = tmp_path_factory.mktemp("coins") / "answers.csv"
    rows = [f"P{number},{number % 2}" for number in range(200)]
    path.write_text("\n".join(("pert,label", *rows)) + "\n")
    return path


@pytest.fixture(scope="module")
def whole_scores(answers):
    out = answers.with_name("whole")
    return finished("coins", answers, out), scored(out)


@pytest.mark.parametrize("seed", range(1))
def test_an_evaluation_that_is_killed_is_the_same(whole_scores, answers, tmp_path, seed):
    took, whole = whole_scores
    killed_until_done(random.Random(seed), took, "coins", answers, tmp_path / "run")
    assert scored(tmp_path / "run") == whole
    assert (tmp_path / "run" / "report.html").is_file()


def test_two_evaluations_at_once_in_one_folder_agree(whole_scores, answers, tmp_path):
    at_once("coins", answers, tmp_path / "run")
    assert scored(tmp_path / "run") == whole_scores[1]
