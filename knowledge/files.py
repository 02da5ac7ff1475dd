"""Writing files that are there whole or not at all."""

import ctypes
import os
import secrets
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a draft beside `path`, which takes its place when the block ends well."""
    draft = path.with_name(f"{path.name}.part")
    yield draft
    draft.replace(path)


def replace_text(path: Path, text: str) -> None:
    """Write `text` such that an interruption leaves the old file or the new."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


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
