"""The table of the samples beside their expression: which row is which sample."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from knowledge.errors import QuestionError
from knowledge.user_tables.file import TableFile, open_table

_MOSTLY = 0.9


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of text, a row per line; columns without a name are numbered."""
    table: TableFile = open_table(path)
    heads = [name or f"column {at + 1}" for at, name in enumerate(table.columns)]
    return pd.DataFrame([row.cells for row in table.rows()], columns=heads, dtype=str)


def names_in(table: pd.DataFrame) -> set[str]:
    """Return all that may be a name of a sample: values of columns that hardly repeat."""
    names: set[str] = set()
    for at in range(table.shape[1]):
        values = table.iloc[:, at]
        if values.nunique() >= _MOSTLY * len(values):
            names |= set(values)
    return names


def aligned(
    table: pd.DataFrame, samples: Sequence[str], name: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows of the samples, in their order, and what is to be said of the match.

    Names are compared as they are and, where hardly any is found so, without signs and case
    (R writes `TCGA.A3` for `TCGA-A3`). A sample without a row has empty values.

    Raises:
        QuestionError: No column names the samples, or two rows name one.
    """
    keys: list[tuple[int, int, bool]] = []
    for loose in (False, True):
        wanted = {_key(one, loose) for one in samples}
        for at in range(table.shape[1]):
            found = sum(_key(one, loose) in wanted for one in set(table.iloc[:, at]))
            keys.append((found, at, loose))
    most, at, loose = max(keys, key=lambda one: (one[0], not one[2], -one[1]))
    if not most:
        raise QuestionError(
            f"No column of {name} names the samples ({', '.join(samples[:3])}, ...); add one."
        )
    column = table.columns[at]
    index = pd.Index([_key(one, loose) for one in table.iloc[:, at]])
    twice = index[index.duplicated() & index.isin([_key(one, loose) for one in samples])]
    if len(twice):
        raise QuestionError(f"{name} has several rows for the sample {twice[0]}; keep one.")
    rows = table.drop(columns=column).set_axis(index, axis=0)
    rows = rows[~rows.index.duplicated()].reindex([_key(one, loose) for one in samples]).fillna("")
    notes = [f"Samples are matched by the column {column!r} of {name}."]
    if most < len(samples):
        notes.append(f"{len(samples) - most:,} of {len(samples):,} samples have no row in {name}.")
    return rows.set_axis(pd.Index(samples), axis=0), tuple(notes)


def require(table: pd.DataFrame, columns: Collection[str], option: str) -> None:
    """Refuse names of columns that a table has not.

    Raises:
        QuestionError: One is not there.
    """
    for one in columns:
        if one not in table.columns:
            has = ", ".join(map(repr, table.columns[:10]))
            raise QuestionError(f"There is no column {one!r} for {option}; the table has {has}.")


def _key(name: str, loose: bool) -> str:
    return re.sub(r"[^0-9a-z]", "", name.casefold()) if loose else name.strip()
