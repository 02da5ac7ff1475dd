"""Turns whatever a person or a data file calls a gene into its approved HGNC symbol."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from knowledge.schema import Frozen, Gene

Match = Literal["approved", "previous", "alias", "hgnc", "ensembl", "entrez", "uniprot"]

_HGNC = re.compile(r"hgnc:(?:hgnc:)?(\d+)", re.IGNORECASE)
_ENTREZ = re.compile(r"(?:(?:entrez|ncbigene|geneid):)?(\d+)", re.IGNORECASE)
_ENSEMBL = re.compile(r"(ENSG\d{11})(?:\.\d+)?", re.IGNORECASE)
# UniProt's own pattern for accessions (https://www.uniprot.org/help/accession_numbers); an isoform
# suffix such as -2 names the same gene.
_UNIPROT = re.compile(
    r"(?:uniprot(?:kb)?:)?([OPQ]\d[A-Z\d]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z\d]{2}\d){1,2})(?:-\d+)?",
    re.IGNORECASE,
)
_PUNCTUATION = ".,;:!?\"'`()[]{}<>"
# HGNC aliases write "HIF-1alpha", people write "HIF-1a" or "HIF-1α".
_GREEK = str.maketrans("αβγδεκλμω", "abgdeklmo")


class Grounding(Frozen):
    """What a word means: one gene, one of several, or none.

    `candidates` holds the approved symbols an ambiguous word may mean, or the nearest real symbols
    to an unknown one.
    """

    word: str
    status: Literal["found", "ambiguous", "unknown"]
    gene: Gene | None = None
    candidates: tuple[str, ...] = ()
    matched_by: Match | None = None


class SymbolTable:
    """Approved symbols, previous symbols, aliases and identifiers of a set of genes.

    An approved symbol beats a previous symbol, which beats an alias. Case never matters; hyphens,
    blanks and Greek letters matter only where a spelling without them would be another gene's.

    Args:
        genes: One entry per approved symbol; the last entry of a symbol wins.
    """

    def __init__(self, genes: Iterable[Gene]) -> None:
        self._genes = {gene.symbol: gene for gene in genes}

    def __len__(self) -> int:
        return len(self._genes)

    def __iter__(self) -> Iterator[Gene]:
        return iter(self._genes.values())

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._genes

    def get(self, symbol: str) -> Gene | None:
        """Return the gene whose approved symbol is exactly `symbol`."""
        return self._genes.get(symbol)

    def approved(self, symbol: str) -> str | None:
        """Return the one approved symbol `symbol` stands for; None if none or several do."""
        if symbol in self._genes:
            return symbol
        for _, names in self._names:
            if found := names.get(symbol.casefold()):
                return found[0] if len(found) == 1 else None
        return None

    def claimed(self, name: str) -> bool:
        """Return whether any gene has, had, or goes by this name."""
        return any(name.casefold() in names for _, names in self._names)

    def meanings(self, name: str) -> tuple[str, ...]:
        """Return the approved symbols of every gene that has, had, or goes by this name.

        An approved symbol stands alone: whoever writes it means that gene.
        """
        if self._by_name(name, str.casefold, self._names[:1]):
            return self._names[0][1][name.casefold()]
        found = [s for _, names in self._names[1:] for s in names.get(name.casefold(), ())]
        return tuple(dict.fromkeys(found))

    def ground(self, word: str, *, suggest: bool = True) -> Grounding:
        """Return what `word` means: a symbol in any spelling, or an identifier.

        Bare digits are read as an Entrez id, as is `entrez:7157`.

        Args:
            word: What a person or a file calls a gene.
            suggest: Look for the nearest symbols to an unknown word, which takes milliseconds.
        """
        stripped = word.strip().strip(_PUNCTUATION).strip()
        if found := self._by_name(stripped, str.casefold, self._names):
            return self._grounded(word, *found)
        if found := self._by_identifier(stripped):
            return self._grounded(word, *found)
        if found := self._by_name(stripped, _squashed, self._squashed_names):
            return self._grounded(word, *found)
        nearest = self.nearest(stripped) if suggest else ()
        return Grounding(word=word, status="unknown", candidates=nearest)

    def nearest(self, word: str, limit: int = 5) -> tuple[str, ...]:
        """Return up to `limit` approved symbols spelt most like `word`, best first."""
        upper = word.upper()
        matches = process.extract(
            upper, self._upper, scorer=OSA.normalized_similarity, limit=50, score_cutoff=0.5
        )
        # Among equally many slips of the pen, one in the middle or the end is likelier.
        matches.sort(key=lambda m: (-m[1], -JaroWinkler.similarity(upper, m[0])))
        return tuple(symbol for _, _, symbol in matches[:limit])

    def _grounded(self, word: str, symbols: tuple[str, ...], matched_by: Match) -> Grounding:
        if len(symbols) > 1:
            return Grounding(
                word=word, status="ambiguous", candidates=symbols, matched_by=matched_by
            )
        return Grounding(
            word=word, status="found", gene=self._genes[symbols[0]], matched_by=matched_by
        )

    def _by_name(
        self,
        word: str,
        key: Callable[[str], str],
        tiers: tuple[tuple[Match, dict[str, tuple[str, ...]]], ...],
    ) -> tuple[tuple[str, ...], Match] | None:
        wanted = key(word)
        for tier, names in tiers:
            if found := names.get(wanted):
                return found, tier
        return None

    def _by_identifier(self, word: str) -> tuple[tuple[str, ...], Match] | None:
        patterns: tuple[tuple[Match, re.Pattern[str]], ...] = (
            ("hgnc", _HGNC),
            ("ensembl", _ENSEMBL),
            ("entrez", _ENTREZ),
            ("uniprot", _UNIPROT),
        )
        for kind, pattern in patterns:
            match = pattern.fullmatch(word)
            if match and (found := self._identifiers[kind].get(match[1].upper())):
                return found, kind
        return None

    @cached_property
    def _names(self) -> tuple[tuple[Match, dict[str, tuple[str, ...]]], ...]:
        return self._tiers(str.casefold)

    @cached_property
    def _squashed_names(self) -> tuple[tuple[Match, dict[str, tuple[str, ...]]], ...]:
        return self._tiers(_squashed)

    @cached_property
    def _upper(self) -> dict[str, str]:
        return {symbol: symbol.upper() for symbol in self._genes}

    def _tiers(
        self, key: Callable[[str], str]
    ) -> tuple[tuple[Match, dict[str, tuple[str, ...]]], ...]:
        genes = self._genes.values()
        return (
            ("approved", _grouped((key(g.symbol), g.symbol) for g in genes)),
            (
                "previous",
                _numbered(_grouped((key(p), g.symbol) for g in genes for p in g.previous_symbols)),
            ),
            ("alias", _grouped((key(a), g.symbol) for g in genes for a in g.aliases)),
        )

    @cached_property
    def _identifiers(self) -> dict[Match, dict[str, tuple[str, ...]]]:
        genes = self._genes.values()
        return {
            "hgnc": _grouped((g.hgnc_id.rpartition(":")[2], g.symbol) for g in genes),
            "ensembl": _grouped((g.ensembl_id, g.symbol) for g in genes),
            "entrez": _grouped((g.entrez_id, g.symbol) for g in genes),
            "uniprot": _grouped((u, g.symbol) for g in genes for u in g.uniprot_ids),
        }


def merged(first: Gene, second: Gene) -> Gene:
    """Return `first` with its empty fields filled, and its tuples extended, from `second`."""
    fields: dict[str, str | tuple[str, ...]] = {}
    for name in Gene.model_fields:
        mine, theirs = getattr(first, name), getattr(second, name)
        fields[name] = (
            tuple(dict.fromkeys((*mine, *theirs))) if isinstance(mine, tuple) else (mine or theirs)
        )
    return Gene.model_validate(fields)


def _squashed(word: str) -> str:
    return "".join(c for c in word.translate(_GREEK).casefold() if c.isalnum())


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Collect `(key, symbol)` pairs into key -> distinct symbols; empty keys are left out."""
    table: dict[str, tuple[str, ...]] = {}
    for key, symbol in pairs:
        if not key:
            continue
        seen = table.get(key)
        if seen is None:
            table[key] = (symbol,)
        elif symbol not in seen:
            table[key] = (*seen, symbol)
    return table


def _numbered(table: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Settle previous symbols that merely gained a number: QARS is QARS1, not EPRS1 (once QARS)."""
    for key, symbols in table.items():
        if len(symbols) > 1:
            same = tuple(symbol for symbol in symbols if symbol.casefold() == f"{key}1")
            table[key] = same or symbols
    return table
