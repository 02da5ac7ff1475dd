"""The genes that words can mean, read without a model, and where a gene stands in a list."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.base import load_symbols
from knowledge.errors import KnockwiseError
from knowledge.schema import Frozen, Gene
from knowledge.symbols import SymbolTable
from models.checkpoint import Format, Names, read_names

RESPONSE = Path(__file__).resolve().parents[1] / "weights" / "response"
FORM = Format(name="response model", command="knockwise train response", config=Frozen)
_FIELDS = ("name", "hgnc_id", "entrez_id", "ensembl_id", "uniprot_ids", "aliases",
           "previous_symbols")  # fmt: skip
_LISTS = {"uniprot_ids", "aliases", "previous_symbols"}


class UnknownGeneError(KnockwiseError):
    """A gene of which nothing is known here."""


def screened_genes(names: Names) -> tuple[Gene, ...]:
    """Return the genes that the names of a response checkpoint hold."""
    return tuple(map(_gene, names["genes"], names["gene fields"]))


@lru_cache(maxsize=1)
def shipped_genes() -> tuple[Gene, ...]:
    """Return every protein-coding gene, with the outdated symbols that the screens use.

    Raises:
        DataError: The response weights, which hold them, are damaged.
    """
    return screened_genes(read_names(RESPONSE, FORM))


def gene_symbols(data: Path, more: Iterable[str] = ()) -> SymbolTable:
    """Return the genes that a word of a user may mean.

    Args:
        data: The data folder; it need not exist.
        more: Symbols of a model, which may be of a screen of the user's own.

    Raises:
        DataError: A table is damaged.
    """
    known = shipped_genes()
    new = sorted(set(more).difference(gene.symbol for gene in known))
    return load_symbols(data, (*known, *(Gene(symbol=symbol) for symbol in new)))


def rows_of(genes: Sequence[str], index: Mapping[str, int]) -> NDArray[np.intp]:
    """Return the row of each gene.

    Raises:
        UnknownGeneError: One of them has none; the sentence names it.
    """
    unknown = [gene for gene in genes if gene not in index]
    if unknown:
        raise UnknownGeneError(
            f"{', '.join(unknown)}: not among the {len(index):,} genes that anything is known of; "
            "name protein-coding genes by their approved symbols."
        )
    return np.array([index[gene] for gene in genes], np.intp)


def gene_fields(gene: Gene) -> str:
    """Return what is known of a gene beside its symbol as one line."""
    values = (getattr(gene, name) for name in _FIELDS)
    return "\t".join("|".join(v) if isinstance(v, tuple) else v for v in values)


def _gene(symbol: str, line: str) -> Gene:
    fields: dict[str, Any] = {
        name: tuple(filter(None, value.split("|"))) if name in _LISTS else value
        for name, value in zip(_FIELDS, line.split("\t"), strict=True)
    }
    return Gene(symbol=symbol, **fields)
