"""The drug screens that can be learnt from, read from a data folder as levels of ranks."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.sources.registry import missing
from models.drugs.levels import Levels, levels
from models.drugs.wells import without_wells

if TYPE_CHECKING:
    from knowledge.symbols import SymbolTable

FOLDER = Path("drugs")
OP3, TAHOE, SCIPLEX = "OP3", "Tahoe-100M", "sci-Plex 3"
CONTEXTS: Mapping[str, Mapping[str, str]] = {
    OP3: {
        "OP3-T": "drug_op3_pbmc/ranks_t.npz",
        "OP3-B": "drug_op3_pbmc/ranks_b.npz",
        "OP3-NK": "drug_op3_pbmc/ranks_nk.npz",
        "OP3-myeloid": "drug_op3_pbmc/ranks_myeloid.npz",
    },
    TAHOE: {
        "C32": "drug_tahoe/ranks_c32.npz",
        "HOP62": "drug_tahoe/ranks_hop62.npz",
        "HepG2/C3A": "drug_tahoe/ranks_hepg2_c3a.npz",
        "Hs766T": "drug_tahoe/ranks_hs766t.npz",
        "PANC-1": "drug_tahoe/ranks_panc_1.npz",
    },
    SCIPLEX: {
        "K562": "drug_sciplex3/ranks_k562.npz",
        "A549": "drug_sciplex3/ranks_a549.npz",
        "MCF7": "drug_sciplex3/ranks_mcf7.npz",
    },
}
PLATES = ("drug_targets/tahoe_drug_metadata.csv", "drug_targets/tahoe_sample_metadata.csv")
FILES = tuple(
    f"{FOLDER}/{one}"
    for one in (*(path for each in CONTEXTS.values() for path in each.values()), *PLATES)
)
_NOT_RANKED = np.iinfo(np.uint16).max
# A gene that fewer of the drugs rank is hardly expressed in the line.
LEAST_RANKED = 0.7


@dataclass(frozen=True)
class Context:
    """The signatures of a screen's drugs in one kind of cell.

    Attributes:
        name: Of the cells.
        genes: Readouts, approved symbols where they have one.
        levels: Of every drug of the screen; a drug that was not read has none ranked
            `(drugs, genes)`.
    """

    name: str
    genes: tuple[str, ...]
    levels: Levels


@dataclass(frozen=True)
class Screen:
    """Drugs of one study in several kinds of cells.

    Attributes:
        name: Of the study.
        drugs: As the study writes them.
        contexts: The kinds of cells.
        plates: Plate of each drug; empty where the study does not say.
        older: Readouts as the study writes them -> the symbols they have today, where they differ.
    """

    name: str
    drugs: tuple[str, ...]
    contexts: tuple[Context, ...]
    plates: tuple[str, ...] = ()
    older: Mapping[str, str] = field(default_factory=dict)


def drug_root(data: Path) -> Path:
    """Return the folder of drug screens at or below a data folder or a mirror.

    Raises:
        DataError: There is none.
    """
    for root in (data, data / "sources"):
        if (root / FOLDER).is_dir():
            return root
    raise DataError(
        f"{data} holds no folder of drugs; run `knockwise data pull drugs`, or name its folder."
    )


def read_screens(
    data: Path, symbols: "SymbolTable", inert: Mapping[str, Iterable[str]], correct: bool = True
) -> tuple[Screen, ...]:
    """Return the three screens.

    Args:
        data: Mirror or data folder.
        symbols: Brings readouts up to date.
        inert: Screen -> the drugs without a known target, which show what wells do.
        correct: Take the artefact of Tahoe's wells out of its signatures.

    Raises:
        DataError: A file is missing.
    """
    root = drug_root(data) / FOLDER
    found = []
    for name, files in CONTEXTS.items():
        tables = {cells: _read(root / file) for cells, file in files.items()}
        drugs = tuple(sorted({drug for names, _, _ in tables.values() for drug in names}))
        parts = {cells: _aligned(table, drugs, symbols) for cells, table in tables.items()}
        plates = _plates(root, drugs) if name == TAHOE else ()
        if name == TAHOE and correct:
            flat = np.isin(drugs, list(inert.get(name, ())))
            values = without_wells([part[1] for part in parts.values()], plates, flat)
            parts = {
                cells: (genes, value)
                for (cells, (genes, _)), value in zip(parts.items(), values, strict=True)
            }
        contexts = tuple(
            Context(cells, genes, levels(share)) for cells, (genes, share) in parts.items()
        )
        read = {gene for context in contexts for gene in context.genes}
        words = {word for _, genes, _ in tables.values() for word in genes} - read
        older = {word: new for word in words if (new := readout_name(word, symbols)) in read}
        found.append(Screen(name, drugs, contexts, plates, older))
    return tuple(found)


Table = tuple[list[str], list[str], NDArray[np.float64]]


def _read(path: Path) -> Table:
    """Return drugs, genes and ranks as a share from 0 (most raised) to 1."""
    if not path.is_file():
        raise missing(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            drugs = [str(one) for one in file["drugs"]]
            genes = [str(one) for one in file["genes"]]
            rank = file["rank"].astype(np.float64)
            ranked = file["n_ranked"] if "n_ranked" in file else np.full(len(drugs), len(genes))
    except (ValueError, KeyError, OSError) as error:
        raise DataError(f"{path} is damaged ({error}); pull it again.") from error
    rank[rank == _NOT_RANKED] = np.nan
    return drugs, genes, rank / np.maximum(ranked - 1, 1)[:, None]


def _aligned(
    table: Table, drugs: Sequence[str], symbols: "SymbolTable"
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    names, genes, share = table
    rows = np.full((len(drugs), len(genes)), np.nan)
    rows[[drugs.index(name) for name in names]] = share
    kept: dict[str, int] = {}
    for at in np.flatnonzero(np.isfinite(share).mean(0) >= LEAST_RANKED):
        kept.setdefault(readout_name(genes[at], symbols), int(at))
    return tuple(kept), rows[:, list(kept.values())]


def readout_name(word: str, symbols: "SymbolTable") -> str:
    """Return the approved symbol of a readout; one that has none keeps its name."""
    if word.startswith("ENSG"):
        found = symbols.ground(word, suggest=False)
        return found.gene.symbol if found.gene else word
    return symbols.approved(word) or word


def _plates(root: Path, drugs: Sequence[str]) -> tuple[str, ...]:
    """Return the plate of each drug's highest dose; empty where none is known."""
    for name in PLATES:
        if not (root / name).is_file():
            raise missing(root / name)
    with (root / PLATES[0]).open(encoding="utf-8", newline="") as file:
        called = {r["drug"].strip(): r["drug_in_signatures"].strip() for r in csv.DictReader(file)}
    best: dict[str, tuple[float, str]] = {}
    with (root / PLATES[1]).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            drug = called.get(row["drug"].strip()) or row["drug"].strip()
            best[drug] = max(best.get(drug, (-1.0, "")), (float(row["conc"] or 0), row["plate"]))
    return tuple(best.get(drug.strip(), (0.0, ""))[1] for drug in drugs)
