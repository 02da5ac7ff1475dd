"""Reads NCBI Gene's tables of synonyms (gene_info) and of RefSeq summaries (gene_summary)."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.parsers.table import read_table

_HUMAN = "9606"


class Synonyms(NamedTuple):
    """What NCBI calls a gene besides its symbol."""

    entrez_id: str
    symbol: str
    synonyms: tuple[str, ...]


class Summary(NamedTuple):
    """A paragraph about a gene; `gene` is an identifier that `SymbolTable.ground` understands."""

    gene: str
    source: str
    text: str


def read_gene_info(path: Path) -> Iterator[Synonyms]:
    """Yield the synonyms of the human genes that have any.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    columns = ("#tax_id", "GeneID", "Symbol", "Synonyms")
    for _, (taxon, entrez, symbol, synonyms) in read_table(path, columns):
        if taxon == _HUMAN and synonyms != "-":
            yield Synonyms(entrez, symbol, tuple(synonyms.split("|")))


def read_gene_summary(path: Path) -> Iterator[Summary]:
    """Yield the summaries of the human genes.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    for _, (taxon, entrez, source, text) in read_table(
        path, ("#tax_id", "GeneID", "Source", "Summary")
    ):
        if taxon == _HUMAN and text:
            yield Summary(f"entrez:{entrez}", source, text)
