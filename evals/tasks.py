"""The two questions of PerturbQA, and the AUROC that its benchmarks share.

A table has one row per pair and task: `pert`, `gene`, `cell_line`, `task`, `label` (nan where it is
withheld), `fold` and a column per predictor. Perturbations are resampled as whole over all lines,
since one screened in several is one draw.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from evals.harness.metrics import Ranking
from evals.harness.resampling import Resampler, Sample
from evals.harness.scores import Gain, Key, Score
from models.inputs.screens import CELL_LINES

TaskName = Literal["de", "dir"]
TASKS: tuple[TaskName, ...] = ("de", "dir")
TASK_NAMES = {"de": "Differential expression", "dir": "Direction, given differential expression"}
MEAN = "mean"
"""What stands in place of a line where several are averaged."""
COLUMNS = (*CELL_LINES, MEAN)
DRAWS = 1000
Samples = dict[tuple[TaskName, str, str], Sample]
"""Of each predictor by task and line."""


def labelled(table: pd.DataFrame, task: TaskName, line: str | None = None) -> pd.DataFrame:
    """Return the rows of a task, and of a line, whose label is known."""
    use = (table.task == task) & table.label.notna()
    return table[use if line is None else use & (table.cell_line == line)]


def auroc(rows: pd.DataFrame, column: str, draw: Resampler) -> Sample | None:
    """Return the macro AUROC of a column within line, readout and fold; None if undefined."""
    group = rows.groupby(["cell_line", "fold", "gene"], observed=True).ngroup()
    ranking = Ranking(
        group.to_numpy().astype(np.int64),
        rows.label.to_numpy(np.int64),
        np.nan_to_num(rows[column].to_numpy(np.float64)),
    )
    return draw.auroc(rows.pert, ranking) if len(ranking.groups) else None


def samples(table: pd.DataFrame, columns: Mapping[str, str], draw: Resampler) -> Samples:
    """Return the macro AUROC per task and line, and the mean over the lines that have one.

    Args:
        table: See the module.
        columns: Column of each predictor.
        draw: Draws perturbations.
    """
    found: Samples = {}
    for task in TASKS:
        for line in CELL_LINES:
            rows = labelled(table, task, line)
            for name, column in columns.items():
                if len(rows) and (one := auroc(rows, column, draw)) is not None:
                    found[task, line, name] = one
        for name in columns:
            lines = [found[task, line, name] for line in CELL_LINES if (task, line, name) in found]
            if lines:
                found[task, MEAN, name] = Sample.mean(lines)
    return found


def compared(found: Samples, ours: str, **keys: Key) -> Iterator[Score]:
    """Yield the AUROC of every predictor, and how far ours is ahead of each other one."""
    for (task, line, name), sample in found.items():
        told = {"task": task, "cell_line": line, **keys}
        yield Score(name, "auroc", sample, "ours" if name == ours else "control", **told)
        if name != ours:
            yield Gain(ours, name, "auroc", found[task, line, ours] - sample, "ours", **told)
