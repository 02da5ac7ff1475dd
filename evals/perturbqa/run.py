"""Trains and scores one setting of PerturbQA in a run folder that can be gone on with.

config.json           settings, hashes of data and code; a folder holds one run
units/NAME/           what each fit left: held_out, tested and ablation tables, partial work
predictions.parquet   every official test row
metrics.json          every figure; the same after a second run with the same seed
timing.json           how long it took and how much memory
scoreboard.md, .html  the page, with plots/*.svg
"""

import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from evals.folder import Clock, claim, part, write_table
from evals.perturbqa import ablation, slices
from evals.perturbqa.rows import TASKS
from evals.perturbqa.schema import Faithfulness, Metrics
from evals.perturbqa.score import DRAWS, Resampler, joined, reliability, score
from evals.perturbqa.unit import (
    Tables,
    ablation_table,
    faithfulness_table,
    held_out_table,
    tested_table,
)
from knowledge.files import replace_text
from knowledge.schema import Frozen
from knowledge.sources.registry import missing, sha256_of
from models.provenance import code_commit
from models.response import annotations, scoring
from models.response.annotations import sources_root
from models.response.corpus import Corpus
from models.response.screens import CELL_LINES, SCREEN_FILES, Setting
from models.response.settings import Progress, TrainingSettings
from models.response.signed_sets import SET_FILES

PREDICTIONS = [
    "pert", "gene", "cell_line", "task", "p", "label", "abstained", "low", "high", "reason",
]  # fmt: skip
# `strict` fits once per line; with fewer folds all its fits take as long as one of the others.
FOLDS: Mapping[Setting, int] = {"multi": 10, "strict": 4, "extended": 10}
FIT_SHARE = 0.85
"""Share of a run's time that fitting takes, for the progress bar; the rest is resampling."""


class EvalSettings(Frozen):
    """What an evaluation can be told; another value is another run.

    Attributes:
        setting: What the model may have seen; `models.response.screens` declares it.
        cell_lines: Which lines are scored.
        seed: Of folds, trees and resamples.
        folds: Of the cross-validation over training perturbations.
        ablation: Whether trees are fitted anew without each family of features.
        draws: Bootstrap resamples of perturbations.
    """

    setting: Setting = "multi"
    cell_lines: tuple[str, ...] = CELL_LINES
    seed: int = 0
    folds: int = 10
    ablation: bool = True
    draws: int = DRAWS


