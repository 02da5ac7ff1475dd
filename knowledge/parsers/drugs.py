"""Reads tables of drugs and their targets: Tahoe's metadata, the Repurposing Hub, Enrichr lists."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.parsers.table import malformed, open_text


class RawDrug(NamedTuple):
    """A row as its table has it: targets are symbols of its time, `modes` say what it does."""

    name: str
    targets: tuple[str, ...]
    modes: tuple[str, ...] = ()
    effect: str = ""
    smiles: str = ""
    pubchem: str = ""


def read_tahoe_drugs(path: Path) -> Iterator[RawDrug]:
    """Yield the drugs of Tahoe-100M with targets, mode of action, SMILES and PubChem id.

    Raises:
        DataError: A column is missing; names the file.
    """
    for row in _rows(path, ",", ("drug", "targets", "moa-broad", "moa-fine", "canonical_smiles")):
        fine = row["moa-fine"]
        yield RawDrug(
            row["drug"],
            _listed(row["targets"], ","),
            () if fine in ("", "unclear") else (fine.lower(),),
            "" if row["moa-broad"] == "unclear" else row["moa-broad"],
            row["canonical_smiles"],
            (row.get("pubchem_cid") or "").removesuffix(".0"),
        )


def read_repurposing_hub(path: Path) -> Iterator[RawDrug]:
    """Yield the drugs of the Broad Drug Repurposing Hub with mode of action and targets.

    Raises:
        DataError: A column is missing; names the file.
    """
    for row in _rows(path, "\t", ("pert_iname", "moa", "target"), comment="!"):
        modes = _listed(row["moa"], "|")
        yield RawDrug(row["pert_iname"], _listed(row["target"], "|"), modes, "|".join(modes))


def read_drug_genes(path: Path) -> Iterator[RawDrug]:
    """Yield the drugs of a table of pairs `drug,gene`, such as DGIdb's, with all their genes.

    Raises:
        DataError: A column is missing; names the file.
    """
    genes: dict[str, list[str]] = {}
    for row in _rows(path, ",", ("drug", "gene")):
        genes.setdefault(row["drug"], []).append(row["gene"])
    for drug, found in genes.items():
        yield RawDrug(drug, tuple(dict.fromkeys(found)))


def _rows(
    path: Path, delimiter: str, columns: tuple[str, ...], comment: str = ""
) -> Iterator[dict[str, str]]:
    with open_text(path) as handle:
        lines = (line for line in handle if not (comment and line.startswith(comment)))
        reader = csv.DictReader(lines, delimiter=delimiter)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise malformed(path, 1, f"a header with {', '.join(missing)}")
        yield from reader


def _listed(text: str | None, separator: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(part.strip() for part in (text or "").split(separator) if part.strip())
    )
