"""Lists and tables that people bring: kept a while, small, and read by a process of its own."""

import json
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from knowledge.errors import QuestionError
from knowledge.files import replace_text
from knowledge.schema import Frozen

FOLDER = "uploads"
KEPT = 20
"""Uploads of a person; the oldest goes when there are more."""
TIMEOUT_S = 90
LONGEST_LIST = 400_000
_ID = re.compile(r"[0-9a-f]{16}")
_PIECE = 1 << 20
PARSER = f"{__package__}.parse"
GONE = "This list is no longer here; give it again."


class Upload(Frozen):
    """A list or table as it was read; `preview` are its first rows.

    Attributes:
        name: What the person's file is called; "" for genes that were typed.
        columns: Its columns.
        preview: Its first rows.
        rows: How many it has.
        notes: How it was read, where that is not plain.
        description: What it is, such as `a result of DESeq2`; "" for none of the usual programs.
        hits: Whether its genes were perturbed.
    """

    name: str = ""
    columns: tuple[str, ...] = ()
    preview: tuple[tuple[str, ...], ...] = ()
    rows: int = 0
    notes: tuple[str, ...] = ()
    description: str = ""
    hits: bool = False


class Uploads:
    """The lists of one person, in a folder beside their runs."""

    def __init__(self, runs: Path) -> None:
        self._folder = runs / FOLDER

    def take(self, name: str, file: BinaryIO) -> str:
        """Read a file, and return what the list is called here.

        Raises:
            QuestionError: It is no table, or too large a one.
        """
        folder = self._fresh()
        raw = folder / "raw"
        try:
            with raw.open("wb") as out:
                while piece := file.read(_PIECE):
                    out.write(piece)
            if not raw.stat().st_size:
                raise QuestionError("The file is empty; give a table or a list of genes.")
            about = _parsed(raw, folder)
            if why := about.get("why"):
                raise QuestionError(str(why))
            one = Upload.model_validate({**about, "name": _said(name)})
            replace_text(folder / "upload.json", one.model_dump_json())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            raw.unlink(missing_ok=True)
        return folder.name

    def write(self, words: str) -> str:
        """Keep genes that somebody typed, and return what the list is called here.

        Raises:
            QuestionError: There are none, or too many.
        """
        words = words.strip()
        if not words:
            raise QuestionError("Give a file, or type some genes.")
        if len(words) > LONGEST_LIST:
            raise QuestionError(f"Type at most {LONGEST_LIST:,} characters, or give a file.")
        folder = self._fresh()
        (folder / "typed.txt").write_text(words, encoding="utf-8")
        replace_text(folder / "upload.json", Upload().model_dump_json())
        return folder.name

    def find(self, name: str) -> tuple[Upload, str]:
        """Return a list, and what reads it: a path, or words as they were typed.

        Raises:
            QuestionError: There is none of this name.
        """
        folder = self._folder / name
        if not _ID.fullmatch(name):
            raise QuestionError(GONE)
        try:
            one = Upload.model_validate_json((folder / "upload.json").read_bytes())
            typed = folder / "typed.txt"
            words = typed.read_text(encoding="utf-8") if typed.is_file() else ""
        except (OSError, ValidationError):
            raise QuestionError(GONE) from None
        return one, words or str(folder / "table.csv")

    def _fresh(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = sorted(self._folder.iterdir(), key=lambda one: one.stat().st_mtime)
        for old in held[: max(0, len(held) - KEPT + 1)]:
            shutil.rmtree(old, ignore_errors=True)
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        return folder


def _parsed(raw: Path, folder: Path) -> dict[str, object]:
    """Return what the process that reads the file says."""
    command = [sys.executable, "-m", PARSER, str(raw), str(folder)]
    try:
        subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)
        found = json.loads((folder / "about.json").read_bytes())
    except subprocess.TimeoutExpired:
        return {"why": f"The file took more than {TIMEOUT_S} s to read; give a smaller table."}
    except (subprocess.CalledProcessError, OSError, ValueError):
        return {"why": "The file cannot be read within the limits; give a smaller table as CSV."}
    return found if isinstance(found, dict) else {"why": "The file cannot be read."}


def _said(name: str) -> str:
    """Return a file's name without folders and signs that do not print."""
    bare = re.split(r"[/\\]", name)[-1]
    return "".join(char for char in bare if char.isprintable())[:120]
