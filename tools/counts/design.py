"""What is compared with what: samples, pairs, batches and a contrast, in words or as a formula."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from knowledge.errors import QuestionError
from knowledge.user_tables.file import column_key, open_table
from tools.counts.contrast import (
    CONTROLS,
    SHOWN,
    Wanted,
    contrast_of,
    is_named,
    is_numeric,
    known_column,
    levels_of,
    some,
)
from tools.counts.frames import columns_of
from tools.counts.matrix import CountTable, matched

# A column of more distinct numbers than this is a measurement, not a group.
_LEVELS = 6


@dataclass(frozen=True)
class Design:
    """A comparison that can be fitted.

    Attributes:
        samples: What is known of each sample that is compared.
        column: The column whose change is tested.
        test: The level of interest; "" where `column` is a measurement.
        reference: The level that it is compared with.
        formula: As DESeq2 writes it.
        matrix: `(samples, coefficients)`.
        coefficient: The one that is tested.
        pairs: The column that pairs the samples; "" without.
        notes: What was assumed, each a sentence.
    """

    samples: pd.DataFrame
    column: str
    test: str
    reference: str
    formula: str
    matrix: pd.DataFrame
    coefficient: str
    pairs: str = ""
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> pd.Series:
        """Return the group of each sample."""
        return self.samples[self.column].astype(str)

    @property
    def words(self) -> str:
        """Return what is compared: `tumour against normal`."""
        return f"{self.test} against {self.reference}" if self.test else f"a unit of {self.column}"

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the columns that the formula names besides the tested one."""
        return tuple(
            c for c in columns_of(self.samples) if c != self.column and is_named(self.formula, c)
        )

    def members(self, level: str) -> list[str]:
        """Return the samples of a group."""
        return list(self.samples.index[self.groups == level])


def read_samples(path: Path) -> pd.DataFrame:
    """Return a table of samples as it stands, a row for each.

    Raises:
        QuestionError: It is empty or no table.
    """
    if not path.is_file():
        raise QuestionError(f"{path} is no file; name the table that says what each sample is.")
    file = open_table(path)
    rows = [row.cells for row in file.rows()]
    if not rows or len(file.columns) < 2:
        raise QuestionError(
            f"{path} says nothing of samples; give a row for each, with its name and its group."
        )
    names = [name or "sample" for name in file.columns]
    if len(set(names)) < len(names):
        raise QuestionError(f"{path} has two columns of the same name; rename one.")
    return pd.DataFrame(rows, columns=names)


def sample_names(samples: pd.DataFrame) -> list[str]:
    """Return every word of a table that may name a sample."""
    return [str(word) for name in samples.columns for word in samples[name]]


def joined(
    table: CountTable, samples: pd.DataFrame, leave_out: Sequence[str] = ()
) -> tuple[CountTable, pd.DataFrame, list[str]]:
    """Return the counts and the samples in one order, and what was left out, each a sentence.

    Raises:
        QuestionError: They do not name the same samples.
    """
    found = [str(name) for name in table.counts.columns]
    best = ""
    link: dict[str, str] = {}
    for name in columns_of(samples):
        one = matched(samples[name].astype(str), found)
        if len(set(one.values())) > len(set(link.values())):
            best, link = name, one
    if len(link) < 2:
        raise QuestionError(
            f"No column of the design names the samples of {table.source} (they are "
            f"{', '.join(found[:SHOWN])}); write these names into a column of the design."
        )
    samples = samples.set_index(samples[best].astype(str)).drop(columns=best)
    if samples.index.duplicated().any():
        twice = samples.index[samples.index.duplicated()][0]
        raise QuestionError(
            f"The design has two rows for the sample {twice}; keep one, and add counts of "
            "technical replicates up beforehand."
        )
    notes = []
    unknown = sorted(set(leave_out) - set(samples.index))
    if unknown:
        raise QuestionError(f"There is no sample {unknown[0]} to leave out.")
    if missing := [name for name in samples.index if name not in link and name not in leave_out]:
        raise QuestionError(
            f"{table.source} has no counts of {some(missing)}, which the design names; take them "
            "out of the design or add their counts."
        )
    if more := [name for name in found if name not in set(link.values())]:
        notes.append(f"The design does not name {some(more)} of {table.source}: not used.")
    if leave_out:
        notes.append(f"Left out as asked: {some(list(leave_out))}.")
    keep = [name for name in samples.index if name not in leave_out]
    counts = table.counts[[link[name] for name in keep]].set_axis(keep, axis=1)
    other = CountTable(counts, table.source, table.description, table.symbols, None, table.notes)
    return other, samples.loc[keep], notes


