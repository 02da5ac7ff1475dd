"""What a file of cells calls its readouts, read as genes."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from knowledge.errors import DataError
from knowledge.symbols import SymbolTable
from knowledge.user_tables.columns import entrez_ids
from knowledge.user_tables.labels import LabelReader
from models.expression.screens import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5
# A column of `var` is named instead of `var_names` if it holds so many times more genes.
FAR_MORE_GENES = 2
_log = logging.getLogger(__name__)


def told_names(
    var: "pd.DataFrame", column: str | None, symbols: SymbolTable, name: str
) -> list[str]:
    """Return what a file calls its readouts.

    Args:
        var: Its table of readouts.
        column: The column of names that the user named; None for the index.
        symbols: The genes of today.
        name: What an error calls the file.

    Raises:
        DataError: The named column is missing, or another one plainly holds the genes.
    """
    if column is not None:
        return [str(word) for word in named_column(var, column, name, "genes")]
    listed = [str(word) for word in var.index]
    _, known = _approved(listed, symbols)
    for other in var.columns:
        words = [str(word) for word in var[other]]
        if len(set(words)) < len(words) / 2:
            continue
        _, there = _approved(words, symbols)
        if there > FAR_MORE_GENES * known and there > 1:
            raise DataError(
                f"{name}: {known:,} of the {len(listed):,} names in `var_names` are genes (they "
                f"begin with {', '.join(map(repr, listed[:3]))}), and {there:,} of those in its "
                f"column {other!r}; name that as --gene-col."
            )
    return listed


def readout_names(words: Iterable[str], symbols: SymbolTable, name: str) -> list[str]:
    """Return approved symbols of readouts; words that HGNC does not know stay as they are.

    Raises:
        DataError: A word occurs twice, or none is a human gene.
    """
    listed = [str(word) for word in words]
    if twice := [word for word, n in Counter(listed).items() if n > 1]:
        more = " ..." if len(twice) > SHOWN else ""
        raise DataError(
            f"{name}: {len(twice):,} gene names occur more than once, such as "
            f"{', '.join(twice[:SHOWN])}{more}; keep one column of each, or name genes by Ensembl."
        )
    names, known = _approved(listed, symbols)
    if not known:
        raise DataError(
            f"{name}: none of its {len(listed):,} gene names is a human gene, such as "
            f"{', '.join(map(repr, listed[:3]))}; put symbols or Ensembl ids into `var_names`, or "
            "name the column of var that holds them as --gene-col."
        )
    if known < len(listed):
        strange = [
            word for word, symbol in zip(listed, names, strict=True) if symbol not in symbols
        ]
        _log.warning(
            "%s: %s of %s gene names are human genes; %s are not and keep their names: %s",
            name, f"{known:,}", f"{len(listed):,}", f"{len(strange):,}",
            ", ".join(strange[:SHOWN]) + (" ..." if len(strange) > SHOWN else ""),
        )  # fmt: skip
    return names


def distinct(names: Sequence[str], expression: FloatArray) -> IntArray:
    """Return one position per name, in order: that of the most expressed."""
    best: dict[str, int] = {}
    for i in np.argsort(-expression, kind="stable"):
        best.setdefault(names[i], int(i))
    return np.array(sorted(best.values()), np.int64)


def named_column(
    frame: "pd.DataFrame", column: str, name: str, what: str = "cells"
) -> "pd.Series[str]":
    """Return a column of a table of cells or genes.

    Raises:
        DataError: There is none of that name.
    """
    if column not in frame:
        raise DataError(
            f"{name} has no column {column!r} of {what}; its columns are "
            f"{', '.join(map(str, frame.columns)) or 'none'}."
        )
    found: pd.Series[str] = frame[column]
    return found


def _approved(words: Sequence[str], symbols: SymbolTable) -> tuple[list[str], int]:
    """Return the symbols of readouts, words that are none as they are, and how many are genes."""
    reader = LabelReader(symbols, suggest=False, entrez=entrez_ids(words))
    read = [reader.read_one(word) for word in words]
    names = [one.genes[0] if one.genes else one.word for one in read]
    return names, sum(bool(one.genes) for one in read)
