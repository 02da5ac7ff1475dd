"""Reads the labels of a whole column together: what each means, and what is to be said of them."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import cached_property

from knowledge.user_tables.labels import (
    MOUSE_ENSEMBL,
    NUMBER,
    SHOWN,
    Label,
    LabelReader,
    Reading,
)
from knowledge.user_tables.words import MISSING

_TITLE = re.compile(r"[A-Z][a-z]+[a-z0-9]*(-[a-z0-9]+)?")
# Share of Title-case words from which a table is taken to be of mouse genes.
_MOSTLY = 0.5


class ColumnReading:
    """All labels of one column, read together: what each means, and what is to be said of them.

    Args:
        words: The labels, as often as they occur.
        reader: Makes a reader for the column; told whether its numbers are Entrez ids.
        name: What the column is called, for sentences.
        whole: Whether each word is a gene as it stands, rather than a label.
    """

    def __init__(
        self,
        words: Iterable[str],
        reader: Callable[[bool], LabelReader],
        name: str,
        *,
        whole: bool = False,
    ) -> None:
        self.counts = Counter(words)
        self._name = name
        self._reader = reader(entrez_ids(self.counts))
        self._whole = whole

    @cached_property
    def labels(self) -> dict[str, Label]:
        """What each distinct label means."""
        read = self._reader.read_one if self._whole else self._reader.read
        return {word: read(word) for word in self.counts}

    def of(self, reading: Reading) -> list[Label]:
        """Return the labels with this reading, the most frequent first."""
        found = [one for one in self.labels.values() if one.reading == reading]
        return sorted(found, key=lambda one: (-self.counts[one.word], one.word))

    @property
    def doubles(self) -> int:
        """How many distinct labels perturb more than one gene."""
        return sum(len(one.genes) > 1 for one in self.labels.values())

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how the column was read, each a sentence."""
        told = [one.told for one in self.of("genes") if one.told]
        notes = []
        if told:
            more = f" and {len(told) - SHOWN:,} more" if len(told) > SHOWN else ""
            notes.append(f"Column {self._name}: {'; '.join(told[:SHOWN])}{more}.")
        if self.doubles:
            several = next(one for one in self.of("genes") if len(one.genes) > 1)
            notes.append(
                f"Column {self._name}: {self.doubles:,} labels perturb several genes, such as "
                f"{several.word}."
            )
        if mostly_mouse(self.counts):
            notes.append(
                f"Column {self._name}: most names are spelt like mouse genes; they are read as "
                "the human genes of the same name or orthology."
            )
        return tuple(notes)

    def share(self) -> str:
        """Return how many names are genes, as `412 of 430 names are genes; 18 are not: ...`."""
        unknown = self.of("unknown")
        known = len(self.of("genes"))
        words = f"{known:,} of {known + len(unknown):,} names are genes"
        if not unknown:
            return words
        shown = ", ".join(one.word for one in unknown[:SHOWN])
        more = " ..." if len(unknown) > SHOWN else ""
        return f"{words}; {len(unknown):,} are not: {shown}{more}"


def entrez_ids(words: Collection[str]) -> bool:
    """Return whether every word is a number, and they are not just the numbers of rows."""
    named = [word.strip() for word in words if word.strip().casefold() not in {*MISSING, ""}]
    matches = [NUMBER.fullmatch(word) for word in named]
    if not named or not all(matches):
        return False
    numbers = sorted({int(match[1]) for match in matches if match})
    return not (numbers[0] in (0, 1) and numbers[-1] - numbers[0] == len(numbers) - 1)


def mostly_mouse(words: Collection[str]) -> bool:
    """Return whether most words are spelt like symbols of mouse genes, `Trp53`."""
    named = [word for word in words if any(char.isalpha() for char in word)]
    title = sum(bool(_TITLE.fullmatch(w) or MOUSE_ENSEMBL.fullmatch(w)) for w in named)
    return len(named) > 1 and title > _MOSTLY * len(named)
