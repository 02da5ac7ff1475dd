"""Scores a file of predicted phenotypes beside what a finished run of `eval genepheno` kept.

A row of the file is a collection, a split, a gene, a term and its probability `p`. Each fold is
measured on the resamples that its predictors were, so gains are paired.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from evals import phenotypes as benchmark
from evals.harness.brought import Coverage, Words, matched, read_brought, spelt
from evals.harness.page import Record
from evals.harness.run import Clock, Inputs, Run
from evals.harness.scores import Gain, Results, Score
from evals.phenotypes import run as runs
from evals.phenotypes.facts import MEASURES
from evals.phenotypes.own.page import BENCHMARK, YOURS, Facts
from evals.phenotypes.predictors import Task
from evals.phenotypes.run import PhenotypeEval
from evals.phenotypes.score import Folds
from knowledge.errors import DataError, QuestionError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from models.inputs.screens import approve

NAMES: Words = {
    "collection": (),
    "split": (),
    "gene": ("symbol",),
    "term": ("phenotype",),
}
NUMBERS: Words = {"p": ("probability", "score")}
ROW = ["gene", "term"]


class OwnPhenotypes(Frozen):
    """What an evaluation can be told; another value is another run."""

    coverage: float = Field(0.0, ge=0, le=1, description="Least share of rows answered.")
    strict: bool = Field(False, description="Whether anything amiss in the file is refused.")


class Answered(NamedTuple):
    """What the file says of the tested genes of one collection and split.

    Attributes:
        task: Which.
        told: How much it answers.
        silent: Tested genes that it says nothing of.
        said: Its numbers `(genes, terms)`, rows as in the labels; 0 where it has none.
    """

    task: Task
    told: Coverage
    silent: int
    said: np.ndarray


def evaluate(
    data: Path,
    predictions: Path,
    out: Path,
    settings: OwnPhenotypes,
    against: Path,
    progress: Progress,
) -> Results:
    """Return the results; a finished run is read.

    Args:
        data: Mirror, or a data folder with `sources`.
        predictions: The file.
        out: The run folder.
        settings: What is evaluated.
        against: A finished run of `eval genepheno`.
        progress: Told what is being done.

    Raises:
        DataError: The run is not there.
        QuestionError: The file cannot be used, or answers too little.
        RunError: `out` holds another run.
    """
    if not (against / "metrics.json").is_file():
        raise DataError(
            f"{against} holds no finished run of `knockwise eval genepheno`; name one as --against."
        )
    record = Record.read(against)
    theirs = PhenotypeEval.model_validate(record.settings)
    given = read_brought(predictions, NAMES, NUMBERS)
    progress("reading the run's genes", 0.1)
    root = sources_root(data)
    tasks = runs.open_world(root, against, theirs)[1]
    named = set(zip(given["collection"], given["split"], strict=True))
    asked = [task for task in tasks if (task.collection, task.split) in named]
    if not asked:
        known = ", ".join(f"{task.collection} {task.split}" for task in tasks)
        raise QuestionError(
            f"{predictions} names no collection and split of the run; those are {known}."
        )
    symbols = read_symbols(root)
    given = given.assign(gene=spelt(given["gene"], lambda word: approve(word, symbols)))
    found = [_answered(task, given) for task in asked]
    for one in found:
        one.told.check(settings.coverage, strict=settings.strict)
        if not one.told.answered:
            raise QuestionError(
                f"{predictions} answers no tested gene and term of {one.told.where}."
            )
    facts = Facts(
        file=predictions.name,
        coverage=tuple(one.told for one in found),
        silent={one.told.where: one.silent for one in found},
    )
    files = {"predictions": predictions, "metrics.json": against / "metrics.json"}

    def work(run: Run) -> Results:
        with run.clock("score"):
            told = [score for one in found for score in _scores(one, record, theirs, against)]
            return Results.of(BENCHMARK.kind, told, facts)

    # Resamples are the run's: its seed tells this run from others.
    return BENCHMARK.evaluate(
        out,
        _Told(**settings.model_dump(), seed=theirs.seed),
        Inputs(files, (benchmark,)),
        work,
        progress,
    )


class _Told(OwnPhenotypes):
    seed: int = 0


def _answered(task: Task, given: pd.DataFrame) -> Answered:
    """Return what the file says of a task's tested genes."""
    tested = [task.labels.genes[row] for fold in task.folds for row in fold.test]
    terms = task.labels.vocabulary.terms
    asked = pd.MultiIndex.from_product([tested, terms], names=ROW).to_frame(index=False)
    mine = given[(given["collection"] == task.collection) & (given["split"] == task.split)]
    where = f"{task.collection}, {task.split} split"
    number, told = matched(mine, "p", asked, ROW, where)
    wide = number.to_numpy(float).reshape(len(tested), len(terms))
    row = {gene: at for at, gene in enumerate(task.labels.genes)}
    said = np.zeros((len(task.labels), len(terms)), np.float32)
    said[[row[gene] for gene in tested]] = np.clip(np.nan_to_num(wide), 0, 1)
    return Answered(task, told, int((~np.isfinite(wide).any(axis=1)).sum()), said)


def _scores(one: Answered, record: Record, theirs: PhenotypeEval, run: Path) -> Iterator[Score]:
    task = one.task
    kept = Run(run, lambda *_: None, Clock(run))
    mine = Folds(
        [runs.measured_fold(one.said[fold.test], task, fold, theirs) for fold in task.folds], "ours"
    )
    keys = {"collection": task.collection, "split": task.split}
    others = record.results.scores.plain.where(**keys, measure="f_max")
    for measure, what in MEASURES.items():
        sample = mine.sample("measure", measure)
        yield Score(YOURS, measure, sample, "ours", **keys)
        for other in others:
            name = other.predictor
            folder = kept.path(f"{task.collection}/{task.split}/{name}/0").parent
            tables = [pd.read_parquet(folder / f"{fold.fold}.parquet") for fold in task.folds]
            their = Folds(tables, "baseline").sample("measure", measure)
            yield Score(name, measure, their, other.role, **keys)
            yield Gain(YOURS, name, measure, what.ahead(sample, their), "ours", **keys)
