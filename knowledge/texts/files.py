"""What a text index looks like on disk, and what is said when it cannot be read or written.

    index/manifest.json        what the index holds; appears when a build is complete
    index/generation-XXXX/     one complete index: documents.parquet, bm25/, chroma/
    index/vectors.sqlite       every vector computed so far, by text; what a build resumes from
    index/build.lock           held by the one process that builds

A build never touches the generation that is being read: it writes a new one, checks it, and then
replaces the manifest. A build killed at any moment leaves the old index, or none.
"""

import errno
import os
import sqlite3
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from knowledge.errors import TextIndexError
from knowledge.files import replacing
from knowledge.schema import Frozen

# Raise this when the layout or the treatment of texts changes, so that indexes are rebuilt.
FORMAT = 1
MANIFEST = "manifest.json"
VECTORS = "vectors.sqlite"
LOCK = "build.lock"
GENERATION = "generation-"
DOCUMENTS = "documents.parquet"
LEXICAL = "bm25"
DENSE = "chroma"
COLLECTION = "documents"
REBUILD = "run `knockwise index build --rebuild`"


class CorruptedIndexError(TextIndexError):
    """What is on disk can no longer be read as an index."""


class SourceEntry(Frozen):
    """How many documents a source gave, and a hash of what they say."""

    documents: int
    digest: str


class IndexManifest(Frozen):
    """What a finished index holds; there is no manifest of an unfinished one.

    `files` gives the size of each file of the generation: Chroma reads a cut-off vector file
    without complaint and answers nonsense, so sizes are compared before it is asked. `sums` are
    CRC-32 of its graphs of vectors: a flipped byte in one ends the process that searches it.
    """

    format: int
    generation: str
    encoder: str
    fingerprint: str
    sources: dict[str, SourceEntry]
    counts: dict[str, int]
    files: dict[str, int]
    sums: dict[str, int] = Field(default_factory=dict)

    @property
    def documents(self) -> int:
        """Return how many documents the index holds."""
        return sum(self.counts.values())


def read_manifest(index_dir: Path) -> IndexManifest | None:
    """Return the manifest, or None if there is no finished index of this layout.

    Raises:
        TextIndexError: The manifest is corrupted or cannot be read.
    """
    path = index_dir / MANIFEST
    try:
        manifest = IndexManifest.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TextIndexError(
            f"{path} cannot be read ({error.strerror}); check the folder's permissions."
        ) from None
    except ValidationError:
        raise corrupted(index_dir, f"{MANIFEST} is unreadable") from None
    return manifest if manifest.format == FORMAT else None


def write_manifest(index_dir: Path, manifest: IndexManifest) -> None:
    """Put `manifest` in place of the old one in one step."""
    with replacing(index_dir / MANIFEST) as draft, draft.open("w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())


def sizes(folder: Path) -> dict[str, int]:
    """Return the size of each file under `folder`."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sums(folder: Path) -> dict[str, int]:
    """Return the CRC-32 of each graph of vectors under `folder`; 80 MB take a tenth of a second."""
    return {
        path.relative_to(folder).as_posix(): _sum(path) for path in sorted(folder.rglob("*.bin"))
    }


def _sum(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found = zlib.crc32(block, found)
    return found


def damage(index_dir: Path, manifest: IndexManifest) -> str:
    """Return which file of the index is missing, cut off or altered; nothing if all are whole."""
    folder = index_dir / manifest.generation
    for name, size in manifest.files.items():
        try:
            found = (folder / name).stat().st_size
        except OSError:
            return f"{manifest.generation}/{name} is missing"
        if found != size:
            return f"{manifest.generation}/{name} has {found:,} of {size:,} bytes"
    for name, known in manifest.sums.items():
        try:
            altered = _sum(folder / name) != known
        except OSError:
            return f"{manifest.generation}/{name} cannot be read"
        if altered:
            return f"{manifest.generation}/{name} is not what was written"
    return ""


def corrupted(index_dir: Path, what: str) -> CorruptedIndexError:
    """Return the error for an index that can no longer be read."""
    return CorruptedIndexError(f"The text index in {index_dir} is corrupted ({what}); {REBUILD}.")


def unreadable(index_dir: Path, error: Exception) -> TextIndexError:
    """Return the error for an index that a library failed to open or to search."""
    if "readonly" in str(error):
        return TextIndexError(
            f"The text index in {index_dir} cannot be opened, because Chroma needs to write to it "
            "even to search; check its permissions or set KNOCKWISE_DATA to another folder."
        )
    return corrupted(index_dir, str(error))


@contextmanager
def storing(index_dir: Path) -> Generator[None]:
    """Say in one sentence why the index cannot be written.

    Python, SQLite and Arrow report a full disk each in their own way; a limit on file sizes
    (`ulimit -f`) is met as one too.

    Raises:
        TextIndexError: The disk is full, or the folder cannot be written.
    """
    from pyarrow import ArrowException

    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise _full(index_dir) from error
        where = os.fspath(error.filename) if error.filename else index_dir
        raise TextIndexError(
            f"{where} cannot be written ({error.strerror or error}); check its permissions or set "
            "KNOCKWISE_DATA to another folder."
        ) from error
    except (sqlite3.Error, ArrowException) as error:
        said = str(error)
        if any(
            word in said for word in ("disk is full", "No space left", "disk I/O", "File too large")
        ):
            raise _full(index_dir) from error
        if any(word in said for word in ("readonly", "unable to open", "permission denied")):
            raise TextIndexError(
                f"{index_dir} cannot be written ({said}); check its permissions or set "
                "KNOCKWISE_DATA to another folder."
            ) from error
        raise corrupted(index_dir, said) from error


def _full(index_dir: Path) -> TextIndexError:
    return TextIndexError(
        f"The disk with {index_dir} is full; free some space and run `knockwise index build` again:"
        " it goes on where it stopped."
    )
