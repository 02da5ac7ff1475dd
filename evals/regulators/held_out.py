"""The fused answer as fusion gave it with the regulator's fold left out of its fitting."""

from pathlib import Path

import numpy as np
import pandas as pd

from evals.regulator_pairs import PAIR
from evals.regulators.predictors import FUSED, HELD_OUT, IN_SAMPLE, STARTER
from knowledge.errors import DataError
from models.fusion import logit

COLUMNS = (*PAIR, "p_up")


def read_held_out(path: Path) -> pd.DataFrame:
    """Return the table that `knockwise train fusion` leaves: what a loss does, held out.

    It has `regulator`, `gene` and `p_up`; with a `scope`, the rows of `full` or `starter`.

    Raises:
        DataError: It is no such table.
    """
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is no table of held-out predictions ({error}); "
            "`knockwise train fusion` writes one."
        ) from error
    if lacking := [name for name in COLUMNS if name not in table]:
        raise DataError(f"{path} has no column {lacking[0]}; `knockwise train fusion` writes it.")
    return table


def with_held_out(pairs: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with a column of held-out directions; those in sample are called so."""
    parted = table if "scope" in table else table.assign(scope="full")
    names = [str(name) for name in pairs]
    renamed = {name: name.replace(FUSED, IN_SAMPLE) for name in names if name.startswith(FUSED)}
    pairs = pairs.rename(columns=renamed)
    for scope, rows in parted.groupby("scope"):
        name = HELD_OUT if scope == "full" else f"{HELD_OUT}, {STARTER}"
        odds = rows[PAIR].assign(**{name: logit(rows["p_up"].to_numpy(np.float64))})
        pairs = pairs.merge(odds.drop_duplicates(PAIR), on=PAIR, how="left")
        # Gains go the other way than losses, which were predicted.
        way = np.where(pairs["kind"] == "gain", -1.0, 1.0)
        pairs[name] = pairs[name].fillna(0.0) * way
    return pairs
