"""Runs a plan, a sample at a time; what an interruption leaves is gone on with.

quantify.json   what the run is: settings, versions of the programs, checksum of the index's source
index/          the index, where it was made here
samples/NAME/   what the programs wrote, their logs, and `sample.json`: commands, checksums, times
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from knowledge.errors import DataError, RunError
from knowledge.files import replace_text
from knowledge.sources.registry import sha256_of
from tools.quantify.plan import HERE, INDEX, SAMPLES, TRIMMED, VERSION, Plan, SamplePlan, Step

Told = Callable[[str, float], None]
RUN, SAMPLE = "quantify.json", "sample.json"
_LAST = 300
_VERSION_S = 30


def claim(plan: Plan, out: Path, transcripts: Path | None) -> dict[str, Any]:
    """Write what the run is, or check that the folder holds this one; returns it.

    Raises:
        RunError: The folder holds something else.
        DataError: A program does not start.
    """
    programs = sorted({step.program for one in plan.samples for step in one.steps})
    record: dict[str, Any] = {
        "schema": "knockwise/quantify/1",
        "quantifier": plan.quantifier,
        "versions": {name: version_of(name) for name in programs},
        "index": str(plan.index) if transcripts is None else "made here",
        "transcripts": None if transcripts is None else str(transcripts.resolve()),
        "transcripts_sha256": None if transcripts is None else sha256_of(transcripts),
    }
    path = out / RUN
    if path.is_file():
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(f"{path} cannot be read ({error}); name another --out.") from error
        changed = [name for name, value in record.items() if held.get(name) != value]
        if changed:
            raise RunError(
                f"{out} holds a run with another {', '.join(changed)}; name another --out."
            )
        return record
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} holds something else; name another --out.")
    out.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(record, indent=1) + "\n")
    return record


def version_of(program: str) -> str:
    """Return what a program says that its version is.

    Raises:
        DataError: It does not start.
    """
    try:
        done = subprocess.run(
            [program, *VERSION[program]], capture_output=True, text=True, timeout=_VERSION_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{program} does not start ({error}); install it anew.") from error
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return said[-1] if said else "unknown"


def run(plan: Plan, out: Path, progress: Told) -> list[dict[str, Any]]:
    """Run what is not done yet, and return the record of each sample.

    Raises:
        DataError: A program failed; names it and its log.
    """
    total = len(plan.samples) + 1
    if plan.make_index and not plan.index.exists():
        progress(plan.make_index.what, 0.0)
        draft = plan.index.with_name(f"draft-{plan.index.name}")
        _remove(draft)
        draft.parent.mkdir(parents=True, exist_ok=True)
        here = [str(draft) if one == str(plan.index) else one for one in plan.make_index.command]
        _execute(here, plan.make_index, out / INDEX / "index.log")
        draft.rename(plan.index)
    records = []
    for number, one in enumerate(plan.samples, start=1):
        progress(one.sample.name, number / total)
        records.append(_sample(one, out / SAMPLES))
    progress("done", 1.0)
    return records


def _sample(plan: SamplePlan, folder: Path) -> dict[str, Any]:
    """Count one sample in a draft folder, which takes its place when all went well."""
    name = plan.sample.name
    done, draft = folder / name, folder / f".{name}.part"
    commands = [list(step.command) for step in plan.steps]
    sums = {str(file): sha256_of(file) for file in plan.sample.files}
    if (done / SAMPLE).is_file():
        held: dict[str, Any] = json.loads((done / SAMPLE).read_text(encoding="utf-8"))
        if held["commands"] == commands and held["sha256"] == sums:
            return held
    _remove(draft)
    (draft / TRIMMED).mkdir(parents=True)
    began = time.time()
    for number, step in enumerate(plan.steps, start=1):
        here = [one.replace(HERE, str(draft)) for one in step.command]
        _execute(here, step, draft / f"{number}_{step.program}.log")
    shutil.rmtree(draft / TRIMMED)  # as large as the reads; the same command makes them again
    record = {"sample": name, "commands": commands, "sha256": sums,
              "seconds": round(time.time() - began, 1)}  # fmt: skip
    replace_text(draft / SAMPLE, json.dumps(record, indent=1) + "\n")
    _remove(done)
    draft.rename(done)
    return record


def _execute(command: Sequence[str], step: Step, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as handle:
        try:
            done = subprocess.run(
                command, stdout=handle, stderr=subprocess.STDOUT, check=False,
                stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"},
            )  # fmt: skip
        except OSError as error:
            raise DataError(f"{step.program} does not start ({error}); install it anew.") from error
    if done.returncode:
        kept = log.parent.parent / f"failed-{log.name}" if log.parent.name.startswith(".") else log
        if kept != log:
            shutil.copyfile(log, kept)
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "no message")
        raise DataError(
            f"{step.program} failed to {step.what} (exit {done.returncode}: {said[:_LAST]}); "
            f"its log is {kept}."
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
