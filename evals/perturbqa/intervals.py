"""How often the 90 % intervals of P(changes) and P(up) hold what is measured."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from evals.harness.metrics import FloatArray, IntArray
from evals.harness.resampling import Resampler
from evals.harness.scores import Key, Score
from evals.perturbqa.score import BINS, MODEL
from evals.tasks import TASKS, labelled
from models.inputs.screens import CELL_LINES

LEAST_ROWS = {"de": 20, "dir": 8}
"""Rows of a perturbation and bin from which on their rate says something."""
LEVEL = 0.9
COVERED, EXPECTED, WIDTH = "covered", "covered if right", "interval width"


def coverage(table: pd.DataFrame, split: str, draw: Resampler, seed: int) -> Iterator[Score]:
    """Yield how many rates lie in their interval, and how many would if intervals were right.

    An interval is of a rate: rows of one perturbation in one line whose stated probability is alike
    (ten equally filled bins) share one. What is observed of it is a share of few rows, which chance
    throws beyond a right interval too; so the share that a beta-binomial with the stated intervals
    would show stands beside.

    Args:
        table: One of `evals.perturbqa.score` with `low` and `high`.
        split: Of the rows.
        draw: Draws perturbations.
        seed: Of what would be if intervals were right.
    """
    rng = np.random.default_rng(seed)
    for task in TASKS:
        for line in CELL_LINES:
            rows = labelled(table, task, line)
            rows = rows[~rows["abstained"].astype(bool)]
            if len(rows) < BINS:
                continue
            part = pd.qcut(rows["p"].rank(method="first"), BINS, labels=False)
            each = rows.assign(part=part).groupby(["pert", "part"], observed=True)
            found = each.agg(
                n=("label", "size"), rate=("label", "mean"), p=("p", "mean"),
                low=("low", "mean"), high=("high", "mean"),
            ).reset_index()  # fmt: skip
            found = found[found["n"] >= LEAST_ROWS[task]]
            if found.empty:
                continue
            low, high = (found[name].to_numpy(np.float64) for name in ("low", "high"))
            rate, p = found["rate"].to_numpy(np.float64), found["p"].to_numpy(np.float64)
            inside = (rate >= low) & (rate <= high)
            n = found["n"].to_numpy(np.int64)
            keys: dict[str, Key] = {"task": task, "cell_line": line, "split": split}
            yield Score(MODEL, COVERED, draw.mean(found["pert"], inside), "ours", **keys)
            expected = _expected(p, low, high, n, rng)
            yield Score(MODEL, EXPECTED, expected, "ours", **keys)
            yield Score(MODEL, WIDTH, float((high - low).mean()), "ours", **keys)


def _expected(
    p: FloatArray,
    low: FloatArray,
    high: FloatArray,
    n: IntArray,
    rng: np.random.Generator,
) -> float:
    """Return the share of observed rates within their intervals, were these right."""
    nu = concentration(p, high)
    hits = []
    for _ in range(20):
        rate = rng.beta(np.maximum(p * nu, 1e-3), np.maximum((1 - p) * nu, 1e-3))
        seen = rng.binomial(n, rate) / n
        hits.append(((seen >= low) & (seen <= high)).mean())
    return float(np.mean(hits))


def concentration(p: FloatArray, high: FloatArray) -> FloatArray:
    """Return the concentration of the beta of mean `p` whose 95 % quantile is `high`."""
    low, top = np.full(len(p), 0.5), np.full(len(p), 2000.0)
    for _ in range(40):
        middle = np.sqrt(low * top)
        a, b = np.maximum(p * middle, 1e-3), np.maximum((1 - p) * middle, 1e-3)
        wide = betaincinv(a, b, 1 - (1 - LEVEL) / 2) > high
        low, top = np.where(wide, middle, low), np.where(wide, top, middle)
    found: FloatArray = np.sqrt(low * top)
    return found
