"""Reads the tables that people bring: any delimiter, any usual encoding, nothing guessed unsaid."""

import atexit
import csv
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from knowledge.errors import QuestionError
from knowledge.user_tables.results import recognised
from knowledge.user_tables.text import opened, sniffed

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
BLANKS = " "
BLANK_NAME = re.compile(r"(unnamed:? ?\d*)?", re.IGNORECASE)
_SAMPLE_LINES = 20
_PARQUET = b"PAR1"
# No line of a table comes near; a longer one is a file of another kind.
_LONGEST_LINE = 1 << 24
_QUOTES = ("''", "\u2018\u2019", "\u201c\u201d", "``")


@dataclass(frozen=True)
class TableRow:
    """One row of a table.

    Attributes:
        line: Its line in the file, or its number in a file without lines.
        cells: One per column, stripped of blanks.
        problem: What is wrong with its form; "" if nothing.
    """

    line: int
    cells: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class TableFile:
    """A table as a person saved it; `rows` reads it from the start each time.

    Attributes:
        path: The file.
        columns: Their names as they stand in the file, stripped; "" for a nameless one.
        notes: What was unusual and how it was read, each a sentence.
        encoding: Of its text.
        delimiter: Between its fields.
        skipped: Lines before the first line.
        parquet: Whether it is no text.
    """

    path: Path
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ","
    skipped: int = 0
    parquet: bool = False

    def rows(self) -> Iterator[TableRow]:
        """Iterate over the rows, some at a time in memory.

        Raises:
            QuestionError: The file cannot be read to its end; names the line.
        """
        yield from _parquet_rows(self.path) if self.parquet else self._text_rows()

    def _text_rows(self) -> Iterator[TableRow]:
        width = len(self.columns)
        with opened(self.path, self.encoding) as handle:
            lines = _Lines(handle, self.skipped)
            reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)
            try:
                next(reader, None)
                first, lines.quotes = lines.number, 0
                for cells in reader:
                    line, quotes = first + 1, lines.quotes
                    spans, first, lines.quotes = lines.number - first, lines.number, 0
                    if not any(map(str.strip, cells)):
                        continue
                    if spans > 1 and (quotes % 2 or len(cells) != width):
                        raise QuestionError(
                            f"{self.path}, line {line}: a quotation mark is opened and never "
                            "closed; close or remove it."
                        )
                    yield _fitted(line, cells, width)
            except csv.Error as error:
                raise QuestionError(
                    f"{self.path}, line {lines.number}: a field is too long or a quotation mark "
                    f"is never closed ({error}); correct the line."
                ) from error

    def column(self, *names: str) -> int | None:
        """Return the position of the column with one of these names, in any case and spelling.

        Raises:
            QuestionError: Several columns are called so.
        """
        wanted = {column_key(name) for name in names}
        found = [i for i, name in enumerate(self.columns) if column_key(name) in wanted]
        if len(found) > 1:
            said = " and ".join(repr(self.columns[i]) for i in found)
            raise QuestionError(
                f"{self.path} has the columns {said}, which mean the same; keep one of them."
            )
        return found[0] if found else None


def column_key(name: str) -> str:
    """Return a column's name without case, blanks, hyphens, dots and underscores."""
    return re.sub(r"[\s_.\-]+", "", name).casefold()


def open_table(path: Path) -> TableFile:
    """Return the table in a file: CSV, TSV or parquet, told apart by content, gzipped or not.

    Raises:
        QuestionError: It is no table; says what it is instead and what to do.
    """
    try:
        with path.open("rb") as raw:
            magic = raw.read(len(_PARQUET))
    except OSError as error:
        raise QuestionError(
            f"{path} cannot be read ({error.strerror or error}); check the file."
        ) from error
    if magic == _PARQUET:
        return TableFile(path, _parquet_columns(path), parquet=True)
    text = sniffed(path)
    notes = list(text.notes)
    lines = text.head.splitlines()
    skipped = 0
    delimiter = ""
    while skipped < len(lines) and (not lines[skipped].strip() or _is_remark(lines[skipped])):
        if lines[skipped].casefold().startswith("sep=") and len(lines[skipped].strip()) == 5:
            delimiter = lines[skipped].strip()[4]
        skipped += 1
    lines = lines[skipped : skipped + _SAMPLE_LINES]
    delimiter = delimiter or _delimiter_of(lines)
    if delimiter != ",":
        said = {**DELIMITERS, BLANKS: "blanks"}.get(delimiter, repr(delimiter))
        notes.append(f"{path.name} is separated by {said}.")
    try:
        parsed = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise QuestionError(
            f"{path}: a field is too long or a quotation mark is never closed ({error}); correct "
            "the first lines."
        ) from error
    columns = [_bare(name) for name in (parsed[0] if parsed else [])]
    named = [row[0] for row in parsed[1:] if len(row) == len(columns) + 1]
    if len(named) > 1 and len(set(named)) == len([row for row in parsed[1:] if row]):
        # R's write.table gives row names no column name.
        columns.insert(0, "")
        notes.append(f"The first field of each row of {path.name} is read as a row name.")
    return TableFile(path, tuple(columns), tuple(notes), text.encoding, delimiter, skipped)


def regular_file(path: Path) -> Path:
    """Return a file that can be read twice: a pipe's content is kept until the process ends.

    Raises:
        QuestionError: The pipe cannot be read.
    """
    if not path.exists() or path.is_file() or path.is_dir():
        return path
    descriptor, name = tempfile.mkstemp(prefix="knockwise-")
    kept = Path(name)
    atexit.register(kept.unlink, missing_ok=True)
    try:
        with os.fdopen(descriptor, "wb") as copy, path.open("rb") as pipe:
            shutil.copyfileobj(pipe, copy)
    except OSError as error:
        raise QuestionError(f"{path} cannot be read ({error.strerror}); give a file.") from error
    return kept


