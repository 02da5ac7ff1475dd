"""Predictions that other people bring: read strictly, matched with what is asked, never filled in.

A file has a row per prediction. Some columns say what it is a prediction of, others what is
predicted. A row that is missing, contradicted, of no known question, or no number is counted and
told; it is left out, and never taken for a 0.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from knowledge.errors import DataError, QuestionError
from knowledge.files import replacing
from knowledge.schema import Frozen
from knowledge.user_tables.file import open_table, require_columns

KEPT = "kept.parquet"
"""What a run leaves of its predictions to be kept beside its figures and compared with."""
SHOWN = 3
Words = Mapping[str, Sequence[str]]
"""Our name of a column, and the further names it goes by."""


class Coverage(Frozen):
    """What a file answers of what is asked, in rows.

    Attributes:
        where: What is asked, in words.
        asked: Rows of the benchmark.
        answered: Those with one number, which are scored.
        missing: Those that the file does not have.
        no_number: Those whose number is empty, NaN, infinite or a word.
        contradicted: Those that the file has several times with different numbers.
        repeated: Rows of the file that say once more what another says; they are used once.
        unknown: Rows of the file that the benchmark does not ask.
        examples: Of rows that are missing and of rows that are unknown, some.
    """

    where: str
    asked: int
    answered: int
    missing: int = 0
    no_number: int = 0
    contradicted: int = 0
    repeated: int = 0
    unknown: int = 0
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Return which share of what is asked is answered."""
        return self.answered / self.asked if self.asked else 0.0

    @property
    def flaws(self) -> str:
        """Return what is wrong with the file in words, "" where nothing is."""
        said = {
            "not in it": self.missing,
            "without a number": self.no_number,
            "with several different numbers": self.contradicted,
            "said twice": self.repeated,
            "that nothing asks": self.unknown,
        }
        return ", ".join(f"{n:,} {what}" for what, n in said.items() if n)

    def __str__(self) -> str:
        told = f"{self.where}: {self.answered:,} of {self.asked:,} rows ({self.share:.1%})"
        told += f"; {self.flaws}" if self.flaws else ""
        return told + (f" (such as {', '.join(self.examples)})" if self.examples else "")

    def check(self, least: float, *, strict: bool) -> None:
        """Refuse what is answered too little, or anything amiss where `strict`.

        Raises:
            QuestionError: It is refused; says why in a sentence.
        """
        if strict and self.flaws:
            raise QuestionError(
                f"{self.where}: {self.flaws}; mend the file, or leave out --strict to score the "
                f"{self.answered:,} of {self.asked:,} rows that it answers."
            )
        if self.share < least:
            raise QuestionError(
                f"{self.where}: only {self.answered:,} of {self.asked:,} rows are answered "
                f"({self.share:.1%}), fewer than --coverage {least:g} asks for; give more rows or "
                "declare less."
            )


def read_brought(path: Path, keys: Words, values: Words) -> pd.DataFrame:
    """Return the rows of a file: `keys` as words, `values` as numbers, NaN where there is none.

    A column of `values` that the file does not have is not returned, and so is a key whose further
    names begin with "" and that it does not have.

    Args:
        path: A CSV, TSV or parquet file.
        keys: Columns that say what a row is about.
        values: Columns of numbers, one of which must be there.

    Raises:
        QuestionError: It is no table, or columns are missing.
    """
    table = open_table(path)
    must = {name: more for name, more in keys.items() if "" not in more}
    found = require_columns(table, must)
    for name, more in keys.items():
        if name not in found and (at := table.column(name, *filter(None, more))) is not None:
            found[name] = at
    numbers = {name: at for name, more in values.items()
               if (at := table.column(name, *more)) is not None}  # fmt: skip
    if not numbers:
        raise QuestionError(
            f"{path} has no column of predictions; name it "
            f"{' or '.join(values)} (its columns are {', '.join(table.columns[:8])})."
        )
    rows = [row.cells for row in table.rows() if not row.problem]
    columns: dict[str, object] = {name: [row[at] for row in rows] for name, at in found.items()}
    for name, at in numbers.items():
        columns[name] = np.array([_number(row[at]) for row in rows], np.float64)
    if not rows:
        raise QuestionError(f"{path} has no rows; give a prediction a row.")
    return pd.DataFrame(columns)


def matched(
    brought: pd.DataFrame, value: str, asked: pd.DataFrame, keys: Sequence[str], where: str
) -> tuple[pd.Series, Coverage]:
    """Return the number that a file has for each row that is asked, NaN where it has none.

    Args:
        brought: Rows of the file, words read as the benchmark reads them.
        value: The column of numbers.
        asked: Rows of the benchmark, each once, with the columns `keys`.
        keys: What tells rows apart.
        where: What is asked, in words.
    """
    index = pd.MultiIndex.from_frame(asked[list(keys)])
    theirs = pd.MultiIndex.from_frame(brought[list(keys)])
    known = index.get_indexer(theirs)
    rows = pd.DataFrame({"at": known, "value": brought[value].to_numpy(np.float64)})
    strangers = theirs[known < 0]
    rows = rows[rows["at"] >= 0]
    once = rows.drop_duplicates()
    said = once.groupby("at")["value"]
    several = said.size()
    contradicted = several.index[several > 1]
    single = once[~once["at"].isin(contradicted)].set_index("at")["value"]
    number = pd.Series(np.nan, index=range(len(asked)), dtype=np.float64)
    number.loc[single.index] = single.to_numpy()
    finite = np.isfinite(number.to_numpy())
    absent = ~np.isin(np.arange(len(asked)), rows["at"].to_numpy())
    lacking = [" ".join(map(str, one)) for one in index[absent][:SHOWN]]
    strange = [" ".join(map(str, one)) for one in strangers[: SHOWN if not lacking else 0]]
    coverage = Coverage(
        where=where,
        asked=len(asked),
        answered=int(finite.sum()),
        missing=int(absent.sum()),
        no_number=int(single.isna().sum()),
        contradicted=len(contradicted),
        repeated=len(rows) - len(once),
        unknown=len(strangers),
        examples=tuple(lacking or strange),
    )
    return pd.Series(number.to_numpy(), index=asked.index), coverage


def spelt(words: pd.Series, read: Callable[[str], str]) -> pd.Series:
    """Return a column of words as the benchmark spells them; each distinct word is read once."""
    return words.map({word: read(word) for word in set(words)})


def write_kept(table: pd.DataFrame, path: Path) -> None:
    """Write predictions to be kept with the scoreboard: small, at full precision."""
    columns = {
        str(name): table[name].astype("category")
        for name in table
        if isinstance(table[name].dtype, pd.StringDtype) or table[name].dtype == object
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        table.assign(**columns).to_parquet(
            draft, index=False, compression="zstd", compression_level=19
        )


def read_kept(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return kept predictions, words as words.

    Raises:
        DataError: They are not there, or of another kind.
    """
    if not path.is_file():
        raise DataError(
            f"{path} is missing, in which predictions to compare with are kept; name the folder of "
            "a finished run as --against."
        )
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} holds no predictions ({error}); name another.") from error
    if lacking := [name for name in columns if name not in table]:
        raise DataError(f"{path} has no column {lacking[0]}; name a run of this version.")
    words = {
        str(name): table[name].astype(str)
        for name in table
        if isinstance(table[name].dtype, pd.CategoricalDtype)
    }
    return table.assign(**words)


def _number(word: str) -> float:
    try:
        found = float(word)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan
