"""Reads protein complexes from CORUM and the Complex Portal."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.parsers.table import header_of, read_table


class RawComplex(NamedTuple):
    """A complex; members are symbols or `uniprot:` accessions."""

    id: str
    name: str
    members: tuple[str, ...]
    summary: str
    reference: str


def read_corum(path: Path) -> Iterator[RawComplex]:
    """Yield CORUM's human complexes (`coreComplexes.txt` or `humanComplexes.txt`).

    Raises:
        DataError: A line is malformed; names file and line.
    """
    columns = (
        "ComplexID",
        "ComplexName",
        "Organism",
        "subunits(Gene name)",
        "PubMed ID",
        "Complex comment",
    )
    for _, (number, name, organism, genes, pubmed, comment) in read_table(path, columns):
        if organism == "Human":
            yield RawComplex(
                id=f"CORUM:{number}",
                name=name,
                members=tuple(gene.strip() for gene in genes.split(";") if gene.strip()),
                summary="" if comment == "None" else comment,
                reference=f"PMID:{pubmed.removesuffix('.0')}" if pubmed else "",
            )


def read_complex_portal(path: Path) -> Iterator[RawComplex]:
    """Yield the Complex Portal's human complexes, from ComplexTAB or from its ontology export.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    if "#Complex ac" in header_of(path):
        columns = (
            "#Complex ac", "Recommended name", "Expanded participant list", "Description",
        )  # fmt: skip
    else:
        columns = ("complex_id", "name", "members", "definition")
    for _, (identifier, name, members, definition) in read_table(path, columns):
        yield RawComplex(
            id=identifier,
            name=name,
            members=tuple(
                # ComplexTAB writes P12345-2(1): an isoform and its stoichiometry.
                f"uniprot:{part.split('(')[0].partition('-')[0]}"
                for part in members.split("|")
                if part and not part.startswith(("CHEBI:", "URS", "CPX-"))
            ),
            summary=definition,
            reference=identifier,
        )