def require_columns(
    table: TableFile,
    wanted: Mapping[str, Sequence[str]],
    known_words: Iterable[str] = (),
    remedies: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, int]:
    """Return the position of each wanted column.

    Args:
        table: The file.
        wanted: Our name of each column, and further names it goes by.
        known_words: Words that are values of these columns, so that a first line of data is told
            from a header.
        remedies: What else may be done where only one column is missing.

    Raises:
        QuestionError: Columns are missing; says what the file looks like instead.
    """
    found = {name: table.column(name, *others) for name, others in wanted.items()}
    missing = [name for name, at in found.items() if at is None]
    if not missing:
        return {name: at for name, at in found.items() if at is not None}
    path, names = table.path, ", ".join(wanted)
    if result := recognised(table.columns):
        raise QuestionError(f"{path} is {result.description}: {result.remedy(table.columns)}")
    if hint := _elsewhere(table, wanted):
        raise QuestionError(f"{path} has no column {missing[0]} in its first line; {hint}.")
    values = {word.casefold() for word in known_words}
    if any(name.casefold() in values for name in table.columns if name):
        raise QuestionError(
            f"{path} has no column {missing[0]}, because its first line is data "
            f"({', '.join(table.columns[:3])}); put a first line that names {names}."
        )
    if len(missing) == 1 and (remedy := remedies.get(missing[0])):
        raise QuestionError(f"{path} has no column {missing[0]}; {remedy}.")
    has = ", ".join(repr(name[:40]) for name in table.columns[:8]) or "none"
    raise QuestionError(
        f"{path} has no column {' and no column '.join(missing)}; the first line must name "
        f"{names} (its columns are {has})."
    )


def _elsewhere(table: TableFile, wanted: Mapping[str, Sequence[str]]) -> str:
    """Return where the wanted names stand, if not in the first line; nothing if nowhere."""
    keys = {name: {column_key(one) for one in (name, *others)} for name, others in wanted.items()}

    def holds(cells: Iterable[str]) -> bool:
        found = {column_key(cell) for cell in cells}
        return all(found & one for one in keys.values())

    if table.columns[:1] and any(holds(table.columns[0].split(one)) for one in DELIMITERS):
        return "each line stands in quotation marks as a whole; remove these"
    if table.parquet:
        return ""
    lines = sniffed(table.path).head.splitlines()[:_SAMPLE_LINES]
    split = [[_bare(cell) for cell in re.split(r"[,;\t|]", line)] for line in lines]
    for number, cells in enumerate(split[1:], start=2):
        if holds(cells):
            return f"line {number} looks like the header; remove the lines before it"
    if holds(cells[0] for cells in split):
        return "all of them stand in its first column, so exchange rows and columns"
    return ""


def index_column(table: TableFile) -> int | None:
    """Return the position of a nameless first column, as pandas and R write an index."""
    return 0 if table.columns and BLANK_NAME.fullmatch(table.columns[0]) else None


class _Lines:
    """The lines of a file without the first `skipped`, counted, with the quotation marks seen."""

    def __init__(self, handle: TextIO, skipped: int) -> None:
        self._handle = handle
        self.number = 0
        self.quotes = 0
        for _ in range(skipped):
            next(self)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._handle.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == _LONGEST_LINE:
            raise csv.Error("a line is longer than any of a table")
        line = line.replace("\0", "")
        self.number += 1
        self.quotes += line.count('"')
        return line.lstrip("\ufeff") if self.number == 1 else line


def _fitted(line: int, cells: Sequence[str], width: int) -> TableRow:
    """Return a row of as many cells as there are columns."""
    stripped = [_bare(cell) for cell in cells]
    while len(stripped) > width and not stripped[-1]:
        stripped.pop()
    problem = ""
    if len(stripped) > width:
        problem = f"it has {len(stripped)} fields and the first line {width}"
    stripped += [""] * (width - len(stripped))
    return TableRow(line, tuple(stripped[:width]), problem)


def _bare(cell: str) -> str:
    """Return a cell without blanks and without quotation marks that CSV does not know."""
    bare = cell.strip().strip("\u200b\u2060\ufeff").strip()
    if len(bare) > 1 and bare[0] + bare[-1] in _QUOTES:
        return bare[1:-1].strip()
    return bare


def _is_remark(line: str) -> bool:
    return line.startswith("#") or bool(re.fullmatch(r"sep=.\s*", line, re.IGNORECASE))


def _delimiter_of(lines: Sequence[str]) -> str:
    """Return what separates the header's names, preferring what does so in every line."""
    if not lines:
        return ","
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines if line.strip()]
    counts = {one: [line.count(one) for line in bare] for one in DELIMITERS}
    usable = {one: found for one, found in counts.items() if found[0]}
    if not usable:
        width = len(bare[0].split()) if bare else 0
        # R's write.table gives row names no column name.
        rows = {len(line.split()) for line in bare[1:]}
        return BLANKS if width > 1 and rows in (set(), {width}, {width + 1}) else ","
    return max(usable, key=lambda one: (min(usable[one]) > 0, usable[one][0]))


def _parquet_columns(path: Path) -> tuple[str, ...]:
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    try:
        return tuple(str(name).strip() for name in read_schema(path).names)
    except (ArrowException, OSError) as error:
        raise QuestionError(f"{path} cannot be read as parquet ({error}).") from error


def _parquet_rows(path: Path) -> Iterator[TableRow]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=10_000):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield TableRow(
                        number, tuple("" if c is None else str(c).strip() for c in cells)
                    )
    except (ArrowException, OSError) as error:
        raise QuestionError(f"{path} cannot be read as parquet ({error}).") from error
