"""Tries variants of the response model in a run folder that can be gone on with.

Only training rows are used, for fitting as for scoring; no official test row is read.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from evals import tasks
from evals import variants as benchmark
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, Unit, part
from evals.harness.scores import Results, Score
from evals.tasks import TASKS, TaskName
from evals.variants import score
from evals.variants.blends import averaged, stacked
from evals.variants.curves import SHARES, Of, learnt, of_lines
from evals.variants.further import FILES, Extra
from evals.variants.ground import Ground, Scores
from evals.variants.page import BENCHMARK
from evals.variants.tried import AVERAGED, BASE, EVERYTHING, LEARNERS, STACKED, VARIANTS, scores_of
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models import response as model
from models.inputs import annotations
from models.inputs.screens import CELL_LINES, SCREEN_FILES, UNKNOWN, IntArray
from models.response.corpus import Corpus, read_corpus
from models.response.held_out import held_out_features
from models.response.settings import TrainingSettings

SHARED: tuple[Of, ...] = ("perturbations", "rows")


class VariantsEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of everything that is drawn.")
    variants: tuple[str, ...] = Field(tuple(VARIANTS), description="What is tried.")
    cell_lines: tuple[str, ...] = Field(
        ("K562", "RPE1"), description="Lines that trees are fitted to and scored in."
    )
    folds: int = Field(5, ge=3, description="Folds over training perturbations.")
    scored: int = Field(2, ge=2, description="Folds whose rows are scored.")
    rounds: int = Field(50, description="Rounds of the trees.")
    rank: int = Field(48, description="Response factors of the model.")
    curves: tuple[Of, ...] = Field(SHARED, description="What is learnt from in parts.")
    draws: int = Field(300, description="Bootstrap resamples of perturbations.")


def evaluate(
    data: Path, out: Path, settings: VariantsEval, threads: int, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Folder that holds `perturbqa/`, `knowledge/`, `networks/` and what variants read.
        out: The run folder.
        settings: What is evaluated.
        threads: Of the trees; changes no number.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    names = [*SCREEN_FILES, *annotations.FILES, *FILES]
    inputs = Inputs({name: root / name for name in names}, (model, benchmark, tasks))

    def work(run: Run) -> Results:
        reading = cache(lambda: read_corpus(data, "multi", run.progress))
        return tried(run, root, settings, threads, reading)

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def tried(
    run: Run, root: Path, settings: VariantsEval, threads: int, corpus: Callable[[], Corpus]
) -> Results:
    """Return the results of a run.

    Args:
        run: Its folder.
        root: Where sources lie.
        settings: What is evaluated.
        threads: Of the trees.
        corpus: Reads the training rows, where anything is left to be fitted.
    """
    training = TrainingSettings(
        seed=settings.seed, folds=settings.folds, rounds=settings.rounds, rank=settings.rank,
        threads=threads,
    )  # fmt: skip
    partial_work = run.out / "partial"
    partial_work.mkdir(exist_ok=True)

    @cache
    def ground() -> Ground:
        with run.clock("features"):
            read = corpus()
            fold, features, names = held_out_features(
                read, read.screens.rows, training, partial_work, part(run.progress, 0.0, 0.3)
            )
        scored = tuple(range(settings.scored))
        lines = settings.cell_lines
        return Ground(
            read, fold, features, names, lines, scored, settings.rounds, settings.seed, threads
        )

    @cache
    def extra(name: str) -> Extra:
        make = VARIANTS[name].further
        if make is None:
            raise ValueError(f"{name} has no further features")
        return make(ground(), root)

    def together(name: str) -> Extra:
        if name != EVERYTHING:
            return extra(name)
        parts = [extra(one) for one in settings.variants if VARIANTS[one].further]
        names = tuple(name for one in parts for name in one.names)
        return Extra(np.hstack([one.features for one in parts]), names)

    def made(name: str) -> pd.DataFrame:
        asked = ground().asked
        by_task: dict[TaskName, Scores] = {
            task: scores_of(name, ground(), task, together)[asked] for task in TASKS
        }
        return _table(ground().corpus, asked, ground().fold[asked], {name: by_task})

    names = list(settings.variants)
    if sum(VARIANTS[name].further is not None for name in names) > 1:
        names.append(EVERYTHING)
    units = [Unit(f"variants/{name}", partial(made, name), name) for name in names]
    tables = run.tables(units, 0.3, 0.4)
    curves = run.tables(_curves(settings, corpus, training), 0.7, 0.2)
    shutil.rmtree(partial_work)
    run.progress("resampling", 0.9)
    with run.clock("score"):
        return Results.of(BENCHMARK.kind, _scores(tables, names, curves, settings))


def _curves(
    settings: VariantsEval, corpus: Callable[[], Corpus], run: TrainingSettings
) -> list[Unit]:
    def made(of: Of, share: float) -> pd.DataFrame:
        read = of_lines(corpus(), settings.cell_lines)
        asked, by_task = learnt(read, of, share, run)
        return _table(read, asked, np.zeros(len(asked), np.int64), {str(share): by_task})

    found = [
        (of, share)
        for of in settings.curves
        for share in SHARES
        if share < 1 or of == settings.curves[0]
    ]
    return [
        Unit(f"curves/{of}-{share}", partial(made, of, share), "learning curves")
        for of, share in found
    ]


def _table(
    corpus: Corpus,
    asked: IntArray,
    fold: IntArray,
    columns: Mapping[str, Mapping[TaskName, Scores]],
) -> pd.DataFrame:
    """Return the scored rows, a row per task that asks it, with a column per variant."""
    rows = corpus.screens.rows.take(asked)
    base = pd.DataFrame(
        {
            "pert": np.array(corpus.screens.perturbations)[rows.pert],
            "gene": np.array(corpus.screens.readouts)[rows.readout],
            "cell_line": np.array(CELL_LINES)[rows.line],
            "fold": fold,
        }
    )
    parts = []
    for task in TASKS:
        label = rows.de if task == "de" else rows.up
        told = {name: by_task[task] for name, by_task in columns.items()}
        parts.append(base.assign(task=task, label=label, **told)[label != UNKNOWN])
    table: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return table


def _scores(
    tables: list[pd.DataFrame],
    names: list[str],
    curves: list[pd.DataFrame],
    settings: VariantsEval,
) -> Iterator[Score]:
    table = _joined(tables, names)
    draw = Resampler(table["pert"], settings.seed, settings.draws)
    learners = [name for name in (*LEARNERS, EVERYTHING) if name in names]
    if len(learners) > 1:
        table[AVERAGED], table[STACKED] = averaged(table, learners), stacked(table, learners)
        names = [*names, AVERAGED, STACKED]
    if BASE in names:
        yield from score.variants(table, names, draw)
    shares = [str(share) for share in SHARES]
    for number, of in enumerate(settings.curves):
        start = number * len(SHARES)
        parts = [*curves[start : start + len(SHARES) - 1], curves[len(SHARES) - 1]]
        told = _joined(parts, shares)
        drawn = Resampler(told["pert"], settings.seed, settings.draws)
        yield from score.curve(told, dict(zip(SHARES, shares, strict=True)), of, drawn)


def _joined(tables: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    """Return one table of several with the same rows, a column of each."""
    joined = tables[0].copy()
    for name, one in zip(names, tables, strict=True):
        joined[name] = one[name].to_numpy()
    return joined
