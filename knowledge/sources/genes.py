"""The human genes of the pulled sources, and where those sources lie."""

from pathlib import Path

from knowledge.errors import DataError
from knowledge.parsers.hgnc import read_hgnc
from knowledge.symbols import SymbolTable

HGNC = "knowledge/hgnc_complete_set_2024-11.txt.gz"


def sources_root(data: Path) -> Path:
    """Return the folder in the mirror's layout at or below `data`.

    Raises:
        DataError: There is none.
    """
    for root in (data, data / "sources"):
        if (root / "perturbqa").is_dir():
            return root
    raise DataError(
        f"{data} holds no perturbqa folder; run `knockwise data pull`, or name its folder."
    )


def read_symbols(root: Path) -> SymbolTable:
    """Return every approved human gene with its older names and identifiers."""
    return SymbolTable(read_hgnc(root / HGNC))


def protein_coding(root: Path) -> frozenset[str]:
    """Return the approved symbols of protein-coding genes."""
    # Imported late: this module is read where no table is.
    import pandas as pd

    table = pd.read_csv(root / HGNC, sep="\t", usecols=["symbol", "locus_group"], dtype=str)
    return frozenset(table.symbol[table.locus_group == "protein-coding gene"])
