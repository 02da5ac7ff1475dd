"""Plays faults against the command line, one process each, and tells what came of them.

A fault ends well in an answer (exit code 0) or in one sentence (exit code 2). A traceback, a
signal or another exit code is a defect; so is a fault that never ends.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import numpy as np

from evals.faults.damage import DAMAGES
from knowledge.schema import Frozen

Verdict = Literal["answer", "sentence", "traceback", "signal", "endless", "other"]
GOOD: tuple[Verdict, ...] = ("answer", "sentence")
QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3?"
PATIENCE_S = 600
TOLD_LINES = 12
PAIRS = "pert,gene,cell_line\nHSPA5,DDIT3,K562\nATF4,DDIT3,K562\n"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: What it is.
        words: The command that meets it.
        files: Written before, relative to the fault's own folder.
        variables: Of the environment, besides the usual ones.
    """

    name: str
    words: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


class Outcome(Frozen):
    """What came of a fault."""

    name: str
    verdict: Verdict
    said: str


@dataclass(frozen=True)
class World:
    """Where faults are played.

    Attributes:
        home: An empty folder of our own.
        code: A copy of the code, shipped files included.
        run: A finished run.
        index: A data folder with a finished index, if there is one.
        seed: Of every damage.
        players: Processes that run commands, as many as faults are played at once.
    """

    home: Path
    code: Path
    run: Path
    index: Path | None
    seed: int = 0
    players: "SimpleQueue[Player]" = field(default_factory=SimpleQueue)

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment of a process that sees nothing of the user's."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith("KNOCKWISE_")}
        return {
            **kept,
            "PYTHONPATH": str(self.code),
            "KNOCKWISE_DATA": str(folder / "data"),
            "KNOCKWISE_RUNS": str(folder / "runs"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "OMP_NUM_THREADS": "1",
        }


class Player:
    """A process that runs one command after another, each in a child of its own."""

    def __init__(self, code: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "evals.faults.player"],
            env={**environment, "PYTHONPATH": str(code)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, words: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> tuple[int | None, str]:
        """Return the exit status of a command, None if it never ended, and its stderr."""
        out, err = folder / ".stdout", folder / ".stderr"
        request = {
            "words": list(words), "folder": str(folder), "environment": environment,
            "out": str(out), "err": str(err), "patience_s": PATIENCE_S,
        }  # fmt: skip
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the player has no pipes")
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        return status, err.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


def prepared(home: Path, source: Path, index: Path | None, seed: int, jobs: int) -> World:
    """Return a world with a copy of the code and a finished run in `home`."""
    code = home / "code"
    for package in ("agent", "app", "evals", "knowledge", "models", "tools"):
        shutil.copytree(
            source / package, code / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    world = World(home, code, home / "run", index, seed)
    for _ in range(jobs):
        world.players.put(Player(code, world.environment(home)))
    words = ("ask", "--quiet", QUESTION, "--run-dir", str(world.run))
    status, told = _process(world, words, home / "first", {})
    if status:
        raise RuntimeError(f"the undamaged question failed: {told[-2000:]}")
    return world


def play(world: World, faults: Sequence[Fault], jobs: int) -> list[Outcome]:
    """Return what came of each fault, in order."""
    with ThreadPoolExecutor(jobs) as pool:
        numbered = list(enumerate(faults))
        return list(pool.map(lambda one: _played(world, *one), numbered))


def damaged_weights(world: World) -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    """Iterate over shipped files, with the command that reads each."""
    pairs = str(world.home / "pairs.csv")
    commands = {
        "response": ("predict", "--pairs", pairs),
        "fusion": ("predict", "--pairs", pairs),
        "expression": ("express", "--pert", "STAT1", "--context", "papalexi"),
        "genepheno": ("phenotype", "FGFR3"),
        "genen": ("doctor",),
    }
    for path in sorted((world.code / "models" / "weights").rglob("*")):
        if path.is_file() and path.suffix != ".md":
            yield path.relative_to(world.code).as_posix(), path, commands[path.parent.name]
    for path in sorted((world.code / "knowledge" / "starter").rglob("*")):
        if path.suffix in {".yaml", ".tsv"}:
            yield path.relative_to(world.code).as_posix(), path, ("predict", "--pairs", pairs)
    for name in ("sources.toml",):
        yield f"knowledge/{name}", world.code / "knowledge" / name, ("data", "status")


def _played(world: World, number: int, fault: Fault) -> Outcome:
    folder = world.home / "faults" / str(number)
    folder.mkdir(parents=True)
    for name, content in fault.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    status, told = _process(world, fault.words, folder, fault.variables)
    shutil.rmtree(folder, ignore_errors=True)
    said = "\n".join(told.splitlines()[-TOLD_LINES:])
    return Outcome(name=fault.name, verdict=_verdict(status, told), said=said)


def _process(
    world: World, words: Sequence[str], folder: Path, variables: dict[str, str]
) -> tuple[int | None, str]:
    folder.mkdir(parents=True, exist_ok=True)
    player = world.players.get()
    try:
        return player.run(words, folder, {**world.environment(folder), **variables})
    finally:
        world.players.put(player)


def _verdict(code: int | None, told: str) -> Verdict:
    if code is None:
        return "endless"
    if code < 0:
        return "signal"
    if "Traceback (most recent call last)" in told:
        return "traceback"
    return {0: "answer", 2: "sentence"}.get(code, "other")  # type: ignore[return-value]


def damages_of_weights(world: World, only: str = "") -> Iterator[Outcome]:
    """Damage every shipped file in every way, one after another, and play its command.

    Args:
        world: Where.
        only: What the name of a file must hold.
    """
    (world.home / "pairs.csv").write_text(PAIRS)
    for name, path, words in damaged_weights(world):
        if only not in name:
            continue
        whole = path.read_bytes()
        for number, (how, damage) in enumerate(DAMAGES.items()):
            damage(path, np.random.default_rng([world.seed, number]))
            yield _played(world, 0, Fault(f"{name} {how}", words))
            if path.is_dir():
                path.rmdir()
            path.write_bytes(whole)


def damages_of_folders(
    world: World, folder: Path, words: Sequence[tuple[str, ...]], place: str
) -> Iterator[Fault]:
    """Yield a fault for each file of a folder, damaged in a copy, and each command on it.

    Args:
        world: Where.
        folder: What is copied.
        words: Commands; `{copy}` in them is the copy.
        place: Of the copies, under the world's home.
    """
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.endswith(".lock"):
            continue
        inside = path.relative_to(folder)
        for number, (how, damage) in enumerate(DAMAGES.items()):
            copy = world.home / place / f"{len(list((world.home / place).glob('*')))}"
            shutil.copytree(folder, copy)
            damage(copy / inside, np.random.default_rng([world.seed, number]))
            for command in words:
                filled = tuple(word.format(copy=copy) for word in command)
                variables = {"KNOCKWISE_DATA": str(copy)} if place == "indexes" else {}
                yield Fault(f"{place}: {inside} {how}: {command[0]}", filled, variables=variables)


def counted(outcomes: Sequence[Outcome]) -> str:
    """Return the counts, and every defect with the end of what it said."""
    counts = Counter(one.verdict for one in outcomes)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    lines = [f"{len(outcomes)} faults: {told}"]
    for one in outcomes:
        if one.verdict not in GOOD:
            lines += ["", f"{one.verdict}: {one.name}", one.said]
    return "\n".join(lines)
