"""Screens of one's own as rows that the response model votes with and looks up."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from knowledge.own_screens import OwnScreen, named, own_screens, read_rows
from models.response.own_rows import OwnRows, Words

# Rows that a session holds of all own screens: some 200 bytes each. Beyond, unchanged pairs are
# left out, in every screen the same share; changed ones never are.
MOST_ROWS = 1_000_000
YOURS, PRIVATE = "your screen", "private screen"


def source_of(screen: OwnScreen) -> str:
    """Return what evidence from a screen calls its source."""
    return f"{PRIVATE if screen.private else YOURS} {screen.name}"


def is_private(source: str) -> bool:
    """Return whether a source is a screen that stays out of reports."""
    return source.startswith(f"{PRIVATE} ")


def screens_used(
    data: Path, without: Sequence[str] = (), *, private: bool = True
) -> tuple[OwnScreen, ...]:
    """Return the screens of a data folder that count.

    Args:
        data: The data folder.
        without: Names of screens that are left out.
        private: Whether private ones count.

    Raises:
        QuestionError: There is no screen of a name.
        DataError: One is damaged.
    """
    there = own_screens(data)
    left_out = {one.name for one in named(there, without)}
    return tuple(one for one in there if one.name not in left_out and (private or not one.private))


def own_rows(data: Path, screens: Sequence[OwnScreen], most: int = MOST_ROWS) -> list[OwnRows]:
    """Return the rows of screens; of very many, all changed ones and a share of the others.

    Raises:
        DataError: A screen is damaged.
    """
    changed = sum(one.changed for one in screens)
    quiet = sum(one.rows - one.changed for one in screens)
    share = min(1.0, max(0.0, most - changed) / quiet) if quiet else 1.0
    rng = np.random.default_rng(0)
    out = []
    for one in screens:
        table = read_rows(data, one)
        outcomes = table.column("outcome").to_numpy().astype(np.int8)
        if share < 1:
            table = table.filter((outcomes > 0) | (rng.random(len(outcomes)) < share))
            outcomes = table.column("outcome").to_numpy().astype(np.int8)
        out.append(
            OwnRows(
                name=source_of(one),
                cell_line=one.cell_line,
                perturbations=_words(table, "perturbation"),
                readouts=_words(table, "gene"),
                outcomes=outcomes,
                digest=one.digest,
            )
        )
    return out


def _words(table: pa.Table, name: str) -> Words:
    """Return a column of words as words and their numbers."""
    column = table.column(name).combine_chunks()
    coded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    words = np.array(coded.dictionary.to_pylist(), dtype=np.str_)
    return Words(words, coded.indices.to_numpy().astype(np.int64))
