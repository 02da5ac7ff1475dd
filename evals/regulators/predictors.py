"""Columns to compare: what the product, its parts and controls say of each pair, zero for nothing.

A direction is a log-odds or a signed strength, positive where the readout should go up.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray
from models.fusion import Scope, logit
from models.inputs.screens import CELL_LINES

FUSED = "fused answer"
HELD_OUT = "fused, regulator held out"
IN_SAMPLE = f"{FUSED}, fitted on these"
RESPONSE = "response model alone"
PATHS = "paths alone"
MEASURED = "measured pairs alone"
EXPRESSION = "expression model alone"
PRIOR = "gene prior"
EDGES = "one-step edges"
SHUFFLED = "paths, signs shuffled"
RANDOM = "random"
HABIT = "habit of the readout in the line"
STARTER = "starter pack"
PRODUCT = (HELD_OUT, FUSED, IN_SAMPLE)
LINES_APART = tuple(f"{name}, {line}" for name in PRODUCT for line in CELL_LINES)
"""The product's answer for one line, where others are the mean over the four."""
CONTROLS = (PRIOR, EDGES, SHUFFLED, RANDOM, HABIT)
KEYS = ["asked", "gene"]
Table = pd.DataFrame


def named(predictor: str, scope: Scope, best: Scope) -> str:
    """Return what tables call a predictor with `scope`'s knowledge; the richest goes without."""
    return predictor if scope == best else f"{predictor}, {STARTER}"


def directions(table: Table, best: Scope, seed: int) -> Table:
    """Return a column of directions per predictor, indexed by `asked` and `gene`.

    Args:
        table: Answers and controls of all perturbations, told apart by `asked`.
        best: The richest knowledge.
        seed: Of the random predictor.
    """
    told = table.assign(
        fused=_said(table["p_up"], table["p_up"].notna() & ~table["abstained"]),
        alone=_said(table["response_up"], table["response_up"].notna()),
        balance=table["path_up"] - table["path_down"],
    )
    columns: dict[str, pd.Series] = {}
    for scope, rows in _by_scope(told, best):
        mean = rows.groupby(KEYS)[["fused", "balance"]].mean()
        columns[named(FUSED, scope, best)] = mean["fused"]
        columns[named(PATHS, scope, best)] = mean["balance"]
    rows = told[told["scope"] == best]
    mean = rows.groupby(KEYS)[["alone", "measured", "expression", "edge", "shuffled"]].mean()
    columns |= {
        RESPONSE: mean["alone"],
        MEASURED: mean["measured"],
        EXPRESSION: mean["expression"],
        EDGES: mean["edge"],
        SHUFFLED: mean["shuffled"],
        RANDOM: pd.Series(np.random.default_rng(seed).normal(size=len(mean)), mean.index),
    }
    for line in dict.fromkeys(rows["cell_line"]) if rows["cell_line"].nunique() > 1 else ():
        columns[f"{FUSED}, {line}"] = rows[rows["cell_line"] == line].set_index(KEYS)["fused"]
    return pd.DataFrame(columns).fillna(0.0)


def changes(table: Table, best: Scope, seed: int) -> Table:
    """Return a column per predictor of how surely each readout changes; see `directions`."""
    told = table.assign(
        fused=_said(table["p_de"], table["p_de"].notna(), missing=np.nan),
        alone=_said(table["response_de"], table["response_de"].notna(), missing=np.nan),
        strength=table[["path_up", "path_down"]].max(axis=1),
        habitual=logit(table["habit"].to_numpy(np.float64)),
    )
    columns: dict[str, pd.Series] = {}
    for scope, rows in _by_scope(told, best):
        mean = rows.groupby(KEYS)[["fused", "strength"]].mean()
        # Where no number is given nothing is known: the middle of the rest.
        mean = mean.fillna(mean.median())
        columns[named(FUSED, scope, best)] = mean["fused"]
        columns[named(PATHS, scope, best)] = mean["strength"]
    mean = told[told["scope"] == best].groupby(KEYS)[["alone", "habitual"]].mean()
    filled = mean.fillna(mean.median())
    columns |= {
        RESPONSE: filled["alone"],
        HABIT: filled["habitual"],
        RANDOM: pd.Series(np.random.default_rng(seed).normal(size=len(mean)), mean.index),
    }
    return pd.DataFrame(columns)


def in_order(names: Sequence[str]) -> list[str]:
    """Return predictors as a page lists them: the product, its lines, its parts, controls."""
    parts = (RESPONSE, PATHS, MEASURED, EXPRESSION)
    with_starter = {
        group: [one for name in group for one in (name, f"{name}, {STARTER}")]
        for group in (PRODUCT, parts)
    }
    order = [*with_starter[PRODUCT], *LINES_APART, *with_starter[parts], *CONTROLS]
    place = {name: number for number, name in enumerate(order)}
    return sorted(names, key=lambda name: (place.get(name, len(order)), name))


def _by_scope(table: Table, best: Scope) -> Iterator[tuple[Scope, Table]]:
    for scope in (best, *({"starter", "full"} - {best})):
        if (mine := table[table["scope"] == scope]).size:
            yield scope, mine  # type: ignore[misc]  # one of the two words


def _said(p: pd.Series, known: pd.Series, missing: float = 0.0) -> FloatArray:
    """Return log-odds where something is known."""
    odds = logit(p.fillna(0.5).to_numpy(np.float64))
    return np.asarray(np.where(known.to_numpy(np.bool_), odds, missing))
