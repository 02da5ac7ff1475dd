"""Turns the tables of predictions into metrics; a pure function of the tables and a seed.

A table has one row per pair and task: `pert`, `gene`, `cell_line`, `task`, `label` (nan where it is
withheld), `fold`, `p`, `abstained`, and a column per control. Perturbations are resampled as whole
over all lines, since one screened in several is one draw.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray, Ranking, brier, equal_bins, expected_calibration_error
from evals.harness.resampling import Sample, resamples
from evals.perturbqa.rows import TASKS, TaskName
from evals.perturbqa.schema import CONTROLS, MEAN, MODEL, Bin, Score, Split
from models.response.screens import CELL_LINES

DRAWS = 1000
BINS = 10


class Resampler:
    """The same bootstrap draws of perturbations for everything that is compared.

    Args:
        perturbations: Every perturbation of the tables.
        seed: Of the draws.
        draws: How many.
    """

    def __init__(self, perturbations: Iterable[str], seed: int = 0, draws: int = DRAWS) -> None:
        self._units = pd.Index(sorted(set(perturbations)))
        self._drawn = resamples(len(self._units), draws, np.random.default_rng(seed))

    def sample(self, rows: pd.DataFrame, column: str) -> Sample | None:
        """Return the macro AUROC of a column within line, readout and fold; None if undefined."""
        group = rows.groupby(["cell_line", "fold", "gene"], observed=True).ngroup()
        ranking = Ranking(
            group.to_numpy().astype(np.int64),
            rows.label.to_numpy(np.int64),
            np.nan_to_num(rows[column].to_numpy(np.float64)),
        )
        if not len(ranking.groups):
            return None
        units = rows.pert.nunique()
        whole = float(ranking.macro(np.ones((len(rows), 1)))[0])
        draws = ranking.resampled(
            self._units.get_indexer(pd.Index(rows.pert)).astype(np.int64), self._drawn
        )
        return Sample(whole, draws, units, len(ranking.groups))

    def mean(self, perturbations: Iterable[str], values: FloatArray) -> Sample:
        """Return the mean of one value per perturbation."""
        at = self._units.get_indexer(pd.Index(perturbations))
        drawn = self._drawn[at].astype(np.float64)
        weight = drawn.sum(axis=0)
        draws = np.where(weight > 0, (values @ drawn) / np.maximum(weight, 1), np.nan)
        return Sample(float(values.mean()), draws, len(values))


Samples = dict[tuple[Split, TaskName, str, str], Sample]


def score(table: pd.DataFrame, split: Split, resampler: Resampler) -> tuple[list[Score], Samples]:
    """Return the scores of the model and the controls on the labelled rows, and their resamples."""
    scores: list[Score] = []
    samples: Samples = {}
    columns = [MODEL, *(name for name in CONTROLS if name in table)]
    for task in TASKS:
        for line in CELL_LINES:
            rows = labelled(table, task, line)
            for predictor in columns:
                column = "p" if predictor == MODEL else predictor
                found = resampler.sample(rows, column) if len(rows) else None
                if found is not None:
                    samples[split, task, predictor, line] = found
                    scores.append(_scored(rows, found, samples[split, task, MODEL, line],
                                          predictor, task, line, split))  # fmt: skip
        scores += _means(samples, split, task, columns)
    return scores, samples


def joined(samples: Samples) -> list[Score]:
    """Return the mean over all four lines, on test rows where labels are at hand, else on held-out.

    Nothing is returned for a task of which a line has neither.
    """
    both: Samples = {}
    for task in TASKS:
        for line in CELL_LINES:
            for predictor in (MODEL, *CONTROLS):
                for split in ("test", "cv"):
                    if (found := samples.get((split, task, predictor, line))) is not None:
                        both["joined", task, predictor, line] = found
                        break
    return [
        one
        for task in TASKS
        for one in _means(both, "joined", task, [MODEL, *CONTROLS])
        if all(("joined", task, one.predictor, line) in both for line in CELL_LINES)
    ]


def reliability(table: pd.DataFrame, split: Split) -> list[Bin]:
    """Return stated against observed rates in equally filled bins."""
    out = []
    for task in TASKS:
        for line in CELL_LINES:
            rows = labelled(table, task, line)
            p, y = rows.p.to_numpy(np.float64), rows.label.to_numpy(np.float64)
            out += [
                Bin(
                    task=task,
                    cell_line=line,
                    split=split,
                    stated=float(p[part].mean()),
                    observed=float(y[part].mean()),
                    rows=len(part),
                )
                for part in (equal_bins(p, BINS) if len(p) else ())
            ]
    return out


def labelled(table: pd.DataFrame, task: TaskName, line: str | None = None) -> pd.DataFrame:
    """Return the rows of a task, and of a line, whose label is known."""
    use = (table.task == task) & table.label.notna()
    return table[use if line is None else use & (table.cell_line == line)]


def _scored(
    rows: pd.DataFrame,
    found: Sample,
    model: Sample,
    predictor: str,
    task: TaskName,
    line: str,
    split: Split,
) -> Score:
    ours = predictor == MODEL
    y, p = rows.label.to_numpy(np.int64), rows.p.to_numpy(np.float64)
    prior = rows["gene prior"].to_numpy(np.float64)
    return Score(
        predictor=predictor,
        task=task,
        cell_line=line,
        split=split,
        auroc=found.estimate(),
        ahead=None if ours else (model - found).estimate(),
        rows=len(rows),
        readouts=found.readouts,
        abstained=int(rows.abstained.sum()),
        calibration_error=expected_calibration_error(y, p) if ours else None,
        brier=brier(y, p) if ours else None,
        prior_brier=brier(y, prior) if ours else None,
    )


def _means(samples: Samples, split: Split, task: TaskName, predictors: list[str]) -> list[Score]:
    out = []
    for predictor in predictors:
        lines = [line for line in CELL_LINES if (split, task, predictor, line) in samples]
        if not lines:
            continue
        mean = Sample.mean([samples[split, task, predictor, line] for line in lines])
        model = Sample.mean([samples[split, task, MODEL, line] for line in lines])
        out.append(
            Score(
                predictor=predictor,
                task=task,
                cell_line=MEAN,
                split=split,
                auroc=mean.estimate(),
                ahead=None if predictor == MODEL else (model - mean).estimate(),
                readouts=mean.readouts,
            )
        )
    return out
