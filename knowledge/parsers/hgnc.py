"""Reads the HGNC complete set: the approved symbol of every human gene and what it was called."""

from collections.abc import Iterator
from pathlib import Path

from knowledge.parsers.table import malformed, read_table
from knowledge.schema import Gene

_COLUMNS = (
    "hgnc_id",
    "symbol",
    "name",
    "status",
    "locus_group",
    "alias_symbol",
    "prev_symbol",
    "entrez_id",
    "ensembl_gene_id",
    "uniprot_ids",
)
_PROTEIN_CODING = "protein-coding gene"


def read_hgnc(path: Path) -> Iterator[Gene]:
    """Yield the approved genes, protein-coding ones first.

    The order matters where spelling alone decides: the nearest real symbol to a mistyped word is
    more likely a protein than a pseudogene.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    others = []
    for line, row in read_table(path, _COLUMNS, quoted=True):
        hgnc_id, symbol, name, status, locus, alias, previous, entrez, ensembl, uniprot = row
        if not hgnc_id.startswith("HGNC:") or not symbol:
            raise malformed(path, line, f"an HGNC id and a symbol, found {hgnc_id!r}, {symbol!r}")
        if status != "Approved":
            continue
        gene = Gene.model_construct(
            symbol=symbol,
            name=name,
            hgnc_id=hgnc_id,
            entrez_id=entrez,
            ensembl_id=ensembl,
            uniprot_ids=_several(uniprot),
            aliases=_several(alias),
            previous_symbols=_several(previous),
        )
        if locus == _PROTEIN_CODING:
            yield gene
        else:
            others.append(gene)
    yield from others


def _several(field: str) -> tuple[str, ...]:
    return tuple(part for part in field.split("|") if part)
