"""Decides which pieces of a question are genes, and which genes they are."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from agent.question import words as vocabulary
from agent.question.affixes import PREFIXED, PREFIXES, SUFFIXED, SUFFIXES
from agent.question.context import decided
from agent.question.pieces import Item, pieces
from agent.question.place import Place
from agent.question.sets import LONGEST_NAME, Named, Names, names_of
from agent.question.targets import targeted
from knowledge.cell_lines import CellLines
from knowledge.drugs import Drugs
from knowledge.errors import QuestionError
from knowledge.gene_sets import GeneSets
from knowledge.graph import SignedGraph
from knowledge.schema import Gene
from knowledge.symbols import Grounding, SymbolTable

_GREEK_PART = re.compile(
    rf"([^\W_]{{2,}}?(?:-\d)?)[- ]?({'|'.join(vocabulary.GREEK_WORDS.values())})[- ]?(\d{{0,2}})",
    re.I,
)
_FOUND_BY = {
    "previous": "previous symbol",
    "alias": "alias",
    "hgnc": "HGNC id",
    "ensembl": "Ensembl id",
    "entrez": "Entrez id",
    "uniprot": "UniProt accession",
}
_MUTATION = re.compile(r"(?:p\.)?[A-Z]\d{1,4}(?:[A-Z]|fs\w*)")
# A text with fewer lower-case letters than this share is written in capitals throughout.
_CAPITALS = 0.2


class Unreadable(QuestionError):
    """The rules find no perturbation in the question; somebody else may."""


class Vocabulary(Protocol):
    """The part of `knowledge.base.Knowledge` that a question is read with."""

    @property
    def symbols(self) -> SymbolTable:
        """The gene symbols."""
        ...

    @property
    def cell_lines(self) -> CellLines:
        """The known cell lines."""
        ...

    @property
    def graph(self) -> SignedGraph:
        """The signed graph, whose neighbourhoods decide what a name means."""
        ...

    @property
    def gene_sets(self) -> GeneSets:
        """Named sets of genes."""
        ...

    @property
    def drugs(self) -> Drugs:
        """The drugs."""
        ...


def items(text: str, knowledge: Vocabulary, drugs: Iterable[Item] = ()) -> list[Item]:
    """Return the pieces of a cleaned question, in order.

    Args:
        text: The cleaned question.
        knowledge: What its words are grounded in.
        drugs: Those of its pieces that are drugs, which were found before.

    Raises:
        QuestionError: A word that must be a gene is none.
    """
    names = names_of(knowledge.symbols, knowledge.graph, knowledge.gene_sets)
    found = _Grounder(knowledge.symbols, names, text).run(
        list(pieces(text, knowledge.cell_lines, drugs))
    )
    return decided(targeted(found, names), knowledge.symbols, knowledge.graph)


def known_name(word: str, symbols: SymbolTable) -> Grounding | None:
    """Return what a name means under the spellings that people use, None where it means nothing."""
    settled = vocabulary.FIELD_NAMES.get(word.upper())
    if settled and (gene := symbols.get(settled)):
        return Grounding(word=word, status="found", gene=gene, matched_by="alias")
    members = vocabulary.SEVERAL_MEANINGS.get(word, ())
    members = tuple(symbol for symbol in members if symbol in symbols)
    if members and word not in symbols:
        return Grounding(word=word, status="ambiguous", candidates=members)
    for spelling in _variants(word):
        found = symbols.ground(spelling)
        if found.status != "unknown":
            # Genes with a protein are likelier to be meant than pseudogenes.
            order = sorted(found.candidates, key=lambda c: not _has_protein(symbols.get(c)))
            return found.model_copy(update={"word": word, "candidates": tuple(order)})
    return None


def _has_protein(gene: Gene | None) -> bool:
    return gene is not None and bool(gene.uniprot_ids)


def _variants(word: str) -> Iterable[str]:
    yield word
    spelt = word
    for letter, name in vocabulary.GREEK_WORDS.items():
        spelt = spelt.replace(letter, name)
    if spelt != word:
        yield spelt
    if match := _GREEK_PART.fullmatch(spelt):
        yield f"{match[1]}{match[2][0]}{match[3]}"


class _Grounder:
    """Decides which words of a question are genes."""

    def __init__(self, symbols: SymbolTable, names: Names, text: str) -> None:
        self._symbols, self._names, self._text = symbols, names, text
        letters = [c for c in text if c.isalpha()]
        self._capitals = sum(c.islower() for c in letters) < _CAPITALS * len(letters)
        self._short = len(text.split()) <= 3

    def run(self, pieces: list[Item]) -> list[Item]:
        done: list[Item] = []
        i = 0
        while i < len(pieces):
            item = pieces[i]
            taken = 1
            if item.kind == "gene":
                done.append(self._explicit(item))
            elif item.kind == "other_line":
                done.append(self._line_or_gene(pieces, i))
            elif named := self._named(pieces, i):
                one, taken = named
                done.append(one)
            elif item.kind == "word":
                merged, taken = self._merged(pieces, i)
                at = (item.at[0], pieces[i + taken - 1].at[1])
                read = self._word(merged, done, pieces[i + taken :])
                done += [replace(one, at=at) for one in read]
            else:
                done.append(item)
            i += taken
        return done

    def _named(self, pieces: list[Item], i: int) -> tuple[Item, int] | None:
        """Return the set, or the gene by its full name, that begins here: the longest one."""
        start = pieces[i].at[0]
        if pieces[i].kind not in ("word", "cue", "line"):
            return None
        for length in range(min(LONGEST_NAME, len(pieces) - i), 0, -1):
            last = pieces[i + length - 1]
            if last.kind == "mark" or (length == 1 and last.kind != "word"):
                continue
            written = self._text[start : last.at[1]]
            if any(mark in written for mark in ",;:?"):
                continue
            if length == 1 and (written in self._symbols or self._settled(written)):
                continue
            after = pieces[i + 1].text if i + 1 < len(pieces) else ""
            if length == 1 and self._spaced(written, after):
                continue
            named = self._names.get(written)
            if named is None or (named.gene and length == 1 and not written.islower()):
                continue
            at = (start, last.at[1])
            if named.gene:
                note = f"{written} read as {named.name} (its name)."
                return Item("gene", written, symbol=named.name, note=note, at=at), length
            return self._set(written, named, at), length
        return None

    def _settled(self, word: str) -> bool:
        return vocabulary.FIELD_NAMES.get(word.upper()) in self._symbols

    @staticmethod
    def _set(written: str, named: Named, at: tuple[int, int]) -> Item:
        return Item("gene", written, symbol=named.name, members=named.members, at=at, named=named)

    def _explicit(self, item: Item) -> Item:
        found = known_name(item.symbol, self._symbols)
        if found is None:
            raise unknown_gene(item.symbol, self._symbols)
        return _gene(item.symbol, found)

    def _line_or_gene(self, pieces: list[Item], i: int) -> Item:
        """Read HAP1 as the cell line in "in HAP1", "HAP1 cells" and "HAP1 STAG2 knockout"."""
        item = pieces[i]
        if item.lower not in vocabulary.LINES_LIKE_GENES:
            return item
        after = pieces[i + 1].lower if i + 1 < len(pieces) else ""
        if after.startswith("cell") or (i and pieces[i - 1].lower == "in"):
            return item
        opens = i == 0 and not any(piece.kind == "line" for piece in pieces)
        if opens and len(pieces) > 1 and pieces[1].kind == "word" and pieces[1].text.isupper():
            return item
        found = known_name(item.text, self._symbols)
        return _gene(item.text, found) if found else item

    def _merged(self, pieces: list[Item], i: int) -> tuple[Item, int]:
        """Join names that people write in several words: "HIF 1 alpha", "TGF beta", "NF kB"."""
        for length in (3, 2):
            parts = pieces[i : i + length]
            if len(parts) < length or any(part.kind != "word" for part in parts):
                continue
            numbered = length == 3 and parts[1].lower in _TAILS and parts[2].text.isdigit()
            tailed = parts[-1].lower in _TAILS or numbered
            word = "-".join(part.text for part in parts)
            if tailed and parts[0].text[0].isalpha() and known_name(word, self._symbols):
                return replace(parts[0], text=word), length
            lettered = length == 2 and parts[0].lower in vocabulary.GREEK_WORDS.values()
            if lettered and known_name(word, self._symbols):
                return replace(parts[0], text=word), length
            if length == 2 and self._spaced(*(part.text for part in parts)):
                return replace(parts[0], text=parts[0].text + parts[1].text), length
        return pieces[i], 1

    def _spaced(self, stem: str, number: str) -> bool:
        """Whether "HSPA 5" is a symbol with a blank in it."""
        if len(stem) < 2 or not re.fullmatch(r"\d{1,2}[A-Z]?", number):
            return False
        if stem.islower() and (stem in vocabulary.KNOWN or len(stem) < 3):
            return False
        upper = stem.upper()
        return stem in (upper, stem.lower()) and (
            upper not in self._symbols and upper + number in self._symbols
        )

    def _word(self, item: Item, done: list[Item], rest: list[Item]) -> list[Item]:
        word = item.text
        place = Place(done, rest)
        if word.lower() in vocabulary.ABBREVIATIONS or vocabulary.NOT_A_GENE.fullmatch(word):
            approved = word in self._symbols and word.lower() not in {"he", "p", "s", "ii"}
            return [_gene(word, self._symbols.ground(word)) if approved and place.strict else item]
        if word.lower() in vocabulary.CONTROLS and not _has_protein(self._symbols.get(word)):
            return [replace(item, kind="control")]
        if fixed := self._affixed(word):
            return fixed
        if word.lower() in vocabulary.ENGLISH:
            return [self._english(item, place)]
        if word.lower() in vocabulary.PLAIN and not (word.isupper() and word in self._symbols):
            plain = word.islower() or word.capitalize() == word
            if plain and not (place.strict and word in self._symbols):
                return [item]
        if any(c.isdigit() for c in word) and any(c.isalpha() for c in word):
            return self._symbol_like(item, place)
        if any(c in _GREEK for c in word) or _inner_capital(word):
            return self._capitalised(item, place)
        if word.isupper() and len(word) > 1 and not self._capitals:
            return self._capitalised(item, place)
        unusual = word.lower() not in vocabulary.KNOWN
        if len(word) > 1 and (place.gene or self._short or unusual or word in self._symbols):
            found = known_name(word, self._symbols) if self._claimed(word) else None
            if found and (word.isupper() or place.gene or self._short or unusual):
                return [_gene(word, found)]
        return [item]

    def _affixed(self, word: str) -> list[Item]:
        """Split a gene from what is done to it: "shGATA1", "dTAG-BRD4", "KEAP1KO"."""
        if word in self._symbols:
            return []
        if match := PREFIXED.fullmatch(word):
            inner = known_name(match[2], self._symbols)
            if inner and inner.status == "found":
                cue = PREFIXES[match[1]]
                return [Item("cue", match[1], cue=cue), _gene(match[2], inner)]
            named = self._names.get(match[2])
            if named and not named.gene:
                return [
                    Item("cue", match[1], cue=PREFIXES[match[1]]),
                    self._set(match[2], named, (0, 0)),
                ]
        if (match := SUFFIXED.fullmatch(word)) and not self._symbols.claimed(word):
            inner = known_name(match[1], self._symbols)
            if inner and inner.status == "found":
                return [_gene(match[1], inner), Item("cue", match[2], cue=SUFFIXES[match[2]])]
        return []

    def _claimed(self, word: str) -> bool:
        """Whether a word without digits is a name letter by letter: "vhl", but not "hla a"."""
        return word.upper() in vocabulary.FIELD_NAMES or self._symbols.claimed(word)

    def _english(self, item: Item, place: Place) -> Item:
        word = item.text
        if word not in self._symbols:
            near = place.listed or self._short
            claimed = len(word) > 2 and near and self._symbols.claimed(word)
            return replace(item, note=word) if claimed else item
        shouted = self._capitals and not self._short
        if word.lower() in vocabulary.AUXILIARIES:
            if place.noun and not shouted:
                return _gene(word, self._symbols.ground(word))
            return replace(item, note=word) if place.noun or self._short else item
        if place.strict:
            return _gene(word, self._symbols.ground(word))
        return item if shouted else replace(item, note=word)

    def _capitalised(self, item: Item, place: Place) -> list[Item]:
        found = known_name(item.text, self._symbols)
        if found:
            return [_gene(item.text, found)]
        if pair := self._pair(item.text):
            return pair
        if place.strict and item.text.isupper() and len(item.text) > 2:
            raise unknown_gene(item.text, self._symbols)
        return [item]

    def _symbol_like(self, item: Item, place: Place) -> list[Item]:
        found = known_name(item.text, self._symbols)
        if found:
            return [_gene(item.text, found)]
        if pair := self._pair(item.text):
            return pair
        if place.line and not place.cue:
            return [replace(item, kind="other_line", symbol=item.text)]
        if _MUTATION.fullmatch(item.text):
            return [replace(item, kind="mutation")]
        if re.fullmatch(r"[A-Za-z]{2,}[\w-]*|[A-Z]\d+[A-Z]\w*|c\d+orf\d+", item.text):
            raise unknown_gene(item.text, self._symbols)
        return [item]

    def _pair(self, word: str) -> list[Item]:
        """Split "MDM2-TP53" into two genes, but not "miR-21" into a symbol and an Entrez id."""
        parts = re.split(r"[-:.]", word)
        # Of a compound, only what is written like a name is one: "co-regulated" holds no gene CO.
        named = all(
            len(part) > 1 and not part.isdigit() and (len(part) > 3 or part.upper() == part)
            for part in parts
        )
        found = [known_name(part, self._symbols) if named else None for part in parts]
        if len(parts) < 2 or any(one is None or one.status != "found" for one in found):
            return []
        pieces: list[Item] = []
        for part, one in zip(parts, found, strict=True):
            if one is not None:
                pieces += [Item("mark", "+"), _gene(part, one)]
        return pieces[1:]


def _inner_capital(word: str) -> bool:
    return any(c.isupper() for c in word[1:]) and not word.isupper()


def _gene(word: str, found: Grounding) -> Item:
    if found.gene is None:
        return Item("gene", word, candidates=found.candidates)
    symbol = found.gene.symbol
    note = ""
    if _MOUSE.fullmatch(word) and symbol.isupper():
        note = f"{word} is written as a mouse gene: read as human {symbol}."
    elif word.upper() != symbol.upper():
        how = _FOUND_BY.get(found.matched_by or "", "spelling")
        note = f"{word} read as {symbol} ({how})."
    return Item("gene", word, symbol=symbol, note=note)


def unknown_gene(word: str, symbols: SymbolTable) -> QuestionError:
    """Return the error for a word that must be a gene and is none, naming the nearest ones."""
    nearest = symbols.nearest(word, 3)
    mean = f"did you mean {_listed(nearest)}?" if nearest else "check its spelling."
    hint = (
        ""
        if len(symbols) > _ALL_GENES
        else " (`knockwise data pull` and `knockwise index build` add the others)"
    )
    return QuestionError(f"'{word}' is no gene that Knockwise knows{hint}; {mean}")


def _listed(words: tuple[str, ...]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


_ALL_GENES = 30_000
_GREEK = frozenset(vocabulary.GREEK_WORDS)
_TAILS = frozenset([*vocabulary.GREEK_WORDS, *vocabulary.GREEK_WORDS.values(), "kb"])
_MOUSE = re.compile(r"[A-Z][a-z]+[a-z0-9]*\d[a-z0-9]*|[A-Z][a-z]{3,}[a-z]")
