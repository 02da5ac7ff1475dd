"""Which proteins interact, from several databases, with the confidence each gives a pair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]
Source = Literal["string", "bioplex", "huri", "literature", "irefindex"]
SOURCES: tuple[Source, ...] = get_args(Source)
DEFAULT_SOURCES: tuple[Source, ...] = ("string", "bioplex", "huri", "literature")
"""iRefIndex is left to be asked for: 82 % of its pairs come from a few very large screens."""
FOLDER = "networks/ppi"


@dataclass(frozen=True, slots=True)
class _File:
    """A table of pairs in its first two columns.

    `confidence` turns `column` into a probability. Without a column it is the same for all pairs:
    how often people cite a pair is study bias, and no evidence may weigh by it.
    """

    name: str
    column: str | None
    confidence: Callable[[pd.Series], pd.Series] | float


_FILES: Mapping[Source, _File] = {
    "string": _File("string_v12_notextmining.tsv.gz", "combined_score", lambda score: score / 1000),
    "bioplex": _File("bioplex3_293t.tsv.gz", "pInt", lambda chance: chance),
    # One positive yeast two-hybrid screen; two or more methods in the literature; any report.
    "huri": _File("hi_union_huri.tsv.gz", None, 0.6),
    "literature": _File("lit_bm_17.tsv.gz", None, 0.9),
    "irefindex": _File("irefindex17.tsv.gz", None, 0.5),
}
FILES = tuple(f"{FOLDER}/{file.name}" for file in _FILES.values())
"""What can be read, relative to the root of the data."""


@dataclass(frozen=True, eq=False, slots=True)
class Interactions:
    """Undirected interactions, each once.

    Attributes:
        pairs: Rows of the genes, the lower first `(pairs, 2)`.
        confidence: What each source says, 0 where it is silent `(pairs, sources)`.
        sources: Whose confidences they are.
    """

    pairs: IntArray
    confidence: FloatArray
    sources: tuple[str, ...]

    @property
    def weight(self) -> FloatArray:
        """Return the chance that at least one source is right, were they independent `(pairs,)`."""
        return np.asarray(1 - np.prod(1 - self.confidence, axis=1), np.float32)


def read_interactions(
    root: Path,
    genes: Sequence[str],
    symbols: SymbolTable,
    sources: Sequence[Source] = DEFAULT_SOURCES,
) -> Interactions:
    """Return the interactions among `genes`.

    Args:
        root: The data in the mirror's layout.
        genes: Approved symbols; pairs with others are left out.
        symbols: The genes of today.
        sources: Which databases.

    Raises:
        DataError: A source is unknown, or its file is missing or malformed.
    """
    if unknown := [name for name in sources if name not in _FILES]:
        raise DataError(f"{', '.join(unknown)}: no such source; name {', '.join(SOURCES)}.")
    row = {gene: i for i, gene in enumerate(genes)}
    parts = [_read(root / FOLDER, _FILES[name], row, symbols) for name in sources]
    return merged(dict(zip(sources, parts, strict=True)), len(genes))


def merged(
    parts: Mapping[str, tuple[IntArray, IntArray, FloatArray]], n_genes: int
) -> Interactions:
    """Return pairs of several sources with each pair once, the surest of a source's repeats kept.

    A gene with itself, and rows below 0, are left out.

    Args:
        parts: Source -> first gene, second gene, confidence, each `(rows,)`.
        n_genes: How many genes the rows may name.
    """
    codes, channel, sure = [], [], []
    for number, (first, second, confidence) in enumerate(parts.values()):
        kept = (first >= 0) & (second >= 0) & (first != second)
        low, high = np.minimum(first, second)[kept], np.maximum(first, second)[kept]
        codes.append(low * n_genes + high)
        channel.append(np.full(len(low), number))
        sure.append(confidence[kept])
    if not codes:
        return Interactions(np.zeros((0, 2), np.int64), np.zeros((0, 0), np.float32), ())
    found, pair = np.unique(np.concatenate(codes), return_inverse=True)
    table = np.zeros((len(found), len(parts)), np.float32)
    np.maximum.at(table, (pair, np.concatenate(channel)), np.concatenate(sure))
    pairs = np.column_stack([found // n_genes, found % n_genes])
    return Interactions(pairs, np.clip(table, 0, 1), tuple(parts))


def _read(
    folder: Path, file: _File, row: Mapping[str, int], symbols: SymbolTable
) -> tuple[IntArray, IntArray, FloatArray]:
    path = folder / file.name
    try:
        names = list(pd.read_csv(path, sep="\t", nrows=0).columns)
        if len(names) < 2 or (file.column and file.column not in names):
            expected = f"two genes{f' and {file.column}' if file.column else ''}"
            raise DataError(f"{path}: expected columns of {expected}, found {', '.join(names)}.")
        wanted = [*names[:2], *([file.column] if file.column else [])]
        table = pd.read_csv(path, sep="\t", usecols=wanted, na_filter=False)
    except FileNotFoundError:
        raise missing(path) from None
    except (pd.errors.ParserError, OSError, EOFError) as error:
        raise DataError(f"{path} is no tab-separated table ({error}).") from error
    ends = [table[name].astype(str) for name in names[:2]]
    words = pd.unique(pd.concat(ends))
    of = {word: row.get(symbols.approved(word) or "", -1) for word in words}
    first, second = (end.map(of).to_numpy(np.int64) for end in ends)
    if callable(file.confidence):
        try:
            confidence = file.confidence(table[file.column].astype(float))
        except ValueError as error:
            raise DataError(f"{path}: expected numbers in {file.column}; {error}.") from None
        return first, second, confidence.to_numpy(np.float32)
    return first, second, np.full(len(table), file.confidence, np.float32)
