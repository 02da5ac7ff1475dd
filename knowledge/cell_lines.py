"""The screened cell lines: what each one is, lacks and expresses, because it changes the answer."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from knowledge.errors import QuestionError
from knowledge.schema import Frozen
from knowledge.strict_yaml import read_yaml

CELL_LINES = Path(__file__).parent / "starter" / "cell_lines.yaml"


class Lesion(Frozen):
    """A lost or overactive gene of a cell line; `note` says how it changes an answer."""

    gene: str
    effect: Literal["loss", "gain"]
    note: str


class CellLine(Frozen):
    """A cell line with what is known to set its answers apart.

    `silent_genes` are well-known genes the line does not express: knocking one down changes
    nothing. `markers` are lineage genes that it does express.
    """

    name: str
    aliases: tuple[str, ...] = ()
    description: str
    lineage: str
    lesions: tuple[Lesion, ...] = ()
    silent_genes: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()

    def lesion(self, gene: str) -> Lesion | None:
        """Return the line's lesion of `gene`, if it has one."""
        return next((lesion for lesion in self.lesions if lesion.gene == gene), None)


class _File(Frozen):
    default: str
    lines: tuple[CellLine, ...]


class CellLines:
    """The known cell lines, found by any usual spelling of their names.

    `default` is the line assumed when a question names none.
    """

    def __init__(self, lines: tuple[CellLine, ...], default: str) -> None:
        self._lines = lines
        self._by_key = {_key(word): line for line in lines for word in (line.name, *line.aliases)}
        self.default = self.ground(default)

    def __iter__(self) -> Iterator[CellLine]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, word: str) -> bool:
        return _key(word) in self._by_key

    def ground(self, word: str) -> CellLine:
        """Return the line that `word` names, whatever its case, spaces and hyphens.

        Raises:
            QuestionError: No known line is called that.
        """
        try:
            return self._by_key[_key(word)]
        except KeyError:
            known = ", ".join(line.name for line in self._lines)
            raise QuestionError(
                f"'{word.strip()}' is no cell line Knockwise knows; ask about one of {known}."
            ) from None


def _key(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()


@lru_cache(maxsize=4)
def load_cell_lines(path: Path = CELL_LINES) -> CellLines:
    """Return the cell lines of the starter pack."""
    file = read_yaml(path, _File)
    return CellLines(file.lines, file.default)
