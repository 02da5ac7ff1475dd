"""Reads delimited text as upstream ships it, and says which line is wrong when one is."""

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from knowledge.errors import DataError

_REMEDY = "run `knockwise data pull` again"


@contextmanager
def open_text(path: Path) -> Generator[TextIO]:
    """Open plain, gzipped or zipped text, told apart by content rather than by name.

    Upstreams compress the same file or not from one release to the next.

    Raises:
        DataError: The file is missing, cut short, or not text.
    """
    try:
        with path.open("rb") as raw:
            magic = raw.read(2)
        if magic == b"\x1f\x8b":
            with gzip.open(path, "rt", encoding="utf-8", newline="") as handle:
                yield handle
        elif magic == b"PK":
            with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
                yield io.TextIOWrapper(member, encoding="utf-8", newline="")
        else:
            with path.open(encoding="utf-8", newline="") as handle:
                yield handle
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {_REMEDY}.") from None
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is cut short or corrupted ({error}); {_REMEDY}.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}); {_REMEDY}.") from None


def malformed(path: Path, line: int, expected: str) -> DataError:
    """Return the error for a line that does not look as the format says it should."""
    return DataError(f"{path}, line {line}: expected {expected}; {_REMEDY}.")


def header_of(path: Path) -> tuple[str, ...]:
    """Return the first line's tab-separated fields."""
    with open_text(path) as handle:
        return tuple(handle.readline().rstrip("\r\n").split("\t"))


def read_table(
    path: Path,
    columns: Sequence[str],
    *,
    header: Sequence[str] | None = None,
    quoted: bool = False,
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the wanted `columns` of each row of a tab-separated file.

    Args:
        path: The file.
        columns: Names of the columns to return, in this order.
        header: The column names of a file that has no header line.
        quoted: Whether double quotes enclose fields (HGNC) or are plain characters.

    Raises:
        DataError: A column is missing or a row has too few fields; names file and line.
    """
    with open_text(path) as handle:
        rows = csv.reader(
            handle, delimiter="\t", quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        names = list(header) if header is not None else next(rows, [])
        missing = [name for name in columns if name not in names]
        if missing:
            raise malformed(path, 1, f"a tab-separated header with {', '.join(missing)}")
        wanted = [names.index(name) for name in columns]
        last = max(wanted)
        try:
            for row in rows:
                if len(row) <= last:
                    if not row:
                        continue
                    raise malformed(
                        path, rows.line_num, f"at least {last + 1} tab-separated fields"
                    )
                yield rows.line_num, [row[i] for i in wanted]
        except csv.Error as error:
            raise malformed(path, rows.line_num, f"tab-separated text ({error})") from None


def whole_number(path: Path, line: int, text: str, column: str) -> int:
    """Return `text` as an integer; a float such as `-1.0` counts as one.

    Raises:
        DataError: It is not a number.
    """
    try:
        return int(float(text))
    except ValueError:
        raise malformed(path, line, f"a whole number in {column}, found {text!r}") from None
