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
from collections.abc import Sequence
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
READ_EARLY = "agent/question/"
"""What is read when a module is loaded, as a player has done already."""
PACKAGES = ("agent", "app", "evals", "knowledge", "models", "tools")


@dataclass(frozen=True)
class Harm:
    """What is done to one file before a command meets it.

    Attributes:
        file: Relative to `folder`.
        how: A name of `DAMAGES`.
        folder: What is copied for it; the code if None.
    """

    file: str
    how: str
    folder: Path | None = None


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: What it is; its kind comes first, before a colon.
        words: The command that meets it; `{copy}` in them is the damaged copy of a folder.
        files: Written before, relative to the fault's own folder.
        variables: Of the environment, besides the usual ones; `{copy}` as in `words`.
        harm: To one file.
    """

    name: str
    words: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    harm: Harm | None = None

    @property
    def kind(self) -> str:
        """Return what kind of fault it is."""
        return self.name.split(":")[0]


class Outcome(Frozen):
    """What came of a fault."""

    name: str
    kind: str
    verdict: Verdict
    said: str


@dataclass(frozen=True)
class World:
    """Where faults are played.

    Attributes:
        home: An empty folder of our own.
        run: A finished run.
        index: A data folder with a finished index, if there is one.
        seed: Of every damage.
        players: Processes that run commands, as many as faults are played at once.
    """

    home: Path
    run: Path
    index: Path | None
    seed: int = 0
    players: "SimpleQueue[Player]" = field(default_factory=SimpleQueue)

    def close(self) -> None:
        """End all processes."""
        while not self.players.empty():
            self.players.get().close()


class Player:
    """A process that runs one command after another, each in a child of its own.

    Args:
        code: A copy of the code, shipped files included, that is this player's alone.
    """

    def __init__(self, code: Path) -> None:
        self.code = code
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "evals.faults.player"],
            env=self.environment(code),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

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

    def run(
        self, words: Sequence[str], folder: Path, variables: dict[str, str]
    ) -> tuple[int | None, str]:
        """Return the exit status of a command, None if it never ended, and its stderr."""
        folder.mkdir(parents=True, exist_ok=True)
        out, err = folder / ".stdout", folder / ".stderr"
        request = {
            "words": list(words), "folder": str(folder), "out": str(out), "err": str(err),
            "environment": {**self.environment(folder), **variables}, "patience_s": PATIENCE_S,
        }  # fmt: skip
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the player has no pipes")
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        return status, err.read_text(encoding="utf-8", errors="replace")

    def alone(
        self, words: Sequence[str], folder: Path, variables: dict[str, str]
    ) -> tuple[int | None, str]:
        """Run a command in a process of its own, which has read no file of ours before."""
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "app.cli", *words],
                cwd=folder,
                env={**self.environment(folder), **variables},
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None, ""
        return done.returncode, done.stderr.decode("utf-8", errors="replace")

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


def prepared(home: Path, source: Path, index: Path | None, seed: int, jobs: int) -> World:
    """Return a world with copies of the code and a finished run in `home`."""
    world = World(home, home / "run", index, seed)
    for number in range(jobs):
        code = home / f"code-{number}"
        for package in PACKAGES:
            shutil.copytree(
                source / package, code / package, ignore=shutil.ignore_patterns("__pycache__")
            )
        world.players.put(Player(code))
    succeed(world, ("ask", "--quiet", QUESTION, "--run-dir", str(world.run)), home / "first")
    return world


def succeed(world: World, words: Sequence[str], folder: Path) -> None:
    """Run a command that nothing is wrong with.

    Raises:
        RuntimeError: It failed.
    """
    player = world.players.get()
    try:
        status, told = player.run(words, folder, {})
    finally:
        world.players.put(player)
    if status:
        raise RuntimeError(f"the undamaged {words[0]} failed: {told[-2000:]}")


def play(world: World, faults: Sequence[Fault], jobs: int) -> list[Outcome]:
    """Return what came of each fault, in order."""
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda one: _played(world, *one), enumerate(faults)))


def _played(world: World, number: int, fault: Fault) -> Outcome:
    folder = world.home / "faults" / str(number)
    folder.mkdir(parents=True)
    for name, content in fault.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    player = world.players.get()
    copy = folder / "copy"
    try:
        if fault.harm is not None and fault.harm.folder is not None:
            shutil.copytree(fault.harm.folder, copy, ignore=shutil.ignore_patterns("*.lock"))
        words = tuple(word.replace("{copy}", str(copy)) for word in fault.words)
        variables = {n: v.replace("{copy}", str(copy)) for n, v in fault.variables.items()}
        root = copy if fault.harm is not None and fault.harm.folder is not None else player.code
        with _Harmed(root, fault.harm, world.seed):
            read_early = fault.harm is not None and fault.harm.file.startswith(READ_EARLY)
            run = player.alone if read_early else player.run
            status, told = run(words, folder, variables)
    finally:
        world.players.put(player)
    shutil.rmtree(folder, ignore_errors=True)
    said = "\n".join(told.splitlines()[-TOLD_LINES:])
    return Outcome(name=fault.name, kind=fault.kind, verdict=_verdict(status, told), said=said)


class _Harmed:
    """A file that is damaged inside the block, and whole again after it."""

    def __init__(self, root: Path, harm: Harm | None, seed: int) -> None:
        self._path = root / harm.file if harm is not None else None
        self._how = harm.how if harm is not None else ""
        self._seed = [seed, list(DAMAGES).index(self._how)] if harm is not None else []
        self._whole = self._path.read_bytes() if self._path is not None else b""

    def __enter__(self) -> None:
        if self._path is not None:
            DAMAGES[self._how](self._path, np.random.default_rng(self._seed))

    def __exit__(self, *_: object) -> None:
        if self._path is None:
            return
        if self._path.is_dir():
            shutil.rmtree(self._path)
        self._path.write_bytes(self._whole)


def _verdict(code: int | None, told: str) -> Verdict:
    if code is None:
        return "endless"
    if code < 0:
        return "signal"
    if "Traceback (most recent call last)" in told:
        return "traceback"
    return {0: "answer", 2: "sentence"}.get(code, "other")  # type: ignore[return-value]


def counted(outcomes: Sequence[Outcome]) -> str:
    """Return the counts by kind, and every defect with the end of what it said."""
    kinds = dict.fromkeys(one.kind for one in outcomes)
    lines = [_line(kind, [one for one in outcomes if one.kind == kind]) for kind in kinds]
    lines.append(_line("in all", outcomes))
    for one in outcomes:
        if one.verdict not in GOOD:
            lines += ["", f"{one.verdict}: {one.name}", one.said]
    return "\n".join(lines)


def _line(kind: str, outcomes: Sequence[Outcome]) -> str:
    counts = Counter(one.verdict for one in outcomes)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return f"{kind}: {len(outcomes)} faults: {told}"
