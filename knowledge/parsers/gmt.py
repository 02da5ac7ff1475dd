"""Reads gene sets in the GMT format (Broad Institute, Enrichr)."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.parsers.table import malformed, open_text


class RawSet(NamedTuple):
    """A named set, its members in the file's own symbols."""

    name: str
    description: str
    members: tuple[str, ...]


def read_gmt(path: Path) -> Iterator[RawSet]:
    """Yield the sets of a GMT file.

    Enrichr's `GENE,1.0` weights are cut off. WikiPathways' own files name a set
    `title%release%WP1%species` and its members by Entrez id: these become `title WP1` and
    `entrez:` identifiers.

    Raises:
        DataError: A line has no members or no name; names file and line.
    """
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            name, *rest = line.rstrip("\r\n").split("\t")
            members = tuple(member.split(",")[0] for member in rest[1:] if member)
            if not name or not members:
                raise malformed(path, number, "a set name, a description and at least one gene")
            title = name.split("%")
            if len(title) == 4:
                name = f"{title[0]} {title[2]}"
                members = tuple(f"entrez:{member}" for member in members)
            yield RawSet(name.strip(), rest[0], members)
