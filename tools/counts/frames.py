"""Rows of tables without their types, which the stubs of pandas cannot know."""

from collections.abc import Iterator
from typing import Any

import pandas as pd


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """Iterate over rows whose cells are attributes."""
    yield from table.itertuples()


def series_of(table: pd.DataFrame) -> Iterator[Any]:
    """Iterate over rows whose cells are found by name."""
    for _, row in table.iterrows():
        yield row


def columns_of(table: pd.DataFrame) -> list[str]:
    """Return the names of columns as words."""
    return [str(name) for name in table.columns]
