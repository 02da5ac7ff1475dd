"""Searches cohorts with a known answer for rare subtypes; a stopped run goes on with its units."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from pydantic import Field

from evals import subtypes as benchmark
from evals.harness.run import Inputs, Run, part
from evals.harness.scores import Results, Score
from evals.subtypes.cohorts import COHORTS, COSTLY, EVERY, Cohort, read
from evals.subtypes.page import BENCHMARK
from evals.subtypes.score import scored
from knowledge.errors import QuestionError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from tools import subtypes as numbers
from tools.subtypes.methods import methods_named
from tools.subtypes.search import searched


class SubtypesEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    cohorts: tuple[str, ...] = Field(tuple(COHORTS), description="Cohorts, by name.")
    methods: tuple[str, ...] = Field(EVERY, description="Of a cohort's methods, which are tried.")
    permutations: int = Field(10, ge=2, description="Data sets without groups, of each kind.")
    costly: int = Field(5, ge=2, description="The same for the slow methods.")
    splits: int = Field(10, ge=1, description="Times that the samples are split in halves.")
    genes: int = Field(2000, ge=10, description="Most variable genes that are used.")
    seed: int = Field(0, description="Seed of everything that is drawn.")


def evaluate(data: Path, out: Path, settings: SubtypesEval, progress: Progress) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror with `tumours/`.
        out: The run folder.
        settings: What is evaluated.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    for name in settings.cohorts:
        if name not in COHORTS:
            raise QuestionError(f"There is no cohort {name}; choose among {', '.join(COHORTS)}.")
    methods_named(settings.methods)
    chosen = [COHORTS[name] for name in settings.cohorts]
    files = {name: root / name for one in chosen for name in (one.expression, one.table)}
    inputs = Inputs(files, (benchmark, numbers))
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _evaluated(root, run, settings, chosen), progress
    )


def _evaluated(root: Path, run: Run, settings: SubtypesEval, chosen: list[Cohort]) -> Results:
    found: list[Score] = []
    works = [
        (one, name)
        for name in EVERY
        for one in chosen
        if name in one.methods and name in settings.methods
    ]
    for number, (cohort, name) in enumerate(works):
        told = part(run.progress, number / len(works), 1 / len(works), cohort.name)
        found += run.scores(
            f"{cohort.name}/{name}/scores",
            lambda cohort=cohort, name=name, told=told: _scores(  # type: ignore[misc]
                root, run, settings, cohort, name, told
            ),
            "scores",
        )
    return Results.of(BENCHMARK.kind, found)


def _scores(
    root: Path, run: Run, settings: SubtypesEval, cohort: Cohort, name: str, told: Progress
) -> list[Score]:
    cohort_read = read(cohort, root, settings.genes)
    (method,) = methods_named((name,))
    nulls = settings.costly if name in COSTLY else settings.permutations
    how = cohort.settings(nulls, settings.splits, settings.seed)

    def keep(unit: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        return run.table(f"{cohort.name}/{unit}", make, f"{cohort.name}, {name}")

    outcome = searched(method, cohort_read.data, how, keep, told)
    return list(scored(cohort_read, outcome, cohort.rule, settings.seed))
