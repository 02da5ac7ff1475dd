"""Run folders: what a run is, what of it is finished, and how long it took."""

import json
import resource
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from knowledge.errors import RunError
from knowledge.files import is_draft, replace_text, replacing
from knowledge.schema import Frozen
from models.response.settings import Progress

if TYPE_CHECKING:
    import pandas as pd

FiguresT = TypeVar("FiguresT", bound=Frozen)


def claim(out: Path, config: dict[str, Any]) -> None:
    """Write what a run is to `config.json`, or check that `out` already holds that run.

    Args:
        out: The run folder.
        config: `settings`, hashes of `data` and of `code`, and what is only noted.

    Raises:
        RunError: `out` holds something else; the sentence says what differs.
    """
    path = out / "config.json"
    if not path.is_file():
        if out.is_dir() and not all(is_draft(path) for path in out.iterdir()):
            raise RunError(f"{out} holds something other than an evaluation; name another --out.")
        out.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(config, indent=1) + "\n")
        return
    theirs = json.loads(path.read_text(encoding="utf-8"))
    for part, what in (("settings", "settings"), ("data", "data"), ("code", "code")):
        mine, held = config[part], theirs.get(part, {})
        changed = [name for name in sorted({*mine, *held}) if mine.get(name) != held.get(name)]
        if changed:
            raise RunError(
                f"{out} holds a run with other {what} ({', '.join(changed[:3])} changed); "
                "name another --out."
            )


def finished(out: Path, kind: type[FiguresT], make: Callable[[], FiguresT]) -> FiguresT:
    """Return the figures of a run: those kept in `metrics.json`, or made now and kept there."""
    path = out / "metrics.json"
    if path.is_file():
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    figures = make()
    replace_text(path, figures.model_dump_json(indent=1) + "\n")
    return figures


def part(progress: Progress, start: float, share: float, name: str = "") -> Progress:
    """Return a progress that fills `share` of the whole from `start`."""

    def told(what: str, done: float) -> None:
        progress(f"{name}: {what}" if name else what, start + share * done)

    return told


def write_table(table: "pd.DataFrame", path: Path) -> None:
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
