"""Cuts a question into words, cell lines, perturbation words and explicit identifiers."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Literal

from agent.question import words as vocabulary
from agent.question.sets import Named
from agent.question.words import Cue
from knowledge.cell_lines import CellLines

Kind = Literal["gene", "cue", "line", "other_line", "word", "mark", "control", "mutation", "drug"]

_WORD = re.compile(r"[^\W_]+(?:[-.:@][^\W_]+)*")
_EXPLICIT = re.compile(r"(?:gene|symbol)\s?[:=]\s?([^\s,;?!]+)", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"ENSG\d{11}(?:\.\d+)?|(?:HGNC|entrez|ncbigene|geneid):\d+|uniprot(?:kb)?:[A-Z0-9-]+",
    re.IGNORECASE,
)
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_QUOTES = {**dict.fromkeys(map(ord, "‘’‚′`´"), "'"), **dict.fromkeys(map(ord, "“”„«»*"), " ")}
_NULL = re.compile(r"\(?\s*(?<!\w)(?:\^?\s*-\s*/\s*-\s*\^?)\s*\)?")
# Labels of screens: "HSPA5_KO" is the knockout of HSPA5, "HSPA5_sg1" one of its guides.
_LABEL = re.compile(
    r"(?<=[^\W_])_(?=(?:d?ko|d?kd|oe|null|del|crispr[ai]?)(?:[\W_]|$))", re.IGNORECASE
)
_GUIDE = re.compile(r"(?<=[^\W_])_(?:s?g(?:rna)?|guide|rep)?\d{1,2}(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    """One piece of a question.

    `symbol` is the approved symbol of a gene or the name of a line or a set; `note` says how a gene
    was read where its own symbol was not written; `candidates` are what an ambiguous gene may be;
    `members` are the genes of a set; `at` is where the words stand in the cleaned text.
    """

    kind: Kind
    text: str
    symbol: str = ""
    cue: Cue | None = None
    note: str = ""
    candidates: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    at: tuple[int, int] = (0, 0)
    named: Named | None = None
    described: bool = False

    @property
    def lower(self) -> str:
        """The words in lower case."""
        return self.text.lower()


def cleaned(text: str) -> str:
    """Return the text on one line in plain dashes and quotes, without markup and addresses."""
    text = unicodedata.normalize("NFKC", text).translate(_DASHES).translate(_QUOTES)
    text = re.sub(r"\]\([^)\s]*\)", " ", text)
    text = re.sub(r"https?://\S+", " ", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    text = re.sub(r"(?<![^\W_])_+|_+(?![^\W_])", " ", text)
    text = _LABEL.sub(" ", _GUIDE.sub("", text))
    text = text.replace("->", " > ").replace("=>", " > ").replace("→", " > ").replace("⇒", " > ")
    text = re.sub(r"\bvs\.(?=\s)", "vs", text, flags=re.IGNORECASE)
    text = _NULL.sub(" -/- ", text)
    text = vocabulary.COMPOUND.sub(" ", text)
    for pattern, spelling in vocabulary.SPELT_OUT:
        text = pattern.sub(spelling, text)
    return " ".join(text.split())


def pieces(text: str, cell_lines: CellLines, drugs: Iterable[Item] = ()) -> Iterator[Item]:
    """Iterate over the pieces of a cleaned text, in order; drugs are found before."""
    given = {item.at[0]: item for item in drugs}
    known = _spellings(
        tuple((w, line.name) for line in cell_lines for w in (line.name, *line.aliases))
    )
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if at in given:
            yield given[at]
            at = given[at].at[1]
            continue
        item, end = _piece(text, at, known)
        yield replace(item, at=(at, end))
        at = end


def _piece(text: str, at: int, known: tuple[tuple[re.Pattern[str], str], ...]) -> tuple[Item, int]:
    if match := _EXPLICIT.match(text, at):
        return Item("gene", match[0], symbol=match[1].strip("'\"`()[]{}.:")), match.end()
    if match := _IDENTIFIER.match(text, at):
        return Item("gene", match[0], symbol=match[0]), match.end()
    for pattern, name in known:
        if match := pattern.match(text, at):
            return Item("line", match[0], symbol=name), match.end()
    if match := _any_of(tuple(vocabulary.OTHER_LINES)).match(text, at):
        name = _other_lines()[_squashed(match[0])]
        return Item("other_line", match[0], symbol=name), match.end()
    if found := vocabulary.cue_at(text, at):
        match, cue = found
        return Item("cue", match[0], cue=cue), match.end()
    if match := _WORD.match(text, at):
        end = match.end()
        if text[end : end + 2] == "'s":
            return Item("word", match[0]), end + 2
        return Item("word", match[0]), end
    return Item("mark", text[at]), at + 1


@lru_cache(maxsize=2)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return one pattern that finds any of the names, the longest first."""
    loose = (_loose(name) for name in sorted(names, key=lambda name: -len(name)))
    return re.compile(rf"(?:{'|'.join(loose)})(?![^\W_])", re.IGNORECASE)


@cache
def _other_lines() -> dict[str, str]:
    return {_squashed(name): name for name in vocabulary.OTHER_LINES}


def _squashed(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()


def _loose(name: str) -> str:
    """Return a pattern for a name whatever its blanks and hyphens."""
    return r"[\s\-.]*".join(re.escape(part) for part in re.findall(r"[^\W_]+", name))


@lru_cache(maxsize=8)
def _spellings(names: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return patterns that find names whatever their blanks and hyphens, the longest first."""
    patterns = []
    for word, name in sorted(names, key=lambda pair: -len(pair[0])):
        patterns.append((re.compile(rf"{_loose(word)}(?![^\W_])", re.IGNORECASE), name))
    return tuple(patterns)
