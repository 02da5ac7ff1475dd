"""A person's runs on the page: listed, found, renamed, deleted, and shared as one file."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from agent.run import (
    RunRequest,
    create,
    is_there,
    load_answer,
    load_request,
    new_run_dir,
    runs,
)
from knowledge.errors import RunError
from knowledge.files import replace_text
from knowledge.schema import Answer, Frozen

State = Literal["queued", "stopped", "failed", "finished", "unfinished"]
SLIP = "web.json"
SHARED = "knockwise/run/1"
LONGEST_TITLE = 200
# Runs that are looked through for those that go on from one.
MOST_FOLLOWED = 300
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class Slip(Frozen):
    """What the page keeps beside a run; `web.json` of its folder.

    Attributes:
        title: What the person calls it; "" for the question.
        follows: The run that it goes on from; "" for none.
        state: Where it stands, as far as the page has a say.
        why: Why it failed.
    """

    title: str = ""
    follows: str = ""
    state: Literal["queued", "stopped", "failed", ""] = ""
    why: str = ""


class Entry(Frozen):
    """A run in a list."""

    name: str
    title: str
    question: str
    started: datetime
    state: State
    follows: str = ""
    why: str = ""


class Shared(Frozen):
    """A finished run as one file."""

    format: Literal["knockwise/run/1"] = "knockwise/run/1"
    title: str = ""
    request: RunRequest
    answer: Answer
    effects: str = ""


def read_slip(folder: Path) -> Slip:
    """Return what the page keeps beside a run; an empty one where it keeps nothing."""
    try:
        return Slip.model_validate_json((folder / SLIP).read_bytes())
    except (OSError, ValidationError):
        return Slip()


def write_slip(folder: Path, **changes: str) -> Slip:
    """Change what the page keeps beside a run."""
    slip = Slip.model_validate({**read_slip(folder).model_dump(), **changes})
    replace_text(folder / SLIP, slip.model_dump_json() + "\n")
    return slip


class Shelf:
    """The runs below one folder; nothing outside it is read or written, whatever a name says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str) -> Path:
        """Return the folder of a run.

        Raises:
            RunError: There is none of this name.
        """
        folder = self._folder / name
        if not _NAME.fullmatch(name) or not is_there(folder / "settings.json"):
            raise RunError(f"There is no run {name[:80]!r}; the list of runs has those there are.")
        return folder

    def entry(self, folder: Path) -> Entry:
        """Return a run as the list has it.

        Raises:
            RunError: It is damaged.
        """
        request, slip = load_request(folder), read_slip(folder)
        state: State = slip.state or "unfinished"
        if is_there(folder / "result.json"):
            state = "finished"
        return Entry(
            name=folder.name,
            title=slip.title or request.question,
            question=request.question,
            started=request.started,
            state=state,
            follows=slip.follows,
            why=slip.why,
        )

    def entries(self, words: str = "") -> Iterator[Entry]:
        """Iterate over the runs that have all of `words`, newest first; damaged ones are left out.

        Raises:
            RunError: The folder cannot be read.
        """
        wanted = words.casefold().split()
        for folder in runs(self._folder):
            try:
                entry = self.entry(folder)
            except RunError:
                continue
            said = f"{entry.title} {entry.question} {entry.name}".casefold()
            if all(word in said for word in wanted):
                yield entry

    def thread(self, folder: Path) -> list[Entry]:
        """Return the runs that a run goes on from, the first question first, and itself."""
        found = [self.entry(folder)]
        while before := found[0].follows:
            if before in {one.name for one in found}:
                break
            try:
                found.insert(0, self.entry(self.find(before)))
            except RunError:
                break
        return found

    def later(self, folder: Path) -> list[Entry]:
        """Return the runs that go on from a run, the oldest first."""
        newest = islice(self.entries(), MOST_FOLLOWED)
        return [one for one in newest if one.follows == folder.name][::-1]

    def rename(self, name: str, title: str) -> None:
        """Give a run a title of one's own; an empty one gives it back its question."""
        write_slip(self.find(name), title=" ".join(title.split())[:LONGEST_TITLE])

    def delete(self, name: str) -> None:
        """Delete a run.

        Raises:
            RunError: It cannot be deleted, or there is none.
        """
        folder = self.find(name)
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise RunError(f"{folder} cannot be deleted ({error.strerror}).") from error

    def shared(self, name: str) -> str:
        """Return a finished run as one JSON file, without the settings it was made with.

        Raises:
            RunError: It is not finished, or damaged.
        """
        folder = self.find(name)
        request, effects = load_request(folder), folder / "effects.csv"
        one = Shared(
            title=read_slip(folder).title,
            request=request.model_copy(update={"settings": {}}),
            answer=load_answer(folder),
            effects=effects.read_text(encoding="utf-8") if effects.is_file() else "",
        )
        return one.model_dump_json(indent=1) + "\n"

    def take(self, text: bytes) -> str:
        """Put a run that somebody shared among these, and return its name.

        Raises:
            RunError: It is no such file.
        """
        try:
            one = Shared.model_validate(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise RunError(
                "This is no run that Knockwise shared; give the file that 'Share' downloads."
            ) from error
        folder = new_run_dir(self._folder, one.request.question, datetime.now(UTC))
        create(folder, one.request)
        answer = one.answer.model_copy(update={"run": folder.name})
        replace_text(folder / "effects.csv", one.effects)
        write_slip(folder, title=one.title[:LONGEST_TITLE])
        replace_text(folder / "result.json", answer.model_dump_json(indent=2) + "\n")
        return folder.name
