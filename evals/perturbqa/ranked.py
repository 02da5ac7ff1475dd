"""Both ways of ranking rows, by AUROC and by average precision, with both sources of chance.

Within a readout, perturbations are ranked: under which of them does it change? Within a
perturbation, readouts are: which genes change under it? A row is a perturbation and a readout, and
another screen would have other ones of both, so intervals draw both anew.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray, Ranking
from evals.harness.resampling import Axis, Resampler, Sample, crossed
from evals.harness.scores import Gain, Score
from evals.tasks import MEAN, TASKS, labelled
from models.inputs.screens import CELL_LINES

By = Literal["auroc", "average precision"]
WITHIN = {"readout": "gene", "perturbation": "pert"}
"""What rows are ranked within, and its column."""
MEASURES: tuple[By, ...] = ("auroc", "average precision")
DRAWS = 300
CHANCE = "chance"


def measure(by: str, within: str) -> str:
    """Return what a measure is called."""
    return f"{by} within {within}"


def draws(table: pd.DataFrame, seed: int, number: int = DRAWS) -> tuple[Resampler, Resampler]:
    """Return draws of the perturbations and of the readouts of a table."""
    return Resampler(table["pert"], seed, number), Resampler(table["gene"], seed + 1, number)


def ranked(
    table: pd.DataFrame,
    columns: Mapping[str, str],
    ours: str,
    split: str,
    drawn: tuple[Resampler, Resampler],
) -> Iterator[Score]:
    """Yield each predictor's measures per task and line, their means, and how far ours is ahead.

    What chance reaches in average precision is told too: the share of rows with label 1.

    Args:
        table: One of `evals.tasks`, with `fold`.
        columns: Column of each predictor.
        ours: The predictor that others are compared with.
        split: Of the rows.
        drawn: Of `draws`, for this table or a larger one.
    """
    for task in TASKS:
        for within in WITHIN:
            found: dict[tuple[By, str, str], Sample] = {}
            chances: dict[str, float] = {}
            for line in CELL_LINES:
                rows = labelled(table, task, line)
                for name, column in columns.items() if len(rows) else ():
                    for by in MEASURES:
                        if (one := _sample(rows, column, within, by, drawn)) is not None:
                            found[by, line, name] = one
                if (chance := _chance(rows, within)) is not None:
                    chances[line] = chance
            if chances:
                chances[MEAN] = float(np.mean(list(chances.values())))
            for line, chance in chances.items():
                keys = {"task": task, "cell_line": line, "split": split}
                name = measure("average precision", within)
                yield Score(CHANCE, name, chance, "control", **keys)
            yield from _told(found, columns, ours, within, {"task": task, "split": split})


def _told(
    found: dict[tuple[By, str, str], Sample],
    columns: Mapping[str, str],
    ours: str,
    within: str,
    where: Mapping[str, str],
) -> Iterator[Score]:
    for by in MEASURES:
        lines = [line for line in CELL_LINES if (by, line, ours) in found]
        for name in columns:
            parts = {line: found[by, line, name] for line in lines if (by, line, name) in found}
            mine = {line: found[by, line, ours] for line in lines}
            if len(parts) == len(lines) and lines:
                parts[MEAN] = Sample.mean(list(parts.values()))
                mine[MEAN] = Sample.mean(list(mine.values()))
            for line, sample in parts.items():
                keys = {**where, "cell_line": line}
                role = "ours" if name == ours else "control"
                yield Score(name, measure(by, within), sample, role, **keys)
                if name != ours:
                    ahead = mine[line] - sample
                    yield Gain(ours, name, measure(by, within), ahead, "ours", **keys)


def _ranking(rows: pd.DataFrame, score: FloatArray, within: str) -> Ranking:
    group = rows.groupby(["fold", WITHIN[within]], observed=True).ngroup()
    return Ranking(group.to_numpy(np.int64), rows["label"].to_numpy(np.int64), score)


def _sample(
    rows: pd.DataFrame, column: str, within: str, by: By, drawn: tuple[Resampler, Resampler]
) -> Sample | None:
    score = np.nan_to_num(rows[column].to_numpy(np.float64))
    ranking = _ranking(rows, score, within)
    if not len(ranking.groups):
        return None
    pert, gene = Axis(drawn[0], rows["pert"]), Axis(drawn[1], rows["gene"])
    inside, over = (pert, gene) if within == "readout" else (gene, pert)
    return crossed(ranking, inside, over, by)


def _chance(rows: pd.DataFrame, within: str) -> float | None:
    """Return the mean share of rows with label 1 over the groups that have both labels."""
    if rows.empty:
        return None
    share = rows.groupby(["fold", WITHIN[within]], observed=True)["label"].mean()
    both = share[(share > 0) & (share < 1)]
    return float(both.mean()) if len(both) else None
