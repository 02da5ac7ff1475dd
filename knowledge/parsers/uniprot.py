"""Reads UniProtKB's tab-separated export of what each human protein does."""

import re
from collections.abc import Iterator
from pathlib import Path

from knowledge.parsers.ncbi import Summary
from knowledge.parsers.table import read_table

_EVIDENCE = re.compile(r"\s*\{ECO:[^}]*\}")


def read_uniprot_function(path: Path) -> Iterator[Summary]:
    """Yield the function text of each entry that has one, without its evidence codes.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    for _, (accession, text) in read_table(path, ("Entry", "Function [CC]")):
        cleaned = _EVIDENCE.sub("", text).removeprefix("FUNCTION:").strip()
        if cleaned:
            yield Summary(f"uniprot:{accession}", "UniProt", cleaned)
