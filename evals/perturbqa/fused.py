"""The fused answer beside the response model alone, on held-out training perturbations.

A table of a setting has one row per training row: `task`, `pert`, `gene`, `cell_line`, `label`,
`fold`, `p` of a response model that never saw the fold, and `p_fused`, the same after a fusion that
was fitted without the perturbation (`knockwise train fusion`). Rows are ranked within their fold:
between folds, the priors of a readout tell where its changes lie.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from evals.folder import Clock, claim, finished
from evals.harness.metrics import FloatArray, brier, expected_calibration_error
from evals.harness.resampling import Estimate, Sample
from evals.perturbqa import score as scoring
from evals.perturbqa.held_out_folds import with_folds
from evals.perturbqa.rows import TASKS, TaskName
from evals.perturbqa.schema import MEAN
from evals.perturbqa.score import DRAWS, Resampler
from knowledge.errors import DataError
from knowledge.schema import Frozen
from knowledge.sources.registry import sha256_of
from models.fusion import specific
from models.fusion.specific import specificity
from models.provenance import code_commit
from models.response.screens import CELL_LINES, Setting
from models.response.settings import Progress

COLUMNS = ("task", "pert", "gene", "cell_line", "label", "p", "p_fused")
ALONE, FUSED = "response model alone", "fused answer"
PREDICTORS: Mapping[str, str] = {FUSED: "p_fused", ALONE: "p"}
# A specific responder changed, and is recorded as changed under at most so many of the line's
# other training perturbations.
RARE = 0.05
FIRST = 20
# A readout's habit is drawn to the line's mean as if by so many rows.
HABIT_ROWS = 4


class FusedScore(Frozen):
    """One predictor on one task and line of a setting.

    Attributes:
        setting: What the response model had seen.
        predictor: The fused answer, or the response model alone.
        cell_line: A line, or `mean` over the four.
        auroc: Macro per-gene AUROC; `n` is the number of perturbations.
        ahead: The fused answer minus the response model, on the same resamples.
        calibration_error: Expected calibration error, ten equally filled bins.
        brier: Mean squared error of the probability.
    """

    setting: str
    task: TaskName
    predictor: str
    cell_line: str
    auroc: Estimate
    ahead: Estimate | None = None
    rows: int = 0
    calibration_error: float | None = None
    brier: float | None = None


class Ranked(Frozen):
    """Share of specific responders among the first readouts of a perturbation's rows.

    `most` is what a list that knew the answers would reach.
    """

    setting: str
    cell_line: str
    rule: str
    precision: Estimate
    most: float


class FusedMetrics(Frozen):
    """Everything that was found."""

    kind: Literal["fused"] = "fused"
    scores: tuple[FusedScore, ...]
    ranked: tuple[Ranked, ...]


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


def evaluate(
    tables: Mapping[Setting, Path], out: Path, seed: int, progress: Progress
) -> FusedMetrics:
    """Return the metrics; a finished run is read.

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
    claim(out, _config(tables, seed))
    clock = Clock(out)

    def scored() -> FusedMetrics:
        scores: list[FusedScore] = []
        ranked: list[Ranked] = []
        for number, (setting, table) in enumerate(read.items()):
            progress(f"scoring {setting}", number / len(read))
            with clock(setting):
                resampler = Resampler(table["pert"], seed, DRAWS)
                scores += fused_scores(table, setting, resampler)
                ranked += ranked_lists(table, setting, resampler)
        return FusedMetrics(scores=tuple(scores), ranked=tuple(ranked))

    metrics = finished(out, FusedMetrics, scored)
    progress("done", 1.0)
    return metrics


def fused_scores(table: pd.DataFrame, setting: str, resampler: Resampler) -> Iterator[FusedScore]:
    """Yield the scores per task and line, and their means over the lines."""
    for task in TASKS:
        samples: dict[tuple[str, str], Sample] = {}
        for line in CELL_LINES:
            rows = scoring.labelled(table, task, line)
            for name, column in PREDICTORS.items():
                if (found := resampler.sample(rows, column)) is not None:
                    samples[name, line] = found
            for name, column in PREDICTORS.items():
                if (name, line) in samples:
                    label = rows["label"].to_numpy(np.int64)
                    p = rows[column].to_numpy(np.float64)
                    yield _score(
                        samples, setting, task, name, line, len(rows),
                        expected_calibration_error(label, p), brier(label, p),
                    )  # fmt: skip
        lines = [line for line in CELL_LINES if (FUSED, line) in samples]
        if lines:
            means = {
                (name, MEAN): Sample.mean([samples[name, line] for line in lines])
                for name in PREDICTORS
            }
            for name in PREDICTORS:
                yield _score(means, setting, task, name, MEAN)


def _score(
    samples: Mapping[tuple[str, str], Sample],
    setting: str,
    task: TaskName,
    name: str,
    line: str,
    rows: int = 0,
    error: float | None = None,
    squared: float | None = None,
) -> FusedScore:
    mine = samples[name, line]
    return FusedScore(
        setting=setting,
        task=task,
        predictor=name,
        cell_line=line,
        auroc=mine.estimate(),
        ahead=None if name == ALONE else (mine - samples[ALONE, line]).estimate(),
        rows=rows,
        calibration_error=error,
        brier=squared,
    )


def ranked_lists(table: pd.DataFrame, setting: str, resampler: Resampler) -> Iterator[Ranked]:
    """Yield how many of a perturbation's first rows are specific responders, by ranking and line.

    The readout's own row is left out of how often it changes.
    """
    for line in CELL_LINES:
        rows = with_habit(scoring.labelled(table, "de", line))
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
            yield Ranked(
                setting=setting,
                cell_line=line,
                rule=rule,
                precision=resampler.mean(found.index, np.asarray(found, np.float64)).estimate(),
                most=float(possible.mean()),
            )


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


def _config(tables: Mapping[Setting, Path], seed: int) -> dict[str, Any]:
    code = [Path(__file__), Path(scoring.__file__), Path(specific.__file__)]
    return {
        "settings": {"seed": seed, "draws": DRAWS, "tables": sorted(tables)},
        "data": {setting: sha256_of(path) for setting, path in tables.items()},
        "code": {path.name: sha256_of(path) for path in code},
        "commit": code_commit(),
        "knockwise": version("knockwise"),
    }
