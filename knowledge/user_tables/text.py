"""Opens the text that people bring: compressed or not, in any usual encoding, or says what it is.

A file is told apart by its content, never by its name.
"""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from knowledge.errors import QuestionError

SAMPLE_BYTES = 1 << 20
TABLE = "a table of text, such as CSV"
_UTF16 = "UTF-16"
# UTF-32 before UTF-16, whose mark it begins with.
_BOMS = (
    (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_MOSTLY = 0.4
# What is no text, by its first bytes.
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a text document with formatting (RTF)"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"ARROW1", "a Feather file"),
    (b"FEA1", "a Feather file"),
    (b"RDX", "an R data file"),
    (b"X\n\0\0\0", "an R data file"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)
_PICKLE, _TAR, _TAR_AT = b"\x80", b"ustar", 257
_OFFICE = ("[Content_Types].xml", "mimetype", "xl/", "Index/")
_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)


@dataclass(frozen=True)
class TextFile:
    """A file of text.

    Attributes:
        path: The file.
        encoding: Of its text, a codec's name.
        head: How it begins, unpacked.
        notes: What is unusual about it and how it is read, each a sentence.
    """

    path: Path
    encoding: str
    head: str
    notes: tuple[str, ...] = ()


def sniffed(path: Path, wanted: str = TABLE) -> TextFile:
    """Return what a file of text is like.

    Args:
        path: The file.
        wanted: What it should be, for the sentence that refuses it.

    Raises:
        QuestionError: It cannot be read, or is no text; says what it is instead.
    """
    try:
        with unpacked(path) as stream:
            head = stream.read(SAMPLE_BYTES)
    except _ERRORS as error:
        raise _unreadable(path, error) from error
    if what := _foreign(head):
        raise QuestionError(f"{path} is {what}; give {wanted}.")
    encoding, notes = _encoding(path, head)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    if "\0" in text:
        raise QuestionError(f"{path} is not text; give {wanted}.")
    return TextFile(path, encoding, text, tuple(notes))


@contextmanager
def opened(path: Path, encoding: str) -> Generator[io.TextIOWrapper]:
    """Open text, compressed or not.

    Raises:
        QuestionError: It cannot be read to its end.
    """
    try:
        # A decoder error in the middle of a stream is a damaged file, not another encoding.
        with (
            unpacked(path) as stream,
            io.TextIOWrapper(cast("BinaryIO", stream), encoding=encoding, newline="") as handle,
        ):
            yield handle
    except _ERRORS as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise QuestionError(
            f"{path} is not {encoding.upper().removesuffix('-SIG')} text throughout "
            f"({error.reason}); save it as UTF-8."
        ) from error


@contextmanager
def unpacked(path: Path) -> Generator[IO[bytes]]:
    """Open a file that may be compressed by gzip, bzip2, xz or zip.

    Raises:
        QuestionError: It is an archive of several files, or an Office document.
        OSError: It cannot be read.
    """
    with path.open("rb") as raw:
        magic = raw.read(6)
        raw.seek(0)
        if magic.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast("IO[bytes]", stream)
        elif magic.startswith(b"BZh"):
            with bz2.open(raw) as stream:
                yield cast("IO[bytes]", stream)
        elif magic.startswith(b"\xfd7zXZ\0"):
            with lzma.open(raw) as stream:
                yield cast("IO[bytes]", stream)
        elif magic.startswith(b"PK"):
            with zipfile.ZipFile(raw) as archive, archive.open(_member(path, archive)) as stream:
                yield stream
        else:
            yield raw


def _member(path: Path, archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if any(name.startswith(_OFFICE) for name in names):
        raise QuestionError(f"{path} is an Excel workbook or its like; save the table as CSV.")
    names = [name for name in names if not name.startswith("__MACOSX/")]
    if len(names) != 1:
        raise QuestionError(f"{path} is an archive of {len(names):,} files; unpack it, name one.")
    return names[0]


def _foreign(head: bytes) -> str:
    """Return what a file is that is no text, or nothing."""
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            return what
    if head.startswith(_PICKLE) and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return "a pickle of Python"
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "a tar archive"
    start = head[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[{", b"[[", b'["')):
        return "JSON"
    if start[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<table", b"<head")):
        return "a page of the web (HTML or XML)"
    return ""


def _encoding(path: Path, head: bytes) -> tuple[str, list[str]]:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            name = encoding.upper()
            return encoding, [] if encoding == "utf-8-sig" else [f"{path.name} is read as {name}."]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        part = head[first:400:2]
        if len(part) > 1 and part.count(0) > _MOSTLY * len(part):
            return encoding, [f"{path.name} is read as {_UTF16}."]
    try:
        # The sample may end inside a character.
        head[: -4 if len(head) == SAMPLE_BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 4 or len(head) < SAMPLE_BYTES:
            note = f"{path.name} is not UTF-8; it is read as Windows-1252 (Western European)."
            return "cp1252", [note]
    return "utf-8", []


def _unreadable(path: Path, error: Exception) -> QuestionError:
    if isinstance(error, zipfile.BadZipFile):
        return QuestionError(
            f"{path} is a damaged archive or Excel workbook ({error}); save it as plain text."
        )
    reason = getattr(error, "strerror", None) or error
    return QuestionError(f"{path} cannot be read ({reason}); check the file.")
