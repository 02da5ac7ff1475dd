"""Reads gene annotation files (GAF 2.x) of the Gene Ontology."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.parsers.table import malformed, open_text


class Annotation(NamedTuple):
    """One gene annotated to one term; `negated` when the file says NOT."""

    symbol: str
    term: str
    aspect: str
    negated: bool


def read_gaf(path: Path) -> Iterator[Annotation]:
    """Yield the annotations of a GAF file, in its own symbols.

    Raises:
        DataError: A line is not GAF; names file and line.
    """
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            if line.startswith("!") or not line.strip():
                continue
            fields = line.rstrip("\r\n").split("\t")
            if len(fields) < 15 or not fields[4].startswith("GO:"):
                raise malformed(path, number, "15 or more GAF columns with a GO id in the fifth")
            negated = "NOT" in fields[3].split("|")
            yield Annotation(fields[2], fields[4], fields[8], negated)
