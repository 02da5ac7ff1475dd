"""Reads a file that somebody uploaded, in a process of its own that may take little and end early.

`python -m app.web.parse FILE FOLDER` writes what it found to FOLDER: `table.csv`, a plain table
with the same cells, and `about.json`. Nothing but those is read by the server afterwards.
"""

import csv
import json
import sys
from pathlib import Path

from knowledge.errors import KnockwiseError
from knowledge.user_tables.file import open_table
from knowledge.user_tables.results import recognised

MOST_ROWS = 200_000
MOST_COLUMNS = 400
LONGEST_CELL = 400
MOST_BYTES = 64 << 20
MEMORY = 3 << 30
CPU_S = 60
PREVIEW = 8


def parse(file: Path, folder: Path) -> dict[str, object]:
    """Copy the table in `file` as plain CSV, and return what it is.

    Raises:
        KnockwiseError: It is no table, or too large a one.
    """
    table = open_table(file)
    if len(table.columns) > MOST_COLUMNS:
        raise KnockwiseError(f"The table has more than {MOST_COLUMNS} columns; leave some out.")
    count = written = 0
    preview: list[tuple[str, ...]] = []
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([cell[:LONGEST_CELL] for cell in table.columns])
        for row in table.rows():
            if row.problem:
                raise KnockwiseError(f"Line {row.line}: {row.problem}; correct the table.")
            count += 1
            cells = tuple(cell[:LONGEST_CELL] for cell in row.cells)
            written += sum(map(len, cells))
            if count > MOST_ROWS or written > MOST_BYTES:
                raise KnockwiseError(
                    f"The table has more than {MOST_ROWS:,} rows or {MOST_BYTES >> 20} MB of text; "
                    "leave out what is not needed."
                )
            writer.writerow(cells)
            if len(preview) < PREVIEW:
                preview.append(cells)
    known = recognised(table.columns)
    return {
        "columns": [cell[:LONGEST_CELL] for cell in table.columns],
        "preview": preview,
        "rows": count,
        "notes": list(table.notes),
        "description": known.description if known else "",
        "hits": known.hits if known else False,
    }


def main() -> None:
    """Read the file that the command names, within limits."""
    file, folder = Path(sys.argv[1]), Path(sys.argv[2])
    _limit()
    try:
        found: dict[str, object] = parse(file, folder)
    except KnockwiseError as error:
        found = {"why": str(error).replace(str(file), "The file").replace(file.name, "the file")}
    except (MemoryError, OverflowError):
        found = {"why": "The file needs too much memory to be read; give a smaller table."}
    except OSError as error:
        found = {"why": f"The file cannot be read ({error.strerror or 'too large'})."}
    (folder / "about.json").write_text(json.dumps(found), encoding="utf-8")


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return  # Windows has no such limits; time is limited by the server
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MOST_BYTES, 2 * MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
