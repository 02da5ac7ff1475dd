"""Run folders: what a run is, what of it is finished, and how long it took.

config.json      settings, hashes of data and of the code that holds numbers; a folder holds one run
units/           what was worked out piece by piece, each kept once
metrics.json     every figure; the same after a second run with the same seed
scores.csv       the same as one long table
timing.json      how long each stage took and how much memory
scoreboard.md    the tables; report.html has the plots too
"""

import json
import re
import resource
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import pandas as pd
from pydantic import BaseModel, TypeAdapter

from evals.harness import metrics, resampling
from evals.harness.scores import Results, Score, Scores
from knowledge.errors import RunError
from knowledge.files import is_draft, replace_text, replacing
from knowledge.progress import Progress
from knowledge.sources.registry import missing, sha256_of
from models.provenance import code_commit

ROOT = Path(__file__).parents[2]
PROSE = frozenset({"page", "plots", "pictures"})
"""Modules of a benchmark that tell of figures and hold none: changing them changes no run."""
REPLIES = "replies.sqlite"
T = TypeVar("T")


class Inputs(NamedTuple):
    """What the figures of a run rest on.

    Attributes:
        files: Read by it, by name.
        modules: That hold numbers: of a package all its modules but those of prose. None where
            figures are worked out anew each time.
        versions: Of whatever is no file, such as the compiled knowledge.
        unscored: Names of modules and packages in these that no figure rests on.
    """

    files: Mapping[str, Path]
    modules: tuple[ModuleType, ...]
    versions: Mapping[str, str] = {}
    unscored: frozenset[str] = frozenset()

    def fingerprint(self) -> dict[str, dict[str, str]]:
        """Return the hashes of `data` and `code`.

        Raises:
            DataError: A file is missing.
        """
        for path in self.files.values():
            if not path.is_file():
                raise missing(path)
        code: dict[str, str] = {}
        for module in (*self.modules, metrics, resampling) if self.modules else ():
            code |= {
                path.relative_to(ROOT).as_posix(): sha256_of(path) for path in self._of(module)
            }
        data = {name: sha256_of(path) for name, path in self.files.items()}
        return {"data": data | dict(self.versions), "code": code}

    def _of(self, module: ModuleType) -> list[Path]:
        file = Path(str(module.__file__))
        if file.name != "__init__.py":
            return [file]
        left = PROSE | self.unscored
        return sorted(
            path
            for path in file.parent.rglob("*.py")
            if left.isdisjoint({path.stem, *path.relative_to(file.parent).parts[:-1]})
        )


class Unit(NamedTuple):
    """A piece of work that is done once and kept as a table.

    Attributes:
        name: What it is called, and where it is kept below `units/`, parts parted by a slash.
        make: Does it.
        stage: What its time counts towards.
    """

    name: str
    make: Callable[[], pd.DataFrame]
    stage: str


