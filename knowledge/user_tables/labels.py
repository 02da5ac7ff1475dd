"""What a label in somebody's table means: a gene, several, a control, nothing, or no gene.

Tables hold short words that are labels (`KO`, `ctrl`, `S1`), missing values (`NA`, `nan`) or
identifiers of guides (`TP53_g1`), and nearly all of them are also an alias or a former symbol of
some gene. A question in words is read generously; a table is read strictly, here and nowhere else.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from knowledge.errors import QuestionError
from knowledge.schema import Frozen
from knowledge.symbols import Grounding, SymbolTable
from knowledge.user_tables.spreadsheets import excel_date, is_scientific, number_words
from knowledge.user_tables.words import (
    CONTROL,
    GENES_TOO,
    HARBOUR,
    JOINTS,
    MISSING,
    PREFIX,
    SEPARATORS,
    SUFFIX,
    UNASSIGNED,
    WORDS,
    bare_word,
)

Reading = Literal["genes", "control", "missing", "unknown"]

# Symbols of the Perturb-seq screens that HGNC has no more, or lists under two genes: QARS is a
# former name of QARS1 and of EPRS1; in the screens it is glutaminyl-tRNA synthetase.
SCREEN_SYMBOLS = {"QARS": "QARS1", "GATD3B": "GATD3"}
_ZYGOSITY = re.compile(r"\s*[\-(]*(-/-|\+/-|-/\+|−/−)\)?$")
_BRACKETED = re.compile(r"(?P<name>[^()]+?)\s*\((?P<entrez>\d+|ENSG\d{11})\)")
_WITH_ID = re.compile(r"(?P<name>[A-Za-z][\w.\-]*)\|(?P<entrez>\d+)")
_ENSEMBL = re.compile(r"ENSG\d{11}(\.\d+)?", re.IGNORECASE)
MOUSE_ENSEMBL = re.compile(r"ENS(MUS|RNO|DAR)G\d+(\.\d+)?", re.IGNORECASE)
_PRODUCT = re.compile(
    r"ENS(T|P|E)\d{11}(\.\d+)?|[NX][MRP]_\d+(\.\d+)?|\w{2,6}_HUMAN", re.IGNORECASE
)
_KEGG = re.compile(r"hsa:(\d+)", re.IGNORECASE)
# A guide of Horlbeck's libraries: gene, strand, position and transcript.
_STRAND = re.compile(r"(?P<gene>[^_].*?)_[+-]_\d+[^|;\s]*")
_ATTACHED = re.compile(r"[Δ∆]?(?P<gene>.+?)(ko|KO|kd|KD|oe|OE|null|[Δ∆])")
NUMBER = re.compile(r"(\d+)(\.0+)?")
_LOCUS = re.compile(r"LOC(\d+)")  # NCBI's name for a gene without one: its Entrez id
_SHORTEST_OLDER_NAME = 3
_LONGEST, _CLIPPED = 300, 40
_SHORTEST_IN_ANOTHER_SPELLING = 4
SHOWN = 3


class Label(Frozen):
    """What one label means.

    Attributes:
        word: The label as it stands in the table.
        reading: Genes, a control, a missing value, or nothing that is known.
        genes: Approved symbols, in the order of the label; controls beside a gene are left out.
        told: How it was read where that is not plain, such as `BIP is read as HSPA5`.
        problem: Why it cannot be used; "" where `reading` is `genes`.
    """

    word: str
    reading: Reading
    genes: tuple[str, ...] = ()
    told: str = ""
    problem: str = ""


class LabelReader:
    """Reads the labels of one table by one set of rules.

    Args:
        symbols: The genes of today.
        controls: Labels that this table uses for controls, besides the usual words.
        guide_pattern: A regular expression whose first group is the gene in a guide's label.
        entrez: Whether bare numbers are Entrez ids; a table of row numbers is not.
        orthologues: Human symbol of a mouse symbol, where the table is there.
        perturbed: Whether the column says what was perturbed; among readouts, CTRL is a gene.
        suggest: Name the nearest symbols to a word that is none, which takes milliseconds.
        typed: Whether somebody typed the word and is told at once how it was read, so that older
            names count in any case, as `bip` does for HSPA5.

    Raises:
        QuestionError: The pattern is no regular expression with one group.
    """

    def __init__(
        self,
        symbols: SymbolTable,
        *,
        controls: Collection[str] = (),
        guide_pattern: str | None = None,
        entrez: bool = False,
        orthologues: Mapping[str, str] | None = None,
        perturbed: bool = True,
        suggest: bool = True,
        typed: bool = False,
    ) -> None:
        self.symbols = symbols
        self._perturbed, self._suggest, self._typed = perturbed, suggest, typed
        self._controls = frozenset(word.strip().casefold() for word in controls)
        self._entrez = entrez
        self._orthologues = orthologues or {}
        self._guide = _pattern(guide_pattern) if guide_pattern else None
        self._read: dict[str, Label] = {}

    def read(self, word: str) -> Label:
        """Return what a label means; the same label is read once."""
        if word not in self._read:
            self._read[word] = _too_long(word) or self._label(word)
        return self._read[word]

    def read_one(self, word: str) -> Label:
        """Return what a word means that must be one gene as it stands, such as a readout's name."""
        if long := _too_long(word):
            return long
        bare = bare_word(word)
        if bare not in self.symbols and (missing := _missing(word, bare)):
            return missing
        return self._one(bare).model_copy(update={"word": word})

    def is_control(self, word: str) -> bool:
        """Return whether a word stands for no perturbation."""
        bare = bare_word(word)
        if {bare.casefold(), word.strip().casefold()} & self._controls:
            return True
        both = self._perturbed and bare.casefold() in GENES_TOO
        if bare in self.symbols and not both:
            return False
        if CONTROL.fullmatch(bare):
            return True
        # `siCtrl` and `sgNT` are controls; the T of `sgT` would be a gene.
        prefix = PREFIX.match(bare)
        return prefix is not None and self.is_control(bare[prefix.end() :])

    def _label(self, word: str) -> Label:
        bare = bare_word(word)
        if missing := _missing(word, bare):
            return missing
        if self.is_control(word):
            return _control(word)
        if self._guide is not None and (match := self._guide.search(bare)) and match[1]:
            inner = self._parts(match[1])
            if inner.reading == "genes":
                told = f"{bare} is read as {'+'.join(inner.genes)}"
                return inner.model_copy(update={"word": word, "told": told})
        return self._parts(bare).model_copy(update={"word": word})

    def _parts(self, bare: str) -> Label:
        """Read a label that may join several genes."""
        whole = self._one(bare)
        if whole.reading == "genes":
            return whole
        if match := _STRAND.fullmatch(bare):
            found = self._suffixed(match["gene"])
            return _stripped(bare, found) if found.reading == "genes" else found
        parts = [part for part in SEPARATORS.split(_unzygous(bare)[0]) if part]
        if len(parts) > 1 and not is_scientific(bare):
            return self._joined(bare, [self._suffixed(part) for part in parts])
        return self._suffixed(bare)

    def _joined(self, bare: str, parts: Sequence[Label]) -> Label:
        if all(part.reading == "control" for part in parts):
            return _control(bare)
        for part in parts:
            if part.reading not in ("genes", "control"):
                return part.model_copy(update={"word": bare})
        genes = tuple(dict.fromkeys(gene for part in parts for gene in part.genes))
        told = "; ".join(filter(None, (part.told for part in parts)))
        if told and len(genes) == 1:
            told = f"{bare} is read as {genes[0]}"
        if any(part.reading == "control" for part in parts):
            told = told or f"{bare} is read as {'+'.join(genes)} alone"
        return Label(word=bare, reading="genes", genes=genes, told=told)

    def _suffixed(self, bare: str) -> Label:
        """Read one gene, without what is usual before and behind it."""
        if self.is_control(bare):
            return _control(bare)
        plain = self._one(bare)
        if plain.reading == "genes" or plain.problem.endswith("date made by Excel"):
            return plain
        core, stripped = _unzygous(bare)
        if stripped and (found := self._suffixed(core)).reading == "genes":
            return _stripped(bare, found)
        for separator in ("_", "-", " ", ".", ":", "#"):
            if (split := self._split(bare, separator)) is not None:
                return split
        if (inner := self._prefixed(bare)) is not None:
            return _stripped(bare, inner)
        match = _ATTACHED.fullmatch(bare)
        if match and self.symbols.get(match["gene"]) is not None:
            return _stripped(bare, self._one(match["gene"]))
        if len(parts := [part for part in JOINTS.split(bare) if part]) > 1:
            return self._tokens(bare, parts) or plain
        return self._hyphenated(bare) or plain

    def _hyphenated(self, bare: str) -> Label | None:
        """Refuse `TP53-MDM2`, which may be a double knockout, or a guide against one of two."""
        parts = bare.split("-")
        genes = [part for part in parts if self.symbols.get(part) is not None]
        if len(genes) < 2 or len(genes) < len(parts):
            return None
        both = "+".join(genes)
        return _unknown(bare, f"{bare!r} names {len(genes)} genes; write {both} if all are meant")

    def _split(self, bare: str, separator: str) -> Label | None:
        """Read a label split at `separator`: a gene with suffixes, or two approved symbols."""
        parts = [part for part in bare.split(separator) if part]
        if len(parts) < 2:
            return None
        # The longest beginning that is a gene, so that HLA-A-KO is HLA-A.
        for end in range(len(parts) - 1, 0, -1):
            head, rest = separator.join(parts[:end]), parts[end:]
            if not all(SUFFIX.fullmatch(part) for part in rest):
                break
            found: Label | None = self._one(head)
            if found is not None and found.reading != "genes":
                found = self._prefixed(head)
                if found is None and separator == "_":
                    found = self._split(head, separator)
            if found is not None and found.reading == "genes":
                return _stripped(bare, found)
        if separator == "_":
            return self._tokens(bare, parts)
        return None

    def _prefixed(self, bare: str) -> Label | None:
        match = PREFIX.match(bare)
        return self._approved_or_suffixed(bare[match.end() :]) if match else None

    def _approved_or_suffixed(self, bare: str) -> Label | None:
        """Read what follows a prefix; only an approved symbol is believed there."""
        if self.symbols.get(bare) is not None or self.symbols.get(bare.upper()) is not None:
            return self._one(bare)
        parts = bare.split("_")
        if len(parts) > 1 and all(SUFFIX.fullmatch(part) for part in parts[1:]):
            return self._approved_or_suffixed(parts[0])
        return None

    def _tokens(self, bare: str, parts: Sequence[str]) -> Label | None:
        """Read parts joined by `_`, such as `TP53_MDM2`, `TP53_ctrl` or `10023_TP53_P1P2_ENSG...`.

        Only approved symbols, identifiers and controls are believed here.
        """
        genes: list[str] = []
        controls = 0
        for part in parts:
            if gene := self._certain(part):
                genes.append(gene)
            elif self.is_control(part) and not SUFFIX.fullmatch(part):
                controls += 1
            elif not SUFFIX.fullmatch(part) and not part.isdigit():
                return None
        unique = tuple(dict.fromkeys(genes))
        if not unique:
            return _control(bare) if controls and controls == len(parts) else None
        told = f"{bare} is read as {'+'.join(unique)}"
        return Label(word=bare, reading="genes", genes=unique, told=told)

    def _certain(self, part: str) -> str | None:
        if self.symbols.get(part) is not None:
            return part
        if _ENSEMBL.fullmatch(part) and (gene := self.symbols.ground(part).gene):
            return gene.symbol
        return None

    def _one(self, bare: str) -> Label:
        """Read one word that must be a gene as it stands."""
        if (symbol := SCREEN_SYMBOLS.get(bare)) and symbol in self.symbols:
            return self._found(bare, symbol, f"{bare} is read as {symbol}")
        if bare in self.symbols:
            return self._found(bare, bare)
        if match := _BRACKETED.fullmatch(bare) or _WITH_ID.fullmatch(bare):
            return self._with_id(bare, match["name"].strip(), match["entrez"])
        if dated := excel_date(bare, self.symbols):
            return _unknown(bare, dated)
        if match := NUMBER.fullmatch(bare):
            if not self._entrez:
                return _unknown(bare, number_words(bare, self.symbols))
            # Pandas writes whole numbers as 7157.0 where one of them is missing.
            return self._by_ground(match[1]).model_copy(update={"word": bare})
        if human := self._orthologues.get(bare):
            return self._found(bare, human, f"{bare} is read as the mouse gene of {human}")
        if (match := _LOCUS.fullmatch(bare)) and (gene := self.symbols.ground(match[1]).gene):
            return self._found(bare, gene.symbol, f"{bare} is read as {gene.symbol}")
        if match := _KEGG.fullmatch(bare):
            found = self._by_ground(f"entrez:{match[1]}")
            return _stripped(bare, found) if found.genes else found
        if MOUSE_ENSEMBL.fullmatch(bare):
            return _unknown(bare, f"{bare!r} is no human gene but one of another species")
        if _PRODUCT.fullmatch(bare) and bare not in self.symbols:
            return _unknown(
                bare,
                f"{bare!r} is the identifier of a transcript or protein; give its gene's symbol or "
                "Ensembl id (ENSG...)",
            )
        return self._by_ground(bare)

    def _by_ground(self, bare: str) -> Label:
        found = self.symbols.ground(bare, suggest=self._suggest)
        if found.status == "ambiguous":
            either = " or ".join(found.candidates[:SHOWN])
            return _unknown(bare, f"{bare!r} may mean {either}; use the approved symbol")
        if found.gene is None:
            if is_scientific(bare):
                return _unknown(bare, f"{bare!r} is a number that a spreadsheet made of a name")
            return _unknown(bare, unknown_words(bare, found.candidates))
        symbol = found.gene.symbol
        if not self._trusted(bare, found):
            older = "another name of" if found.matched_by == "alias" else "a former name of"
            said = older if found.matched_by in ("alias", "previous") else "spelt like"
            return _unknown(
                bare,
                f"{bare!r} is {said} {symbol}, but a common label too; write {symbol} if it is "
                "meant",
            )
        told = "" if bare.casefold() == symbol.casefold() else f"{bare} is read as {symbol}"
        return self._found(bare, symbol, "" if _ENSEMBL.fullmatch(bare) else told)

    def _trusted(self, bare: str, found: Grounding) -> bool:
        """Return whether a name that is not the approved symbol may be believed in a table."""
        if found.matched_by in ("hgnc", "ensembl", "entrez", "uniprot"):
            return True
        if bare.casefold() in WORDS and not (found.gene and bare == found.gene.symbol):
            return False
        if found.matched_by == "approved":
            return True
        if len(bare) < _SHORTEST_OLDER_NAME:
            return False
        gene = found.gene
        exact = gene is not None and bare in (*gene.aliases, *gene.previous_symbols)
        # CHOP and TNFα look like symbols; chop and cell look like words.
        symbolic = self._typed or bare.isupper() or not bare.isascii()
        numbered = any(char.isdigit() for char in bare)
        return exact or symbolic or (numbered and len(bare) >= _SHORTEST_IN_ANOTHER_SPELLING)

    def _with_id(self, bare: str, name: str, identifier: str) -> Label:
        """Read `TP53 (7157)`; an older name and an id must mean the same gene."""
        by_name = self._one(name)
        word = identifier if identifier.startswith("ENSG") else f"entrez:{identifier}"
        by_id = self.symbols.ground(word).gene
        if by_name.reading != "genes":
            if by_id is None:
                return by_name
            return self._found(bare, by_id.symbol, f"{bare} is read as {by_id.symbol}")
        gene = by_name.genes[0]
        told = f"{bare} is read as {gene}"
        if by_id is not None and by_id.symbol != gene:
            if self.symbols.get(name) is None:
                return _unknown(bare, f"{bare!r} names {gene} and the id of {by_id.symbol}")
            # The number may be a guide's, or a made-up one; an approved symbol says what is meant.
            told += f", though {identifier} is the id of {by_id.symbol}"
        return self._found(bare, gene, told)

    def _found(self, word: str, symbol: str, told: str = "") -> Label:
        return Label(word=word, reading="genes", genes=(symbol,), told=told)


