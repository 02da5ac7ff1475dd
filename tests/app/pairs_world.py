"""Genes whose other names are short words, and `predict --pairs` on a table given as text."""

import csv
import io

import pytest

from knowledge.schema import Gene
from knowledge.symbols import SymbolTable

# Aliases and former symbols as HGNC has them: nearly every short label is one.
GENES = [
    Gene(symbol="TP53", aliases=("p53", "LFS1"), entrez_id="7157", ensembl_id="ENSG00000141510"),
    Gene(symbol="CDKN1A", entrez_id="1026", ensembl_id="ENSG00000124762"),
    Gene(symbol="MDM2"),
    Gene(symbol="HSPA5", aliases=("BiP", "GRP78")),
    Gene(symbol="DDIT3", aliases=("CHOP",)),
    Gene(symbol="GATD3", previous_symbols=("C21orf33",)),
    Gene(symbol="KRT8", aliases=("KO",)),
    Gene(symbol="XK", previous_symbols=("NA", "NAC")),
    Gene(symbol="SCN11A", aliases=("NaN",)),
    Gene(symbol="CTRL"),
    Gene(symbol="A4GALT", previous_symbols=("P1",)),
    Gene(symbol="MMUT", previous_symbols=("MUT",)),
    Gene(symbol="PPIB", aliases=("B",)),
    Gene(symbol="BCR", aliases=("ALL",)),
    Gene(symbol="YES1", aliases=("Yes",)),
    Gene(symbol="CELP", previous_symbols=("CELL",)),
    Gene(symbol="EGR1", aliases=("225",)),
    Gene(symbol="SCARNA10", aliases=("52",)),
    Gene(symbol="SETMAR"),
    Gene(symbol="MARCHF1", previous_symbols=("MARCH1",)),
    Gene(symbol="SEPTIN2", previous_symbols=("SEPT2",)),
    Gene(symbol="HLA-A"),
    Gene(symbol="NKX2-1"),
    Gene(symbol="SGK1"),
    Gene(symbol="WT1"),
    Gene(symbol="AR"),
    Gene(symbol="BHLHE40", aliases=("STRA13",)),
    Gene(symbol="CENPX", aliases=("STRA13",)),
]


@pytest.fixture
def predict(knockwise, session, tmp_path):
    """Predict a table given as text or bytes and return the result and its rows."""
    session.knowledge.symbols = SymbolTable(GENES)

    def run(content, *more, name="pairs.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = knockwise("predict", "--pairs", file, *more)
        rows = list(csv.DictReader(io.StringIO("" if "--json" in more else result.stdout)))
        return result, [(r["perturbation"], r["gene"], r["cell_line"]) for r in rows]

    return run


def table(*rows, header="pert,gene,cell_line"):
    return "\n".join((header, *rows)) + "\n"


READ = ("TP53", "CDKN1A", "RPE1")
