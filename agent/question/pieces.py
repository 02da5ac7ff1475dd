"""Cuts a question into words, cell lines, perturbation words and explicit identifiers."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from agent.question import words as vocabulary
from agent.question.words import Cue
from knowledge.cell_lines import CellLines

Kind = Literal["gene", "cue", "line", "other_line", "word", "mark"]

_WORD = re.compile(r"[^\W_]+(?:[-.:@][^\W_]+)*")
_EXPLICIT = re.compile(r"(?:gene|symbol)\s?[:=]\s?([^\s,;?!]+)", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"ENSG\d{11}(?:\.\d+)?|(?:HGNC|entrez|ncbigene|geneid):\d+|uniprot(?:kb)?:[A-Z0-9-]+",
    re.IGNORECASE,
)
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_QUOTES = {**dict.fromkeys(map(ord, "‘’‚′`´"), "'"), **dict.fromkeys(map(ord, "“”„«»*"), " ")}
_NULL = re.compile(r"\(?\s*(?<!\w)(?:\^?\s*-\s*/\s*-\s*\^?)\s*\)?")


@dataclass(frozen=True)
class Item:
    """One piece of a question.

    `symbol` is the approved symbol of a gene or the name of a line; `note` says how a gene was
    read where its own symbol was not written; `candidates` are what an ambiguous gene may be.
    """

    kind: Kind
    text: str
    symbol: str = ""
    cue: Cue | None = None
    note: str = ""
    candidates: tuple[str, ...] = ()

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
    text = text.replace("->", " > ").replace("=>", " > ").replace("→", " > ")
    text = _NULL.sub(" -/- ", text)
    text = vocabulary.COMPOUND.sub(" ", text)
    for pattern, spelling in vocabulary.SPELT_OUT:
        text = pattern.sub(spelling, text)
    return " ".join(text.split())


def pieces(text: str, cell_lines: CellLines) -> Iterator[Item]:
    """Iterate over the pieces of a cleaned text, in order."""
    known = _spellings(
        tuple((w, line.name) for line in cell_lines for w in (line.name, *line.aliases))
    )
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        item, end = _piece(text, at, known)
        yield item
        at = end


def _piece(text: str, at: int, known: tuple[tuple[re.Pattern[str], str], ...]) -> tuple[Item, int]:
    if match := _EXPLICIT.match(text, at):
        return Item("gene", match[0], symbol=match[1].strip("'\"`()[]{}.:")), match.end()
    if match := _IDENTIFIER.match(text, at):
        return Item("gene", match[0], symbol=match[0]), match.end()
    for pattern, name in known:
        if match := pattern.match(text, at):
            return Item("line", match[0], symbol=name), match.end()
    for pattern, name in _spellings(tuple((word, word) for word in vocabulary.OTHER_LINES)):
        if match := pattern.match(text, at):
            return Item("other_line", match[0], symbol=name), match.end()
    for pattern, cue in vocabulary.CUE_PATTERNS:
        if match := pattern.match(text, at):
            return Item("cue", match[0], cue=cue), match.end()
    if match := _WORD.match(text, at):
        end = match.end()
        if text[end : end + 2] == "'s":
            return Item("word", match[0]), end + 2
        return Item("word", match[0]), end
    return Item("mark", text[at]), at + 1


@lru_cache(maxsize=8)
def _spellings(names: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return patterns that find names whatever their blanks and hyphens, the longest first."""
    patterns = []
    for word, name in sorted(names, key=lambda pair: -len(pair[0])):
        parts = re.findall(r"[^\W_]+", word)
        loose = r"[\s\-.]*".join(re.escape(part) for part in parts)
        patterns.append((re.compile(rf"{loose}(?![^\W_])", re.IGNORECASE), name))
    return tuple(patterns)
