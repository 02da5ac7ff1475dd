"""Scores what is unseen: folds of perturbations, of their families, of readouts, and of both.

Only training rows are used, for fitting as for scoring; no official test row is read.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from evals import tasks
from evals import unseen as benchmark
from evals.harness.run import Inputs, Run, Unit
from evals.harness.scores import Results
from evals.unseen.page import BENCHMARK
from evals.unseen.score import scores
from evals.unseen.splits import (
    PARALOGUES,
    SPLITS,
    SplitName,
    read_groups,
    related,
    split,
)
from evals.unseen.unit import answers
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models import response as model
from models.inputs import annotations
from models.inputs.screens import SCREEN_FILES
from models.response import scoring
from models.response.corpus import Corpus
from models.response.settings import TrainingSettings


class UnseenEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of everything that is drawn.")
    splits: tuple[SplitName, ...] = Field(tuple(SPLITS), description="What is held out.")
    folds: int = Field(5, ge=2, description="Folds of each split.")
    draws: int = Field(300, description="Bootstrap resamples of perturbations and of readouts.")


def evaluate(
    data: Path, out: Path, settings: UnseenEval, threads: int, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

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
    names = [*SCREEN_FILES, *annotations.FILES, PARALOGUES]
    inputs = Inputs({name: root / name for name in names}, (model, benchmark, tasks))

    def work(run: Run) -> Results:
        training = TrainingSettings(seed=settings.seed, threads=threads)
        read: list[Corpus] = []

        def made(name: SplitName) -> pd.DataFrame:
            corpus = read[0] if read else scoring.read_corpus(data, "multi", run.progress)
            read.append(corpus)
            groups = read_groups(root, corpus.symbols)
            folds = split(
                name,
                corpus.screens.rows,
                related(corpus.screens.perturbations, groups),
                len(corpus.screens.readouts),
                settings.folds,
                np.random.default_rng(settings.seed),
            )
            return answers(corpus, folds, settings.folds, training, run.progress)

        units = [Unit(name, partial(made, name), name) for name in settings.splits]
        tables = dict(zip(settings.splits, run.tables(units, 0.0, 0.9), strict=True))
        run.progress("resampling", 0.9)
        with run.clock("score"):
            return Results.of(BENCHMARK.kind, scores(tables, settings.seed, settings.draws))

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)