@dataclass(frozen=True)
class Run:
    """A folder that holds one run, which may be gone on with.

    Attributes:
        out: The folder.
        progress: Told what is being done and how far it is.
        clock: Counts the time of each stage.
    """

    out: Path
    progress: Progress
    clock: "Clock"

    @classmethod
    def claim(cls, out: Path, settings: BaseModel, inputs: Inputs, progress: Progress) -> "Run":
        """Return a run in `out`, or the run that is there already.

        Raises:
            DataError: An input is missing.
            RunError: `out` holds something else; the sentence says what differs.
        """
        claim(
            out,
            {
                "settings": settings.model_dump(mode="json"),
                **inputs.fingerprint(),
                "commit": code_commit(),
                "knockwise": version("knockwise"),
            },
        )
        return cls(out, progress, Clock(out))

    def path(self, name: str, ending: str = "parquet") -> Path:
        """Return where a unit is kept."""
        parts = [re.sub(r"[^\w.+-]+", "-", part).strip("-") for part in name.split("/")]
        return (self.out / "units").joinpath(*parts[:-1], f"{parts[-1]}.{ending}")

    def table(self, name: str, make: Callable[[], pd.DataFrame], stage: str = "") -> pd.DataFrame:
        """Return a kept table, or make and keep it."""
        path = self.path(name)
        if not path.is_file():
            with self.clock(stage or name):
                write_table(make(), path)
        return pd.read_parquet(path)

    def figures(self, name: str, kind: type[T], make: Callable[[], T], stage: str = "") -> T:
        """Return kept figures of a type that pydantic knows, or make and keep them."""
        path, adapter = self.path(name, "json"), TypeAdapter(kind)
        if not path.is_file():
            with self.clock(stage or name):
                text = adapter.dump_json(make(), indent=1).decode()
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, text + "\n")
        return adapter.validate_json(path.read_bytes())

    def scores(self, name: str, make: Callable[[], Iterable[Score]], stage: str = "") -> Scores:
        """Return kept scores, or make and keep them."""
        path = self.path(name, "json")
        if not path.is_file():
            with self.clock(stage or name):
                text = Results.of(name, make()).dump()
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, text)
        return Results.load(json.loads(path.read_bytes()), path).scores

    def tables(self, units: Iterable[Unit], start: float, share: float) -> list[pd.DataFrame]:
        """Return the tables of units in order; those that are not there yet are made.

        Args:
            units: What to do.
            start: How far the run is.
            share: What part of it they are.
        """
        waiting = list(units)
        found = []
        for number, unit in enumerate(waiting):
            self.progress(unit.name.replace("/", ", "), start + share * number / len(waiting))
            found.append(self.table(*unit))
        return found

    def finished(self, make: Callable[[], Results]) -> Results:
        """Return the results of the run: those kept in `metrics.json`, or made now and kept there.

        Raises:
            DataError: Those kept are of another version.
        """
        path = self.out / "metrics.json"
        if path.is_file():
            return Results.load(json.loads(path.read_text(encoding="utf-8")), path)
        found = make()
        found.save(self.out)
        return found


def claim(out: Path, config: Mapping[str, Any]) -> None:
    """Write what a run is to `config.json`, or check that `out` already holds that run.

    Args:
        out: The run folder.
        config: `settings`, hashes of `data` and of `code`, and what is only noted.

    Raises:
        RunError: `out` holds something else; the sentence says what differs.
    """
    path = out / "config.json"
    if not path.is_file():
        if out.exists() and not (out.is_dir() and all(map(_may_come_first, out.iterdir()))):
            raise RunError(f"{out} holds something other than an evaluation; name another --out.")
        out.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(config, indent=1) + "\n")
        return
    try:
        theirs = json.loads(path.read_text(encoding="utf-8"))
        held = {part: dict(theirs.get(part, {})) for part in ("settings", "data", "code")}
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise RunError(f"{path} cannot be read ({error}); name another --out.") from error
    for what, there in held.items():
        mine = config[what]
        changed = [name for name in sorted({*mine, *there}) if mine.get(name) != there.get(name)]
        if changed:
            raise RunError(
                f"{out} holds a run with other {what} ({', '.join(changed[:3])} changed); "
                "name another --out."
            )


def _may_come_first(path: Path) -> bool:
    """Return whether a file may be there before a run: a draft, or replies of a language model."""
    return is_draft(path) or path.name.startswith(REPLIES)


def part(progress: Progress, start: float, share: float, name: str = "") -> Progress:
    """Return a progress that fills `share` of the whole from `start`."""

    def told(what: str, done: float) -> None:
        progress(f"{name}: {what}" if name else what, start + share * done)

    return told


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as parquet, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        table.to_parquet(draft, index=False)


class Clock:
    """Adds up the seconds of each stage, over interruptions, and the peak of memory."""

    def __init__(self, out: Path) -> None:
        self._path = out / "timing.json"
        stored = json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else {}
        self._seconds: dict[str, float] = stored.get("seconds", {})
        self._peak: float = stored.get("peak_memory_mib", 0.0)

    @contextmanager
    def __call__(self, stage: str) -> Generator[None]:
        """Count the time of a block towards `stage`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self._seconds[stage] = self._seconds.get(stage, 0.0) + spent
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            self._peak = max(self._peak, peak)
            record = {"seconds": self._seconds, "peak_memory_mib": self._peak}
            replace_text(self._path, json.dumps(record, indent=1) + "\n")
