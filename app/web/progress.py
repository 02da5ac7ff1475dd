"""The steps of a run as they are written, for a page that watches."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NODES = {
    "ground": "reads",
    "retrieve": "looks up",
    "consult": "predicts",
    "propose": "proposes",
    "verify": "verifies",
    "commit": "keeps",
    "survey": "compares",
    "answer": "answers",
}


class Told:
    """Reads what a run has told since it was last asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._at = self._count = 0
        self._rest = b""

    def new(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Iterate over the new steps with their numbers, from 1; a line half written waits."""
        try:
            with (self.folder / "trace.jsonl").open("rb") as trace:
                trace.seek(self._at)
                text = trace.read()
        except OSError:
            return
        self._at += len(text)
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            if step := _step(line):
                self._count += 1
                yield self._count, step


def told_so_far(folder: Path) -> tuple[list[dict[str, str]], int]:
    """Return the steps that a run has told, and how many there are."""
    steps = [step for _, step in Told(folder).new()]
    return steps, len(steps)


def _step(line: bytes) -> dict[str, str] | None:
    try:
        event: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not {"node", "message"} <= event.keys():
        return None
    node = str(event["node"])
    return {"node": NODES.get(node, node), "message": str(event["message"])}
