"""Trains and scores one setting of PerturbQA in a run folder that can be gone on with.

`units/NAME/` holds what each fit left: held_out, tested, ablation and faithfulness tables, and
partial work; `predictions.parquet` every official test row; `kept.parquet` what the model and the
controls say of rows whose labels are at hand, to be compared with.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from pydantic import Field

from evals import perturbqa as benchmark
from evals import rows, tasks
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, part, write_table
from evals.harness.scores import Results, Score
from evals.perturbqa import ablation, composition, intervals, slices
from evals.perturbqa.facts import Facts
from evals.perturbqa.kept import keep
from evals.perturbqa.page import BENCHMARK
from evals.perturbqa.ranked import draws, ranked
from evals.perturbqa.score import MODEL, predictors, reliability, score
from evals.perturbqa.unit import (
    Tables,
    ablation_table,
    faithfulness_table,
    held_out_table,
    tested_table,
)
from evals.tasks import DRAWS, TASKS
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from models import response as model
from models.inputs import annotations
from models.inputs.screens import CELL_LINES, SCREEN_FILES, Setting
from models.response import scoring
from models.response.corpus import Corpus
from models.response.settings import TrainingSettings
from models.response.signed_sets import SET_FILES

PREDICTIONS = [
    "pert", "gene", "cell_line", "task", "p", "label", "abstained", "low", "high", "reason",
]  # fmt: skip
# `strict` fits once per line; with fewer folds all its fits take as long as one of the others.
FOLDS: Mapping[Setting, int] = {"multi": 10, "strict": 4, "extended": 10}
OF_OTHERS = frozenset({"own", "product"})
"""Packages here that score other predictions than those of a run."""
FIT_SHARE = 0.85
"""Share of a run's time that fitting takes, for the progress bar; the rest is resampling."""


class EvalSettings(Frozen):
    """What an evaluation can be told; another value is another run."""

    setting: Setting = Field("multi", description="What the model may have seen.")
    cell_lines: tuple[str, ...] = Field(CELL_LINES, description="Lines to score.")
    seed: int = Field(0, description="Seed of everything that is drawn.")
    folds: int = Field(10, ge=2, description="Folds over training perturbations.")
    ablation: bool = Field(True, description="Fit anew without each family of features.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")


