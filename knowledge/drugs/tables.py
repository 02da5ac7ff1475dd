"""Drugs of the tables that a data folder has pulled: names, targets and actions, joined."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.drugs.drug import Action, Drug, DrugTarget, started
from knowledge.drugs.names import plain_name, squashed
from knowledge.parsers.drugs import (
    RawDrug,
    read_drug_genes,
    read_repurposing_hub,
    read_tahoe_drugs,
)
from knowledge.symbols import SymbolTable

FOLDER = Path("drugs") / "drug_targets"
# A cascade that begins in more places than this begins nowhere.
MOST_STARTS = 8
# Beyond this many targets a table lists what a drug was ever seen to touch.
FEW = 6
# A target that a table adds to a built-in drug is at most so sure, beside the built-in ones: tables
# list p53 as a target of nutlin, with the sign of MDM2.
LESS = 0.45


class Table(NamedTuple):
    """A table of drugs; `certainty` is that of one of its targets, `licence` its terms."""

    file: str
    name: str
    read: Callable[[Path], Iterator[RawDrug]]
    certainty: float
    licence: str


TABLES = (
    Table("tahoe_drug_metadata.csv", "Tahoe-100M", read_tahoe_drugs, 0.7, "CC0-1.0"),
    Table(
        "repurposing_drugs_20200324.txt",
        "Drug Repurposing Hub",
        read_repurposing_hub,
        0.6,
        "non-commercial use only",
    ),
    Table("DGIdb_Drug_Targets_2024.csv.gz", "DGIdb", read_drug_genes, 0.3, "CC BY-NC-SA 4.0"),
    Table("IDG_Drug_Targets_2022.csv.gz", "IDG", read_drug_genes, 0.2, "CC BY-NC-SA 4.0"),
    Table("HMS_LINCS_KinomeScan.csv.gz", "KinomeScan", read_drug_genes, 0.15, "CC BY-NC-SA 4.0"),
)
_ACTIONS: tuple[tuple[re.Pattern[str], Action], ...] = (
    (re.compile(r"degrader|protac"), "degrader"),
    (re.compile(r"inhibitor"), "inhibitor"),
    (re.compile(r"antagonist|blocker|inverse agonist"), "antagonist"),
    (re.compile(r"agonist"), "agonist"),
    (re.compile(r"activator|stimulant|inducer|enhancer"), "activator"),
    (re.compile(r"modulator|ligand|binder"), "binder"),
)
# Stems of international nonproprietary names that say what a drug does (WHO, the use of stems).
_STEMS: tuple[tuple[re.Pattern[str], Action], ...] = (
    (re.compile(r"(?:ib|stat|pril|prazole|trexed)$"), "inhibitor"),
    (re.compile(r"(?:mab|sartan|olol|setron|oxetine)$"), "antagonist"),
    (re.compile(r"(?:terol|triptan|glitazone|relin)$"), "agonist"),
)


def tables_in(folder: Path) -> tuple[Path, ...]:
    """Return the tables of drugs that lie under a data folder or a mirror."""
    for root in (folder, folder / "sources"):
        found = tuple(path for one in TABLES if (path := root / FOLDER / one.file).is_file())
        if found:
            return found
    return ()


def read_tables(paths: Iterable[Path], symbols: SymbolTable) -> tuple[Drug, ...]:
    """Return the drugs of the tables, those of one name without its salt joined.

    Args:
        paths: Tables of `TABLES`.
        symbols: What brings their symbols up to date; names that are no gene are left out.

    Raises:
        DataError: A table is missing or malformed.
    """
    by_file = {one.file: one for one in TABLES}
    joined: dict[str, _Joined] = {}
    for path in paths:
        table = by_file[path.name]
        for row in table.read(path):
            name = plain_name(row.name)
            if not name or not squashed(name):
                continue
            joined.setdefault(squashed(name), _Joined(name)).add(row, table, symbols)
    return tuple(one.drug() for one in joined.values())


class _Joined:
    """What the tables say of one drug."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._synonyms: dict[str, None] = {}
        self._modes: dict[str, None] = {}
        self._ids: dict[str, None] = {}
        self._sources: dict[str, None] = {}
        self._doubt: dict[str, float] = {}
        self._actions: dict[str, Action] = {}
        self._said: dict[str, dict[str, None]] = {}
        self._smiles = ""

    def add(self, row: RawDrug, table: Table, symbols: SymbolTable) -> None:
        self._sources[table.name] = None
        if (word := " ".join(row.name.casefold().split())) != self._name:
            self._synonyms[word] = None
        self._modes.update(dict.fromkeys(row.modes))
        if row.pubchem:
            self._ids[f"pubchem:{row.pubchem}"] = None
        self._smiles = self._smiles or max(row.smiles.split("."), key=len)
        action = _action(row.effect)
        certainty = table.certainty * min(1.0, FEW / max(1, len(row.targets)))
        for word in row.targets:
            gene = symbols.approved(word)
            if gene is None:
                continue
            self._doubt[gene] = self._doubt.get(gene, 1.0) * (1 - certainty)
            self._said.setdefault(gene, {})[table.name] = None
            if action is not None:
                self._actions.setdefault(gene, action)

    def drug(self) -> Drug:
        of_name = next((way for stem, way in _STEMS if stem.search(self._name)), "unknown")
        targets = tuple(
            DrugTarget(
                gene=gene,
                action=self._actions.get(gene, of_name),
                certainty=round(1 - self._doubt[gene], 3),
                sources=tuple(self._said[gene]),
            )
            for gene in sorted(self._doubt, key=lambda gene: (self._doubt[gene], gene))
        )
        return Drug(
            name=self._name,
            synonyms=tuple(self._synonyms),
            ids=tuple(self._ids),
            modes=tuple(self._modes),
            targets=targets,
            starts=started(targets)[:MOST_STARTS],
            smiles=self._smiles,
            sources=tuple(self._sources),
        )


def _action(effect: str) -> Action | None:
    """Return what a mode of action does; None where it says several ways, or nothing."""
    found = {
        action
        for part in effect.lower().split("|")
        for action in [next((way for one, way in _ACTIONS if one.search(part)), None)]
        if action is not None
    }
    return found.pop() if len(found) == 1 else None


def widened(own: Drug, other: Drug) -> Drug:
    """Return a drug of the starter pack with what tables add: ids, structure, further targets.

    Where they disagree the starter pack is believed; a further target is less certain than any of
    its own, and none moves where the cascade begins.
    """
    least = min((one.certainty for one in own.targets), default=1.0)
    theirs = {one.gene: one for one in other.targets}
    mine = tuple(
        one.model_copy(update={"sources": (*one.sources, *theirs[one.gene].sources)})
        if one.gene in theirs
        else one
        for one in own.targets
    )
    known = {one.gene for one in own.targets}
    more = tuple(
        one.model_copy(update={"certainty": round(min(one.certainty, LESS * least), 3)})
        for one in other.targets
        if one.gene not in known
    )
    return own.model_copy(
        update={
            "synonyms": tuple(dict.fromkeys((*own.synonyms, *other.synonyms))),
            "ids": tuple(dict.fromkeys((*own.ids, *other.ids))),
            "modes": tuple(dict.fromkeys((*own.modes, *other.modes))),
            "targets": (*mine, *more),
            "smiles": own.smiles or other.smiles,
            "sources": tuple(dict.fromkeys((*own.sources, *other.sources))),
        }
    )
