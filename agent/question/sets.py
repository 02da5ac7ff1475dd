"""Names of several genes at once: complexes, families, pathways, and genes by their full name."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agent.question import words as vocabulary
from knowledge.gene_sets import GeneSets
from knowledge.graph import SignedGraph
from knowledge.symbols import SymbolTable

# A complex is perturbed through this many members, those that its source names first.
REPRESENTATIVES = 5
# A factor's targets are read out through this many, the best supported first.
TARGETS = 8
LONGEST_NAME = 7
_ONE_WORD = 7
# Marks and blanks fall away; a table is many times faster than asking of each letter.
_SQUASHED = str.maketrans(
    {**vocabulary.GREEK_WORDS, **dict.fromkeys(string.punctuation + string.whitespace + "’′–—", "")}
)
_COMPLEX = re.compile(r"\s+(?:complex|proteins)$")
# Shorter words are not joined across a blank: "if I" is no IFI.
_JOINED = 5
# "FOXO" stands for FOXO1, FOXO3, ...: symbols that differ by their number only.
_NUMBERED = re.compile(r"([A-Z0-9]{2,}[A-Z])\d{1,2}[A-Z]?")
_SMALL = 100


@dataclass(frozen=True)
class Named:
    """What a name stands for.

    Attributes:
        name: The name as the data has it.
        members: The genes that are perturbed or read out for it.
        gene: Whether it is the full name of one gene.
        readout: Whether it is a set that is read out, never perturbed.
        everything: All members that are known.
    """

    name: str
    members: tuple[str, ...]
    gene: bool = False
    readout: bool = False
    everything: frozenset[str] = frozenset()

    def covers(self, symbol: str) -> bool:
        """Return whether a gene is a member, or named like one: MRPL9 beside MRPL3."""
        known = self.everything | set(self.members)
        return symbol in known or any(symbol[:3] == one[:3] for one in known)


class Names:
    """Every name that stands for a set of genes, or spells out one gene."""

    def __init__(self, symbols: SymbolTable, graph: SignedGraph, gene_sets: GeneSets) -> None:
        self._symbols, self._graph = symbols, graph
        self._found: dict[str, Named] = {}
        self._stems: dict[str, Named] = {}
        for family in vocabulary.READOUT_SETS:
            self._add((family.name, *family.aliases), family.members, readout=True)
        for family in vocabulary.FAMILIES:
            self._add((family.name, *family.aliases), family.members)
        for group in graph.groups:
            if not self._is_list(group.name):
                self._add(_spellings(group.name), group.members)
        for gene_set in gene_sets:
            if gene_set.kind == "complex" and not self._is_list(gene_set.name):
                self._add(_spellings(gene_set.name), gene_set.members)
        stems: dict[str, list[str]] = {}
        for gene in symbols:
            if (match := _NUMBERED.fullmatch(gene.symbol)) and (
                gene.uniprot_ids or len(symbols) < _SMALL
            ):
                stems.setdefault(match[1], []).append(gene.symbol)
        for stem, found in stems.items():
            if len(found) > 1 and not symbols.claimed(stem):
                found.sort(key=lambda symbol: (len(symbol), symbol))
                self._stems[stem] = Named(
                    stem, tuple(found[:REPRESENTATIVES]), everything=frozenset(found)
                )
        self._full_names = {
            squashed(gene.name): gene.symbol
            for gene in symbols
            if len(gene.name) >= _ONE_WORD or " " in gene.name
        }

    def get(self, text: str) -> Named | None:
        """Return what a text names, whatever its blanks, hyphens and Greek letters."""
        key = squashed(text)
        if " " in text and len(key) < _JOINED and not any(letter.isdigit() for letter in key):
            return None
        found = self._named(key) or self._stems.get(text)
        if found is None and key.endswith("s") and len(key) > _ONE_WORD:
            found = self._named(key[:-1])
        if found is None:
            return None
        short = len(key) <= 4 or (key in vocabulary.KNOWN and not _is_family(key))
        if text.islower() and short and key not in _LOWER:
            return None
        return found

    def _named(self, key: str) -> Named | None:
        found = self._found.get(key)
        if found is None and (symbol := self._full_names.get(key)):
            return Named(symbol, (symbol,), gene=True)
        return found

    def targets(self, factor: str, members: tuple[str, ...]) -> Named | None:
        """Return the genes that a factor, or the members of a set, move by the signed graph."""
        listed = self._found.get(squashed(f"{factor} targets"))
        if listed is not None:
            return listed
        trust: dict[str, float] = {}
        for source in members:
            for relation in self._graph.out_relations(source):
                if relation.expression and relation.target in self._symbols:
                    trust[relation.target] = max(trust.get(relation.target, 0.0), relation.trust)
        best = sorted(trust, key=lambda gene: (-trust[gene], gene))[:TARGETS]
        if not best:
            return None
        return Named(f"{factor} targets", tuple(best), readout=True, everything=frozenset(trust))

    def _is_list(self, name: str) -> bool:
        """Whether a complex is only called by its members: such a list is genes, not a name."""
        parts = re.findall(r"[^\W_]+", re.sub(r"\s+complex.*$", "", name))
        return all(part in self._symbols for part in parts)

    def _add(
        self,
        names: Iterator[str] | tuple[str, ...],
        members: tuple[str, ...],
        *,
        readout: bool = False,
    ) -> None:
        known = tuple(symbol for symbol in members if symbol in self._symbols)
        if not known:
            return
        names = tuple(names)
        shown = known if readout or len(known) <= REPRESENTATIVES else known[:REPRESENTATIVES]
        named = Named(names[0], shown, readout=readout, everything=frozenset(known))
        for name in names:
            key = squashed(name)
            if key not in self._found and name not in self._symbols:
                self._found[key] = named


@lru_cache(maxsize=4)
def names_of(symbols: SymbolTable, graph: SignedGraph, gene_sets: GeneSets) -> Names:
    """Return the names of a body of knowledge; they are gathered once."""
    return Names(symbols, graph, gene_sets)


def opens_set(names: Names, word: str, after: str) -> bool:
    """Return whether a word and the next one name a set that is read out."""
    if (follower := re.match(r"\s([a-z]+)\b", after)) is None:
        return False
    found = names.get(f"{word} {follower[1]}")
    return found is not None and found.readout


def squashed(text: str) -> str:
    """Return letters and digits in lower case, Greek letters by name."""
    return text.lower().translate(_SQUASHED)


def _spellings(name: str) -> Iterator[str]:
    yield name
    shorter = _COMPLEX.sub("", name)
    if shorter != name:
        yield shorter
    elif not name.endswith("complex"):
        yield f"{name} complex"


def _is_family(key: str) -> bool:
    return key in _FAMILY_KEYS


_FAMILY_KEYS = frozenset(
    squashed(name)
    for family in (*vocabulary.FAMILIES, *vocabulary.READOUT_SETS)
    for name in (family.name, *family.aliases)
)
# Lower-case spellings of short names that mean nothing else.
_LOWER = frozenset(
    [
        "erk",
        "jnk",
        "mek",
        "akt",
        "ampk",
        "pi3k",
        "nfkb",
        "hsp90",
        "p38",
        "isr",
        "upr",
        "isgs",
        "prc2",
        "prc1",
        "tcr",
        "gsk3",
        "hif",
        "hif1",
    ]
)
