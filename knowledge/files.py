"""Writing files that are there whole or not at all, and cells that no spreadsheet runs."""

import ctypes
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from knowledge.errors import DataError

# The longest name that common file systems take, in bytes.
LONGEST_NAME = 255
_TOKEN_BYTES = 4
_DRAFT = ".part"
_SAID = 200
# What a spreadsheet reads as the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)


@contextmanager
def shipped(path: Path) -> Generator[None]:
    """Say in one sentence that a file cannot be used that comes with Knockwise.

    Raises:
        DataError: Reading it failed.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = " ".join(str(error).split())[:_SAID]
        raise DataError(f"{path} is missing or damaged ({said}); reinstall Knockwise.") from error


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a draft beside `path`, which takes its place when the block ends well.

    The draft is a fresh file of its own name: a link that somebody put there beforehand is never
    written through, and two writers at once do not share a draft.
    """
    draft = fresh_file(path)
    try:
        yield draft
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def fresh_file(path: Path) -> Path:
    """Return the path of a new, empty file in the folder of `path`."""
    ending = f".{secrets.token_hex(_TOKEN_BYTES)}{_DRAFT}"
    draft = path.with_name(f".{shortened(path.name, LONGEST_NAME - 1 - len(ending))}{ending}")
    # Like `open`, so that the user's umask decides who may read the file.
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return draft


def is_draft(path: Path) -> bool:
    """Return whether a file is a draft of ours, which a process that was killed leaves behind."""
    return path.name.startswith(".") and path.name.endswith(_DRAFT)


def shortened(name: str, longest: int) -> str:
    """Return the beginning of a file name that takes no more than `longest` bytes."""
    return os.fsdecode(os.fsencode(name)[:longest]) if len(os.fsencode(name)) > longest else name


def replace_text(path: Path, text: str) -> None:
    """Write `text` such that an interruption leaves the old file or the new."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def content_digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a JSON file says, however it is laid out."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def harmless_cell(cell: str) -> str:
    """Return a cell of a CSV file that a spreadsheet shows and does not run.

    A cell that came from a user and would be read as a formula gets an apostrophe; numbers stay.
    """
    if cell.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(cell.strip()):
        return f"'{cell}"
    return cell


@contextmanager
def replacing_folder(folder: Path) -> Generator[Path]:
    """Yield an empty draft beside `folder`, which takes its place whole when the block ends well.

    What lies in `folder` and not in the draft is kept.
    """
    target = folder.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    draft.mkdir()
    try:
        yield draft
        if target.is_dir():
            _keep(target, draft)
            _exchange(target, draft)
        else:
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _keep(old: Path, new: Path) -> None:
    """Link what `old` holds and `new` does not into `new`; both have it until `old` goes."""
    for path in old.iterdir():
        if not (new / path.name).exists():
            if path.is_dir() and not path.is_symlink():
                shutil.copytree(path, new / path.name, symlinks=True, copy_function=_link)
            else:
                _link(path, new / path.name)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        # Some network and memory-stick file systems know no links.
        shutil.copy2(source, target, follow_symlinks=False)


def _exchange(old: Path, new: Path) -> None:
    """Let two folders change places, in one step where the system has one."""
    if sys.platform == "linux":
        here, both = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        rename = getattr(ctypes.CDLL(None), "renameat2", None)
        if rename and rename(here, os.fsencode(old), here, os.fsencode(new), both) == 0:
            return
    aside = new.with_name(f"{new.name}.old")
    old.rename(aside)
    try:
        new.rename(old)
    except OSError:
        aside.rename(old)
        raise
    aside.rename(new)
