"""Reads tables of which genes a cell line needs, as DepMap's derivatives ship them."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from knowledge.errors import DataError
from knowledge.parsers.table import malformed, open_text

Row = Mapping[str, str]


def read_selective(path: Path) -> dict[str, frozenset[str]]:
    """Return line -> genes that it needs more than most lines do (columns line, gene).

    Raises:
        DataError: The file is missing, damaged or of another format.
    """
    found: dict[str, set[str]] = defaultdict(set)
    with _rows(path, ",", ("line", "gene")) as rows:
        for row in rows:
            found[row["line"]].add(row["gene"])
    return {line: frozenset(genes) for line, genes in found.items()}


def read_numbers(path: Path, key: str, value: str, delimiter: str = ",") -> dict[str, float]:
    """Return gene -> number, without genes that have none.

    Args:
        path: A table with a header.
        key: The column of the gene's symbol.
        value: The column of the number.
        delimiter: Between columns.

    Raises:
        DataError: The file is missing, damaged or of another format.
    """
    found = {}
    with _rows(path, delimiter, (key, value)) as rows:
        for number, row in enumerate(rows, start=2):
            if row[value] in ("", "NA"):
                continue
            try:
                found[row[key]] = float(row[value])
            except ValueError:
                raise malformed(path, number, f"a number in the column {value}") from None
    return found


@contextmanager
def _rows(path: Path, delimiter: str, columns: tuple[str, ...]) -> Iterator[Iterator[Row]]:
    with open_text(path) as handle:
        reader = csv.DictReader(handle, delimiter=delimiter)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{path} has no column {missing[0]}; run `knockwise data pull` again.")
        yield reader