def designed(samples: pd.DataFrame, wanted: Wanted) -> Design:
    """Return the comparison that is asked for.

    Args:
        samples: By sample, every column as words.
        wanted: What is asked.

    Raises:
        QuestionError: It cannot be made out, or these samples cannot answer it; says why.
    """
    if samples.empty or not len(samples.columns):
        raise QuestionError("The design says nothing of the samples but their names; add a group.")
    column, test, reference, notes = contrast_of(samples, wanted)
    if test:
        groups = samples[column].astype(str)
        mixed = wanted.formula is not None and len(groups.unique()) > 2
        kept = samples if mixed else samples[groups.isin([test, reference])]
        if len(kept) < len(samples):
            notes.append(
                f"{len(samples) - len(kept)} samples of other groups of {column} are not used."
            )
        samples = kept
        _replicated(samples[column].astype(str), column, test, reference)
    pair, formula = wanted.pair, wanted.formula
    for name in (*wanted.batch, *([pair] if pair else [])):
        known_column(samples, name)
    if formula is None:
        if pair is None and test:
            pair = next(
                (c for c in columns_of(samples) if _pairs(samples, c, column, test, reference)), ""
            )
            if pair:
                notes.append(
                    f"The samples are paired by {pair}: each {pair} has one of both groups, so "
                    "its own level is taken out (`--pair none` compares them unpaired)."
                )
        terms = [*([pair] if pair else []), *(b for b in wanted.batch if b != pair), column]
        formula = "~ " + " + ".join(map(_quoted, terms))
    elif not is_named(formula, column):
        raise QuestionError(
            f"The formula {formula} does not name {column}, whose change is asked for; add it."
        )
    typed = _typed(samples, column, reference)
    matrix = _matrix(typed, formula, wanted.batch)
    coefficient = _coefficient(matrix, column, test, wanted.contrast, formula)
    _estimable(matrix, typed, coefficient, column, formula)
    if test and ":" in formula.replace(" ", "") + ("*" in formula) * ":":
        notes.append(
            "The formula has an interaction: the fold changes told are those at the reference "
            "levels of the other columns."
        )
    return Design(
        typed, column, test, reference, formula, matrix, coefficient, pair or "", tuple(notes)
    )


def _replicated(groups: pd.Series, column: str, test: str, reference: str) -> None:
    sizes = {level: int((groups == level).sum()) for level in (test, reference)}
    if max(sizes.values()) == 1:
        raise QuestionError(
            f"There is one sample of {test} and one of {reference}: without replicates nobody can "
            "tell an effect from the difference between two samples, and no honest p-value "
            "exists; sequence at least two, better three or more, of each."
        )
    if min(sizes.values()) == 1 and sum(sizes.values()) < 4:
        alone = min(sizes, key=lambda one: sizes[one])
        raise QuestionError(
            f"There is one sample of {alone} by {column} and {sum(sizes.values()) - 1} others: "
            "without replicates of both nothing can be tested honestly; sequence more samples."
        )


