"""How often what is measured lies where the 90 % intervals of P(changes) and P(up) say."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import betaincinv
from scipy.stats import betabinom

from evals.harness.metrics import FloatArray
from evals.harness.resampling import Resampler
from evals.harness.scores import Key, Score
from evals.perturbqa.score import BINS, MODEL
from evals.tasks import TASKS, labelled
from models.inputs.screens import CELL_LINES

LEAST_ROWS = {"de": 20, "dir": 8}
"""Rows of a perturbation and bin from which on their number says something."""
LEVEL = 0.9
COVERED, EXPECTED, WIDTH = "covered", "covered if right", "interval width"
PARTS = {"all": (0.0, 1.0), ".05 to .95": (0.05, 0.95)}
"""Stated probabilities; where nearly nothing changes, every interval is right."""


def coverage(table: pd.DataFrame, split: str, draw: Resampler, who: str = MODEL) -> Iterator[Score]:
    """Yield how many counts lie where their interval says, and how many would if it were right.

    An interval is of a rate: rows of one perturbation in one line whose stated probability is alike
    (ten equally filled bins) share one. What is observed of it is a count of few rows, so each
    interval is turned into that of the count (beta-binomial), which is wider and whole; a count is
    rarely at its very ends, so somewhat more than nine of ten should lie inside.

    Args:
        table: One of `evals.perturbqa.score` with `low` and `high`.
        split: Of the rows.
        draw: Draws perturbations.
        who: Whose intervals they are.
    """
    for task in TASKS:
        for line in CELL_LINES:
            rows = labelled(table, task, line)
            rows = rows[~rows["abstained"].astype(bool)]
            if len(rows) < BINS:
                continue
            of_bin = pd.qcut(rows["p"].rank(method="first"), BINS, labels=False)
            each = rows.assign(of_bin=of_bin).groupby(["pert", "of_bin"], observed=True)
            found = each.agg(
                n=("label", "size"), changed=("label", "sum"), p=("p", "mean"),
                low=("low", "mean"), high=("high", "mean"),
            ).reset_index()  # fmt: skip
            found = found[found["n"] >= LEAST_ROWS[task]]
            for part, (least, most) in PARTS.items():
                some = found[found["p"].between(least, most)]
                if some.empty:
                    continue
                keys: dict[str, Key] = {"task": task, "cell_line": line, "split": split}
                keys["stated"] = part
                inside, expected = _inside(some)
                yield Score(who, COVERED, draw.mean(some["pert"], inside), "ours", **keys)
                yield Score(who, EXPECTED, expected, "ours", **keys)
                width = float((some["high"] - some["low"]).mean())
                yield Score(who, WIDTH, width, "ours", **keys)


def _inside(found: pd.DataFrame) -> tuple[FloatArray, float]:
    """Return whether each count lies inside, and the share that would were the intervals right."""
    p, high = (found[name].to_numpy(np.float64) for name in ("p", "high"))
    n, k = (found[name].to_numpy(np.int64) for name in ("n", "changed"))
    nu = concentration(p, high)
    said = betabinom(n, np.maximum(p * nu, 1e-3), np.maximum((1 - p) * nu, 1e-3))
    least, most = said.ppf((1 - LEVEL) / 2), said.ppf((1 + LEVEL) / 2)
    inside = ((k >= least) & (k <= most)).astype(np.float64)
    return inside, float((said.cdf(most) - said.cdf(least - 1)).mean())


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