def evaluate(
    data: Path, out: Path, settings: EvalSettings, threads: int, progress: Progress
) -> Metrics:
    """Return the metrics of a setting; a finished run is read, an interrupted one gone on with.

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
    claim(out, _config(root, settings))
    finished = out / "metrics.json"
    if finished.is_file():
        return Metrics.model_validate_json(finished.read_text(encoding="utf-8"))
    clock = Clock(out)
    with clock("fit"):
        tables = _fitted(data, out, settings, threads, progress, clock)
    with clock("score"):
        metrics = _metrics(tables, root, settings, progress)
    tables.tested[PREDICTIONS].to_parquet(out / "predictions.parquet", index=False)
    replace_text(finished, metrics.model_dump_json(indent=1) + "\n")
    return metrics


def unit_tables(out: Path, settings: EvalSettings) -> Tables:
    """Return the tables of all units of a finished run."""
    names = [unit.name for unit in scoring.units(settings.setting, settings.cell_lines)]
    found = [
        [pd.read_parquet(out / "units" / name / f"{table}.parquet") for name in names]
        for table in Tables._fields
    ]
    return Tables(*(pd.concat(one, ignore_index=True) for one in found))


def _config(root: Path, settings: EvalSettings) -> dict[str, Any]:
    extra = SET_FILES if settings.setting == "extended" else ()
    names = [*SCREEN_FILES, *annotations.FILES, slices.CLASS_FILES[1], *extra]
    for name in names:
        if not (root / name).is_file():
            raise missing(root / name)
    code = Path(scoring.__file__).parent
    return {
        "settings": settings.model_dump(mode="json"),
        "data": {name: sha256_of(root / name) for name in names},
        "code": {path.name: sha256_of(path) for path in sorted(code.glob("*.py"))},
        "commit": code_commit(),
        "knockwise": version("knockwise"),
    }


def _fitted(
    data: Path,
    out: Path,
    settings: EvalSettings,
    threads: int,
    progress: Progress,
    clock: Clock,
) -> Tables:
    """Fit the units that are not there yet, and return the tables of all."""
    units = scoring.units(settings.setting, settings.cell_lines)
    run = TrainingSettings(
        setting=settings.setting, seed=settings.seed, folds=settings.folds, threads=threads
    )
    corpus: Corpus | None = None
    for number, unit in enumerate(units):
        folder = out / "units" / unit.name
        if (folder / "done").is_file():
            continue
        told = part(progress, FIT_SHARE * number / len(units), FIT_SHARE / len(units), unit.name)
        if corpus is None:
            corpus = scoring.read_corpus(data, settings.setting, told)
        partial = folder / "partial"
        partial.mkdir(parents=True, exist_ok=True)
        visible = scoring.visible_rows(corpus, data, settings.setting, unit)
        fitted = scoring.fit_model(corpus, run, partial, part(told, 0.0, 0.75), visible)
        told("controls on held-out rows", 0.76)
        write_table(held_out_table(fitted, unit, settings.seed), folder / "held_out.parquet")
        told("predicting the official test rows", 0.79)
        with clock("predict the test rows, controls included"):
            tested = tested_table(fitted, unit, sources_root(data), settings.seed)
        write_table(tested, folder / "tested.parquet")
        told("taking cited rows away", 0.8)
        cited = faithfulness_table(fitted, tested, len(units), settings.seed)
        write_table(cited, folder / "faithfulness.parquet")
        without = pd.DataFrame()
        if settings.ablation:
            last = part(told, 0.85, 0.15)
            without = ablation_table(fitted, unit, len(units), run, partial, last)
        write_table(without, folder / "ablation.parquet")
        shutil.rmtree(partial)
        (folder / "done").touch()
    return unit_tables(out, settings)


def _metrics(tables: Tables, root: Path, settings: EvalSettings, progress: Progress) -> Metrics:
    progress("resampling perturbations", FIT_SHARE)
    perturbations = {*tables.held_out.pert, *tables.tested.pert}
    resampler = Resampler(perturbations, settings.seed, settings.draws)
    tested, on_test = score(tables.tested, "test", resampler)
    progress("resampling held-out perturbations", FIT_SHARE + 0.02)
    held_out, on_held_out = score(tables.held_out, "cv", resampler)
    progress("slices", FIT_SHARE + 0.1)
    classes = slices.functional_classes(root, annotations.read_symbols(root))
    counts = tables.tested.groupby("cell_line", observed=True).label
    units = len(scoring.units(settings.setting, settings.cell_lines))
    metrics = Metrics(
        setting=settings.setting,
        scores=(*tested, *held_out, *joined({**on_test, **on_held_out})),
        by_training_rows=tuple(slices.by_training_rows(tables.held_out, resampler)),
        by_class=tuple(slices.by_class(tables.held_out, classes, resampler)),
        class_source=slices.CLASS_SOURCE,
        reliability=(*reliability(tables.tested, "test"), *reliability(tables.held_out, "cv")),
        ablation=tuple(ablation.losses(tables.ablation, resampler)),
        ablation_note=ablation.note(units) if settings.ablation else "",
        faithfulness=tuple(_faithfulness(tables.faithfulness)),
        withheld={str(line): int(n) for line, n in (counts.size() - counts.count()).items() if n},
        test_rows={str(line): int(n) for line, n in counts.size().items()},
    )
    progress("done", 1.0)
    return metrics


def _faithfulness(table: pd.DataFrame) -> Iterator[Faithfulness]:
    """Yield the mean over the pairs of all units."""
    for task in TASKS:
        rows = table[table.task == task]
        pairs = int(rows.pairs.sum())
        if not pairs:
            continue
        cited, random = (
            float((rows[name] * rows.pairs).sum()) / pairs for name in ("cited", "random")
        )
        if random > 0:
            yield Faithfulness(
                task=task, ratio=cited / random, cited=cited, random=random, pairs=pairs
            )
