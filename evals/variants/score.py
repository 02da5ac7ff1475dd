"""Turns the scores of the variants and of the learning curves into figures with intervals."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray
from evals.harness.resampling import Resampler, Sample
from evals.harness.scores import Gain, Score
from evals.tasks import MEAN, TASKS, TaskName, samples
from evals.variants.tried import BASE

TRIED, CURVE = "tried", "curve"
LEVEL, DOUBLED, EXPONENT, AHEAD, NEEDED = (
    "auroc",
    "from half to all",
    "exponent",
    "auroc extrapolated",
    "times the data",
)
HALF = 0.5
LEAST = 1e-6
FURTHER = (1.5, 2.0, 4.0)
"""How many times as much data is extrapolated to."""
TARGETS = {"de": 0.82, "dir": 0.92}
"""What the mean AUROC is wanted to be."""


def variants(table: pd.DataFrame, columns: Sequence[str], draw: Resampler) -> Iterator[Score]:
    """Yield the AUROC of each variant, and what the model's trees are ahead of it.

    Args:
        table: A row per task and pair that is scored, and a column per variant.
        columns: Those.
        draw: Of perturbations.
    """
    found = samples(table, {name: name for name in columns}, draw)
    for (task, line, name), sample in found.items():
        keys = {"task": task, "cell_line": line, "about": TRIED}
        yield Score(name, LEVEL, sample, "ours" if name == BASE else "variant", **keys)
        if name != BASE:
            yield Gain(BASE, name, LEVEL, found[task, line, BASE] - sample, "ours", **keys)


def curve(
    table: pd.DataFrame, columns: Mapping[float, str], of: str, draw: Resampler
) -> Iterator[Score]:
    """Yield the AUROC by share of the training data, and a power law through it.

    The law: what is missing to 1 shrinks by the same factor with each doubling. It is fitted by
    least squares on logarithms, anew in each resample.

    Args:
        table: A row per task and pair that is scored, and a column per share.
        columns: Column of each share.
        of: What is shared out.
        draw: Of perturbations.
    """
    names = {name: name for name in columns.values()}
    found = samples(table, names, draw)
    shares = np.array(sorted(columns))
    for task in TASKS:
        if any((task, MEAN, columns[share]) not in found for share in shares):
            continue
        points = [found[task, MEAN, columns[share]] for share in shares]
        keys = {"task": task, "about": CURVE, "of": of}
        for share, point in zip(shares, points, strict=True):
            yield Score(BASE, LEVEL, point, "ours", share=float(share), **keys)
        half = points[list(shares).index(HALF)]
        yield Score(BASE, DOUBLED, points[-1] - half, "ours", **keys)
        yield from _law(shares, points, task, of)


def _law(
    shares: FloatArray,
    points: Sequence[Sample],
    task: TaskName,
    of: str,
) -> Iterator[Score]:
    keys = {"task": task, "about": CURVE, "of": of}
    error = 1 - np.array([[point.value, *point.draws] for point in points])
    missing, log_share = np.log(np.maximum(error, LEAST)), np.log(shares)
    centred = log_share - log_share.mean()
    slope = centred @ missing / (centred @ centred)
    level = missing.mean(0) - slope * log_share.mean()
    units, bounds = points[-1].units, (0.0, 1.0)
    yield Score(BASE, EXPONENT, Sample(float(slope[0]), slope[1:], units), "ours", **keys)
    with np.errstate(divide="ignore", over="ignore"):
        needed = np.exp((np.log(1 - TARGETS[task]) - level) / slope)
    yield Score(BASE, NEEDED, Sample(float(needed[0]), needed[1:], units), "ours", **keys)
    for times in FURTHER:
        told = 1 - np.exp(level + slope * np.log(times))
        sample = Sample(float(told[0]), told[1:], units, bounds=bounds)
        yield Score(BASE, AHEAD, sample, "ours", share=times, **keys)
