"""Calls on textbook pairs: right, wrong or open. Nothing is fitted to them or looked up in them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from evals.harness.resampling import Resampler
from evals.harness.scores import Score
from evals.regulators.answers import Ask
from evals.regulators.predictors import FUSED, PATHS, RESPONSE, named
from knowledge.errors import DataError
from knowledge.schema import PerturbationKind
from knowledge.symbols import SymbolTable
from models.fusion import Scope
from models.inputs.screens import CELL_LINES

COLUMNS = ("pert", "kind", "cell_line", "gene", "direction")
KIND_WORDS: Mapping[str, PerturbationKind] = {
    "knockout": "knockout",
    "knockdown": "knockdown",
    "activation": "activation",
}
WAYS = ("up", "down")


def read_pairs(path: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return the pairs of a CSV file with the columns `COLUMNS`, symbols approved.

    Raises:
        DataError: A column is missing, or a value is none that can be asked.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as CSV ({error}); name another --pairs.") from error
    if lacking := [name for name in COLUMNS if name not in table]:
        raise DataError(f"{path} has no column {lacking[0]}; it must have {', '.join(COLUMNS)}.")
    allowed = {"kind": tuple(KIND_WORDS), "cell_line": CELL_LINES, "direction": WAYS}
    for column, words in allowed.items():
        if odd := sorted(set(table[column]) - set(words)):
            raise DataError(
                f"{path} has the {column} {odd[0]!r}; it must be one of {', '.join(words)}."
            )
    for column in ("pert", "gene"):
        found = {word: symbols.approved(word) for word in set(table[column])}
        if odd := sorted(word for word, symbol in found.items() if symbol is None):
            raise DataError(f"{path} names {odd[0]!r}, which is no human gene; correct the row.")
        table[column] = table[column].map(found)
    return table[list(COLUMNS)].drop_duplicates(ignore_index=True)


def asks(pairs: pd.DataFrame) -> Iterator[Ask]:
    """Yield one question per perturbation and line."""
    for (pert, kind, line), mine in pairs.groupby(["pert", "kind", "cell_line"]):
        yield Ask(str(pert), KIND_WORDS[str(kind)], (str(line),), tuple(mine["gene"]))


def calls(answers: pd.DataFrame, best: Scope, threshold: float) -> dict[str, pd.Series]:
    """Return the call of every predictor, `unknown` or `unchanged` where it is open.

    Args:
        answers: Of `evals.regulators.answers`, with `pert` and `kind`.
        best: The richest knowledge.
        threshold: From which P(changes) on the response model alone calls a change.
    """
    keys = ["pert", "kind", "cell_line", "gene"]
    found: dict[str, pd.Series] = {}
    for scope, rows in answers.groupby("scope"):
        table = rows.set_index(keys)
        name: Scope = "full" if scope == "full" else "starter"
        found[named(FUSED, name, best)] = table["call"]
        way = table["path_up"] - table["path_down"]
        said = np.select([way > 0, way < 0], ["up", "down"], "unknown")
        found[named(PATHS, name, best)] = pd.Series(said, table.index)
        if scope == best:
            up = pd.Series(np.where(table["response_up"] >= 0.5, "up", "down"), table.index)
            called = up.where(table["response_de"] >= threshold, "unchanged")
            found[RESPONSE] = called.where(table["response_de"].notna(), "unknown")
    return found


def judged(
    pairs: pd.DataFrame, called: Mapping[str, pd.Series], resampler: Resampler
) -> Iterator[Score]:
    """Yield how many calls of each predictor are right, wrong and open."""
    keys = pd.MultiIndex.from_frame(pairs[["pert", "kind", "cell_line", "gene"]])
    truth, unit = pairs["direction"].to_numpy(str), pairs["pert"].to_numpy(str)
    for name, series in called.items():
        call = series.reindex(keys).fillna("unknown").to_numpy(str)
        told = np.isin(call, WAYS)
        right = told & (call == truth)
        share = resampler.mean(unit, told.astype(np.float64))
        of_told = resampler.mean(unit[told], right[told].astype(np.float64))
        counts = {"right": right, "wrong": told & ~right, "open": ~told}
        for measure, which in counts.items():
            yield Score(name, measure, int(which.sum()), about="textbook")
        yield Score(name, "called", share, about="textbook")
        yield Score(name, "right of the called", of_told, about="textbook")
