"""The fused answer beside the response model alone, on held-out training perturbations.

A table of a setting has one row per training row: `task`, `pert`, `gene`, `cell_line`, `label`,
`fold`, `p` of a response model that never saw the fold, and `p_fused`, the same after a fusion that
was fitted without the perturbation (`knockwise train fusion`). Rows are ranked within their fold:
between folds, the priors of a readout tell where its changes lie.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from evals import fused as benchmark
from evals import tasks
from evals.folds import with_folds
from evals.fused.page import ALONE, BENCHMARK, FIRST, FUSED, RARE
from evals.harness.metrics import FloatArray, brier, expected_calibration_error
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results, Score
from evals.tasks import DRAWS, MEAN, compared, labelled, samples
from knowledge import specific
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.specific import specificity
from models.inputs.screens import CELL_LINES, Setting

COLUMNS = ("task", "pert", "gene", "cell_line", "label", "p", "p_fused")
PREDICTORS: Mapping[str, str] = {FUSED: "p_fused", ALONE: "p"}
# A readout's habit is drawn to the line's mean as if by so many rows.
HABIT_ROWS = 4


class FusedEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of the resamples.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")
    tables: tuple[str, ...] = Field(description="Settings that are scored.")


def read_fused(path: Path, setting: Setting) -> pd.DataFrame:
    """Return the rows of a setting.

    Tables that were written before they had a `fold` are given those of the default training.

    Raises:
        DataError: It is no table of held-out fused predictions.
    """
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is no table of held-out predictions ({error}); "
            "`knockwise train fusion` writes held_out_fused.parquet."
        ) from error
    if lacking := [name for name in COLUMNS if name not in table]:
        raise DataError(
            f"{path} has no column {lacking[0]}; "
            "name the held_out_fused.parquet that `knockwise train fusion` writes."
        )
    return with_folds(table, setting)


def evaluate(tables: Mapping[Setting, Path], out: Path, seed: int, progress: Progress) -> Results:
    """Return the results; a finished run is read.

    Args:
        tables: File of each setting.
        out: The run folder.
        seed: Of the resamples.
        progress: Told what is being done.

    Raises:
        DataError: A table cannot be used.
        RunError: `out` holds another run.
    """
    read = {setting: read_fused(path, setting) for setting, path in tables.items()}
    settings = FusedEval(seed=seed, tables=tuple(sorted(tables)))
    inputs = Inputs(
        {str(setting): path for setting, path in tables.items()}, (benchmark, tasks, specific)
    )

    def scored(run: Run) -> Results:
        found: list[Score] = []
        for number, (setting, table) in enumerate(read.items()):
            run.progress(f"scoring {setting}", number / len(read))
            with run.clock(setting):
                draw = Resampler(table["pert"], seed, settings.draws)
                found += fused_scores(table, setting, draw)
                found += ranked_lists(table, setting, draw)
        return Results.of(BENCHMARK.kind, found)

    return BENCHMARK.evaluate(out, settings, inputs, scored, progress)


def fused_scores(table: pd.DataFrame, setting: str, draw: Resampler) -> Iterator[Score]:
    """Yield the scores per task and line, their means over the lines, and what fusing gains."""
    found = samples(table, PREDICTORS, draw)
    yield from compared(found, FUSED, setting=setting)
    for task, line, name in found:
        if line != MEAN:
            rows = labelled(table, task, line)
            keys = {"setting": setting, "task": task, "cell_line": line}
            label = rows["label"].to_numpy(np.int64)
            p = rows[PREDICTORS[name]].to_numpy(np.float64)
            yield Score(name, "rows", len(rows), **keys)
            yield Score(name, "calibration error", expected_calibration_error(label, p), **keys)
            yield Score(name, "brier", brier(label, p), **keys)


def ranked_lists(table: pd.DataFrame, setting: str, draw: Resampler) -> Iterator[Score]:
    """Yield how many of a perturbation's first rows are specific responders, by ranking and line.

    The readout's own row is left out of how often it changes.
    """
    for line in CELL_LINES:
        rows = with_habit(labelled(table, "de", line))
        if rows.empty:
            continue
        fused, habit = rows["p_fused"].to_numpy(np.float64), rows["habit"].to_numpy(np.float64)
        rules: dict[str, FloatArray] = {
            "P(changes)": fused,
            "P(changes) x (1 - habit), shipped": specificity(fused, habit),
            "P(changes) - habit": fused - habit,
            "habit alone": habit,
        }
        specific = rows["specific"].astype(float)
        possible = specific.groupby(rows["pert"]).sum().clip(upper=FIRST) / FIRST
        for rule, ranks in rules.items():
            place = pd.Series(ranks, rows.index).groupby(rows["pert"])
            first = place.rank(ascending=False, method="first") <= FIRST
            found = specific.where(first, 0.0).groupby(rows["pert"]).sum() / FIRST
            precision = draw.mean(found.index, np.asarray(found, np.float64))
            yield Score(rule, "specific", precision, setting=setting, cell_line=line)
        most = float(possible.mean())
        yield Score("at most", "specific", most, setting=setting, cell_line=line)


def with_habit(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one line's rows with `habit` and `specific`, both without the row itself."""
    of_gene = rows.groupby("gene")["label"]
    changed = of_gene.transform("sum") - rows["label"]
    tested = of_gene.transform("size") - 1
    mean = rows["label"].mean()
    others = max(rows["pert"].nunique() - 1, 1)
    return rows.assign(
        habit=(changed + HABIT_ROWS * mean) / (tested + HABIT_ROWS),
        specific=(rows["label"] == 1) & (changed / others <= RARE),
    )