def evaluate(
    data: Path, out: Path, settings: EvalSettings, threads: int, progress: Progress
) -> Results:
    """Return the results of a setting; a finished run is read, an interrupted one gone on with.

    Args:
        data: Folder that holds `perturbqa/`, `knowledge/` and `networks/`.
        out: The run folder.
        settings: What is evaluated.
        threads: Of the trees; changes no number.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    extra = SET_FILES if settings.setting == "extended" else ()
    names = [*SCREEN_FILES, *annotations.FILES, slices.CLASS_FILES[1], *extra]
    inputs = Inputs(
        {name: root / name for name in names},
        (model, benchmark, tasks, rows),
        unscored=OF_OTHERS,
    )

    def work(run: Run) -> Results:
        with run.clock("fit"):
            tables = _fitted(data, run, settings, threads)
        write_table(tables.tested[PREDICTIONS], run.out / "predictions.parquet")
        keep(tables.tested, tables.held_out, run.out)
        with run.clock("score"):
            return _results(tables, root, run, settings)

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def _fitted(data: Path, run: Run, settings: EvalSettings, threads: int) -> Tables:
    """Fit the units that are not there yet, and return the tables of all."""
    units = scoring.units(settings.setting, settings.cell_lines)
    training = TrainingSettings(
        setting=settings.setting, seed=settings.seed, folds=settings.folds, threads=threads
    )
    read: Corpus | None = None
    for number, unit in enumerate(units):
        paths = {name: run.path(f"{unit.name}/{name}") for name in Tables._fields}
        if all(path.is_file() for path in paths.values()):
            continue
        told = part(
            run.progress, FIT_SHARE * number / len(units), FIT_SHARE / len(units), unit.name
        )
        read = read or scoring.read_corpus(data, settings.setting, told)
        partial = paths["tested"].with_name("partial")
        partial.mkdir(parents=True, exist_ok=True)
        visible = scoring.visible_rows(read, data, settings.setting, unit)
        fitted = scoring.fit_model(read, training, partial, part(told, 0.0, 0.75), visible)
        told("controls on held-out rows", 0.76)
        held_out = held_out_table(fitted, unit, settings.seed, simple=True)
        told("predicting the official test rows", 0.79)
        with run.clock("predict the test rows, controls included"):
            tested = tested_table(fitted, unit, sources_root(data), settings.seed)
        told("taking cited rows away", 0.8)
        cited = faithfulness_table(fitted, tested, len(units), settings.seed)
        without = pd.DataFrame()
        if settings.ablation:
            last = part(told, 0.85, 0.15)
            without = ablation_table(fitted, unit, len(units), training, partial, last)
        for table, path in zip((held_out, tested, without, cited), paths.values(), strict=True):
            write_table(table, path)
        shutil.rmtree(partial)
    found = (
        [pd.read_parquet(run.path(f"{unit.name}/{name}")) for unit in units]
        for name in Tables._fields
    )
    return Tables(*(pd.concat(one, ignore_index=True) for one in found))


def _results(tables: Tables, root: Path, run: Run, settings: EvalSettings) -> Results:
    run.progress("resampling perturbations", FIT_SHARE)
    draw = Resampler({*tables.held_out.pert, *tables.tested.pert}, settings.seed, settings.draws)
    tested = score(tables.tested, "test", draw)
    run.progress("resampling held-out perturbations", FIT_SHARE + 0.02)
    held_out = score(tables.held_out, "cv", draw)
    run.progress("slices", FIT_SHARE + 0.06)
    classes = slices.functional_classes(root, read_symbols(root))
    parts = [composition.with_parts(one) for one in (tables.tested, tables.held_out)]
    named = ["pert", "gene"]
    both = draws(pd.concat([tables.tested[named], tables.held_out[named]]), settings.seed)
    scores = [
        *tested,
        *held_out,
        *ranked(tables.tested, predictors(tables.tested), MODEL, "test", both),
        *ranked(tables.held_out, predictors(tables.held_out), MODEL, "cv", both),
        *composition.parts(parts[0], "test", draw),
        *composition.parts(parts[1], "cv", draw),
        *composition.gap(parts[1], parts[0], draw),
        *intervals.coverage(tables.tested, "test", draw),
        *intervals.coverage(tables.held_out, "cv", draw),
        *slices.by_training_rows(tables.held_out, draw),
        *slices.by_class(tables.held_out, classes, draw),
        *reliability(tables.tested, "test"),
        *reliability(tables.held_out, "cv"),
        *ablation.losses(tables.ablation, draw),
        *_faithfulness(tables.faithfulness),
    ]
    counts = tables.tested.groupby("cell_line", observed=True).label
    units = len(scoring.units(settings.setting, settings.cell_lines))
    facts = Facts(
        setting=settings.setting,
        ablation_note=ablation.note(units) if settings.ablation else "",
        withheld={str(line): int(n) for line, n in (counts.size() - counts.count()).items() if n},
        test_rows={str(line): int(n) for line, n in counts.size().items()},
    )
    return Results.of(settings.setting, scores, facts)


def _faithfulness(table: pd.DataFrame) -> Iterator[Score]:
    """Yield the means over the pairs of all units."""
    for task in TASKS:
        rows = table[table.task == task]
        if not (pairs := int(rows.pairs.sum())):
            continue
        cited, random = (
            float((rows[name] * rows.pairs).sum()) / pairs for name in ("cited", "random")
        )
        told = {"ratio": cited / random if random else 0.0, "cited": cited, "random": random,
                "pairs": pairs}  # fmt: skip
        for measure, value in told.items() if random > 0 else ():
            yield Score(MODEL, measure, value, "ours", about="faithfulness", task=task)