def unknown_words(word: str, candidates: Sequence[str]) -> str:
    """Return why a word is no gene, with the nearest ones."""
    nearest = f"; did you mean {' or '.join(candidates[:SHOWN])}?" if candidates else ""
    return f"{word!r} is no human gene that Knockwise knows{nearest}"


def _too_long(word: str) -> Label | None:
    """Return the reading of what is too long for a label, or None."""
    if len(word) <= _LONGEST:
        return None
    return Label(
        word=word,
        reading="unknown",
        problem=f"{word[:_CLIPPED]!r}... has {len(word):,} characters, as no label of a gene has",
    )


def _missing(word: str, bare: str) -> Label | None:
    """Return the reading of a word that stands for no value, or None."""
    if bare.casefold() in UNASSIGNED:
        problem = f"{bare!r} says that no single guide was assigned"
    elif not bare or bare.casefold() in MISSING:
        problem = f"{repr(bare) if bare else 'an empty cell'} is a missing value"
    else:
        return None
    return Label(word=word, reading="missing", problem=problem)


def _control(word: str) -> Label:
    what = "safe-harbour control locus" if HARBOUR.fullmatch(word.strip()) else "control label"
    return Label(word=word, reading="control", problem=f"{word.strip()!r} is a {what}, not a gene")


def _unknown(word: str, problem: str) -> Label:
    return Label(word=word, reading="unknown", problem=problem)


def _stripped(bare: str, found: Label) -> Label:
    told = f"{bare} is read as {'+'.join(found.genes)}"
    return found.model_copy(update={"word": bare, "told": told})


def _unzygous(bare: str) -> tuple[str, bool]:
    """Return a label without a zygosity such as `-/-`, and whether it had one."""
    core = _ZYGOSITY.sub("", bare)
    return core, core != bare


def _pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise QuestionError(
            f"--guide-pattern {text!r} is no regular expression ({error})."
        ) from None
    if not pattern.groups:
        raise QuestionError(
            f"--guide-pattern {text!r} has no group; put the gene in brackets, as in "
            r"'^(.+)_g\d+$'."
        )
    return pattern
