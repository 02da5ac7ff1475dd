"""Writes `identifiers.tsv`, the identifiers of every starter gene, from the HGNC table (CC0).

Run `python -m knowledge.starter.identifiers HGNC_FILE` after adding a gene to a programme, cell
line or drug, with HGNC's `hgnc_complete_set.txt`, gzipped or not.
"""

import csv
import gzip
import sys
from collections.abc import Iterable
from pathlib import Path

from knowledge.cell_lines import load_cell_lines
from knowledge.drugs.starter import load_starter_drugs
from knowledge.errors import DataError
from knowledge.starter import IDENTIFIERS, read_programmes

COLUMNS = {  # ours: HGNC's
    "symbol": "symbol",
    "name": "name",
    "hgnc_id": "hgnc_id",
    "entrez_id": "entrez_id",
    "ensembl_id": "ensembl_gene_id",
    "uniprot_ids": "uniprot_ids",
    "aliases": "alias_symbol",
    "previous_symbols": "prev_symbol",
}
HEADER = "# From the HGNC complete set (genenames.org, CC0) by knowledge/starter/identifiers.py\n"


def starter_symbols() -> set[str]:
    """Return every symbol that a programme, a cell line or a drug mentions."""
    files = read_programmes().values()
    groups = {group.name for file in files for group in file.groups}
    symbols = {node for file in files for node in file.nodes()}
    for line in load_cell_lines():
        symbols.update(line.silent_genes, line.markers, (lesion.gene for lesion in line.lesions))
    for drug in load_starter_drugs():
        symbols.update(target.gene for target in drug.targets)
        symbols.update(node for node, _ in drug.starts)
    return symbols - groups


def write_identifiers(symbols: Iterable[str], hgnc: Path, path: Path = IDENTIFIERS) -> int:
    """Write the identifiers of `symbols` and return how many were written.

    Raises:
        DataError: A symbol is not an approved HGNC symbol.
    """
    with (
        gzip.open(hgnc, "rt", encoding="utf-8")
        if hgnc.suffix == ".gz"
        else hgnc.open(encoding="utf-8")
    ) as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    approved = {row["symbol"]: row for row in rows if row["status"] == "Approved"}
    unknown = sorted(set(symbols) - set(approved))
    if unknown:
        now = {
            old: row["symbol"]
            for row in rows
            for column in ("alias_symbol", "prev_symbol")
            for old in row[column].strip('"').split("|")
        }
        named = ", ".join(f"{word} (now {now[word]})" if word in now else word for word in unknown)
        raise DataError(f"{hgnc}: has no approved symbols {named}; correct the starter pack.")
    with path.open("w", newline="", encoding="utf-8") as stream:
        stream.write(HEADER)
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        writer.writerow(COLUMNS)
        for symbol in sorted(set(symbols)):
            writer.writerow(approved[symbol][theirs].strip('"') for theirs in COLUMNS.values())
    return len(set(symbols))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m knowledge.starter.identifiers HGNC_FILE")
    try:
        written = write_identifiers(starter_symbols(), Path(sys.argv[1]))
    except DataError as error:
        sys.exit(str(error))
    sys.stderr.write(f"{IDENTIFIERS.name}: {written} genes\n")
