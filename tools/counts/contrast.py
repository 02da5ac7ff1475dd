"""Reads what is to be compared: a contrast in words, a level, a column, or none at all."""

import re
from collections.abc import Sequence

import pandas as pd

from knowledge.errors import QuestionError
from knowledge.schema import Frozen
from knowledge.user_tables.file import column_key
from tools.counts.frames import columns_of

CONTROLS = (
    "control", "ctrl", "ctl", "con", "untreated", "vehicle", "dmso", "pbs", "mock", "normal",
    "healthy", "wildtype", "wt", "nontargeting", "nt", "ntc", "scramble", "scrambled", "sictrl",
    "sicontrol", "sgctrl", "parental", "baseline", "before", "pre", "none", "unperturbed",
    "unstimulated", "benign", "adjacent", "sham", "empty", "placebo", "0", "no", "neg", "negative",
)  # fmt: skip
_AGAINST = re.compile(
    r"\s+(?:against|versus|vs\.?|v\.?|over|relative to|compared (?:with|to)|minus|-)\s+|\s*/\s*",
    re.IGNORECASE,
)
SHOWN = 5


class Wanted(Frozen):
    """What a person asks to be compared.

    Attributes:
        contrast: `tumour against normal`, `tissue: tumour against normal`, a level, a column of
            numbers, a coefficient of the formula, or None for the only comparison there is.
        formula: As DESeq2 writes it, `~ batch + treatment`; None to have it made.
        pair: The column that pairs samples; None to have it found, "" for none.
        batch: Columns whose effect is taken out.
        leave_out: Samples that are not used.
    """

    contrast: str | None = None
    formula: str | None = None
    pair: str | None = None
    batch: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


def contrast_of(samples: pd.DataFrame, wanted: Wanted) -> tuple[str, str, str, list[str]]:
    """Return column, level, level it is compared with, and what was assumed."""
    words = (wanted.contrast or "").strip()
    notes: list[str] = []
    column, colon, rest = words.partition(":")
    named = _column(samples, column.strip()) if colon else None
    if named is not None:
        words = rest.strip()
    elif words.count(",") == 2:
        first, test, reference = (one.strip() for one in words.split(","))
        named, words = known_column(samples, first), f"{test} against {reference}"
    parts = [part.strip() for part in _AGAINST.split(words) if part.strip()]
    if len(parts) == 2:
        names = [named] if named else columns_of(samples)
        hits = [c for c in names if all(_level(samples[c], part) is not None for part in parts)]
        if len(hits) == 1:
            levels = [_level(samples[hits[0]], part) for part in parts]
            return hits[0], str(levels[0]), str(levels[1]), notes
        if hits:
            raise QuestionError(
                f"{' and '.join(hits)} all have these groups; write '{hits[0]}: {words}'."
            )
        raise QuestionError(
            f"No column of the design has both {parts[0]!r} and {parts[1]!r}; "
            f"{levels_told(samples)}."
        )
    if len(parts) == 1 and (at := _column(samples, parts[0])) is not None:
        return _whole_column(samples, at, notes)
    if len(parts) == 1:
        hits = [c for c in columns_of(samples) if _level(samples[c], parts[0]) is not None]
        if len(hits) == 1:
            column, test, reference, notes = _whole_column(samples, hits[0], notes)
            wanted_level = str(_level(samples[hits[0]], parts[0]))
            others = [one for one in levels_of(samples[hits[0]]) if one != wanted_level]
            return column, wanted_level, reference if reference in others else others[0], notes
        if wanted.formula is not None and "[" in parts[0]:
            column = next((c for c in columns_of(samples) if parts[0].startswith(c)), "")
            if column:
                return _whole_column(samples, column, notes)
        raise QuestionError(
            f"{parts[0]!r} is no group and no column of the design; {levels_told(samples)}."
        )
    if parts:
        raise QuestionError(f"{words!r} is no comparison; write 'treated against control'.")
    return _only(samples, wanted, notes)