def _matrix(samples: pd.DataFrame, formula: str, batch: Sequence[str]) -> pd.DataFrame:
    """Return the design matrix; what the formula names must be there and told apart."""
    from formulaic import model_matrix
    from formulaic.errors import FormulaicError

    try:
        matrix = pd.DataFrame(model_matrix(formula, samples))
    except (FormulaicError, SyntaxError, NameError, ValueError, TypeError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QuestionError(
            f"The formula {formula!r} cannot be used with the columns "
            f"{', '.join(columns_of(samples))} ({said}); write for example "
            f"'~ {samples.columns[0]}'."
        ) from error
    if len(matrix) < len(samples):
        raise QuestionError(
            f"{len(samples) - len(matrix)} samples have no value in a column of {formula}; fill "
            "it or leave these samples out."
        )
    matrix.index = samples.index
    return matrix.astype(float)


def _coefficient(
    matrix: pd.DataFrame, column: str, test: str, asked: str | None, formula: str
) -> str:
    if asked and asked.strip() in matrix:
        return asked.strip()
    for name in (f"{column}[T.{test}]", f"`{column}`[T.{test}]", column, f"`{column}`"):
        if name in matrix:
            return name
    ends = [name for name in columns_of(matrix) if name.endswith(f"[T.{test}]") and column in name]
    if len(ends) == 1:
        return ends[0]
    raise QuestionError(
        f"The formula {formula} has no coefficient for {test or column}; name one of "
        f"{', '.join(columns_of(matrix))} as --contrast."
    )


def _estimable(
    matrix: pd.DataFrame, samples: pd.DataFrame, coefficient: str, column: str, formula: str
) -> None:
    """Refuse a comparison that other columns take along."""
    rank = int(np.linalg.matrix_rank(matrix))
    if rank < matrix.shape[1]:
        alone = int(np.linalg.matrix_rank(matrix.drop(columns=coefficient)))
        others = [c for c in columns_of(samples) if c != column and is_named(formula, c)]
        if alone == rank:
            same = next((c for c in others if nested(samples, c, column)), " and ".join(others))
            raise QuestionError(
                f"{column} and {same} are confounded: {_confounding(samples, column, same)}, so no "
                f"analysis can tell the effect of {column} from that of {same}. Leave {same} out "
                "and say so wherever the result is told, or sequence samples that break the tie."
            )
        raise QuestionError(
            f"The columns of {formula} say the same of some samples (rank {rank} of "
            f"{matrix.shape[1]}); take one of {', '.join(others) or column} out."
        )
    if len(matrix) <= matrix.shape[1]:
        raise QuestionError(
            f"{formula} has {matrix.shape[1]} coefficients for {len(matrix)} samples, so nothing "
            "is left to estimate the noise from; use fewer columns or more samples."
        )


def _confounding(samples: pd.DataFrame, column: str, other: str) -> str:
    """Return what goes with what, for a sentence."""
    if other not in samples:
        return "their groups never part"
    table = pd.crosstab(samples[column].astype(str), samples[other].astype(str))
    said = [
        f"every {level} sample is of {other} {' or '.join(row.index[row > 0][:3])}"
        for level, row in table.iterrows()
    ]
    return " and ".join(said[:2])


def nested(samples: pd.DataFrame, one: str, other: str) -> bool:
    """Return whether each level of `one` lies within one level of `other`, and there are several.

    A column with a level for each sample is a name, and none of a group.
    """
    table = pd.crosstab(samples[one].astype(str), samples[other].astype(str))
    return 1 < len(table) < len(samples) and bool(((table > 0).sum(axis=1) == 1).all())


def _pairs(samples: pd.DataFrame, name: str, column: str, test: str, reference: str) -> bool:
    """Return whether a column has one sample of either group at each of its levels."""
    if name == column:
        return False
    table = pd.crosstab(samples[name].astype(str), samples[column].astype(str))
    return len(table) > 1 and bool((table.reindex(columns=[test, reference]) == 1).all(axis=None))


def _typed(samples: pd.DataFrame, column: str, reference: str) -> pd.DataFrame:
    """Return columns as groups, the reference first, or as numbers."""
    out = {}
    for name in columns_of(samples):
        words = samples[name].astype(str)
        if (name != column or not reference) and is_numeric(words) and len(set(words)) > _LEVELS:
            out[name] = pd.to_numeric(words)
            continue
        if name == column and not reference:
            out[name] = pd.to_numeric(words)
            continue
        levels = levels_of(words)
        if name == column:
            levels = [reference, *(one for one in levels if one != reference)]
        elif control := [one for one in levels if column_key(one) in CONTROLS]:
            levels = [control[0], *(one for one in levels if one != control[0])]
        out[name] = pd.Series(pd.Categorical(words, levels), samples.index)
    return pd.DataFrame(out, index=samples.index)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"`{name}`"