def _only(
    samples: pd.DataFrame, wanted: Wanted, notes: list[str]
) -> tuple[str, str, str, list[str]]:
    """Return the only comparison that a design allows: two groups, one of them a control."""
    other = {wanted.pair, *wanted.batch}
    names = [c for c in columns_of(samples) if c not in other and len(levels_of(samples[c])) == 2]
    names = [c for c in names if samples[c].value_counts().min() > 1] or names
    if wanted.formula is not None:
        names = [c for c in names if is_named(wanted.formula, c)] or names
        last = wanted.formula.replace("*", "+").split("+")[-1].strip(" ~`")
        names = [last] if last in names else names
    sure = [c for c in names if any(column_key(one) in CONTROLS for one in levels_of(samples[c]))]
    if len(sure) > 1 or not (sure or names):
        raise QuestionError(
            "Say what is compared with --contrast 'treated against control': "
            f"{levels_told(samples)}."
        )
    if not sure and len(names) > 1:
        raise QuestionError(
            f"{' and '.join(names)} each have two groups; say which is compared with --contrast."
        )
    column, test, reference, notes = _whole_column(samples, (sure or names)[0], notes)
    notes.append(
        f"No --contrast given: {column} is compared, {test} against {reference} (positive fold "
        f"changes are higher in {test})."
    )
    return column, test, reference, notes


def _whole_column(
    samples: pd.DataFrame, column: str, notes: list[str]
) -> tuple[str, str, str, list[str]]:
    """Return the comparison that a column stands for."""
    levels = levels_of(samples[column])
    if len(levels) > 2 and is_numeric(samples[column]):
        return column, "", "", [*notes, f"{column} is read as a measurement: the change per unit."]
    if len(levels) < 2:
        raise QuestionError(
            f"All samples are {levels[0] if levels else 'nothing'} by {column}: there is nothing "
            "to compare them with; add control samples."
        )
    control = [one for one in levels if column_key(one) in CONTROLS]
    reference = control[0] if len(control) == 1 else levels[0]
    others = [one for one in levels if one != reference]
    if len(others) > 1:
        raise QuestionError(
            f"{column} has {len(levels)} groups ({some(levels)}); say which two are compared "
            f"with --contrast '{others[0]} against {reference}'."
        )
    if not control:
        notes = [
            *notes,
            f"Neither group of {column} is called a control: {reference}, the first, is taken for "
            "it (turn round with --contrast).",
        ]
    return column, others[0], reference, notes


def levels_of(values: pd.Series) -> list[str]:
    """Return the distinct words of a column in order, without empty ones."""
    return list(dict.fromkeys(str(one) for one in values if str(one).strip()))


def _level(values: pd.Series, word: str) -> str | None:
    levels = levels_of(values)
    exact = [one for one in levels if one == word]
    same = exact or [one for one in levels if column_key(one) == column_key(word)]
    return same[0] if len(same) == 1 else None


def _column(samples: pd.DataFrame, word: str) -> str | None:
    found = [c for c in columns_of(samples) if column_key(c) == column_key(word)]
    return found[0] if len(found) == 1 else None


def known_column(samples: pd.DataFrame, word: str) -> str:
    """Return the column that a word names.

    Raises:
        QuestionError: There is none.
    """
    found = _column(samples, word)
    if found is None:
        raise QuestionError(
            f"The design has no column {word!r}; it has {', '.join(columns_of(samples))}."
        )
    return found


def is_numeric(values: pd.Series) -> bool:
    """Return whether every word is a number."""
    return bool(pd.to_numeric(values, errors="coerce").notna().all())


def is_named(formula: str, column: str) -> bool:
    """Return whether a formula names a column."""
    if f"`{column}`" in formula:
        return True
    return re.search(rf"(?<![\w.`]){re.escape(column)}(?![\w.`])", formula) is not None


def levels_told(samples: pd.DataFrame) -> str:
    """Return the groups of each column, for a sentence."""
    told = []
    for name in columns_of(samples):
        levels = levels_of(samples[name])
        if 1 < len(levels) < len(samples):
            told.append(f"{name} has {some(levels)}")
    return "; ".join(told[:SHOWN]) or "no column of the design has groups of several samples"


def some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(map(str, names[:SHOWN]))}{more}"
