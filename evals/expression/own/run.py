"""Scores a file of predicted responses beside everything that a finished run scored.

A row of the file is a context, a perturbation (`A`, or `A+B`), a readout and its predicted
`change`, in the unit of the context. What others reach stands in the run's `measures.parquet`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from evals import expression as benchmark
from evals.expression.measures import Yardstick
from evals.expression.own.page import BENCHMARK, YOURS, Facts
from evals.expression.score import DRAWS, MEASURES
from evals.harness.brought import Coverage, Words, matched, read_brought, read_kept, spelt
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run
from evals.harness.scores import Gain, Results, Score
from knowledge.errors import QuestionError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from models.expression import mirror
from models.expression.choice import TASKS, Task
from models.expression.screens import ExpressionScreen, together
from models.inputs.screens import approve

MEASURED = "measures.parquet"
NAMES: Words = {
    "context": ("screen",),
    "pert": ("perturbation", "perturbed"),
    "gene": ("readout", "target"),
}
NUMBERS: Words = {"change": ("prediction", "value", "log_fold_change")}
ROW = ["pert", "gene"]


class OwnExpression(Frozen):
    """What an evaluation can be told; another value is another run."""

    coverage: float = Field(0.0, ge=0, le=1, description="Least share of rows answered.")
    strict: bool = Field(False, description="Whether anything amiss in the file is refused.")
    seed: int = Field(0, description="Seed of the resamples.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")


class Answered(NamedTuple):
    """What the file says of one context and task.

    Attributes:
        context: Which screen.
        task: What was held out.
        told: How much it answers.
        partly: Perturbations that lack some readouts.
        tables: Rows of the answered perturbations of yours and of every other predictor.
    """

    context: str
    task: Task
    told: Coverage
    partly: tuple[str, ...]
    tables: dict[str, pd.DataFrame]


def evaluate(
    data: Path,
    predictions: Path,
    out: Path,
    settings: OwnExpression,
    against: Path,
    progress: Progress,
) -> Results:
    """Return the results; a finished run is read.

    Args:
        data: Mirror, or a data folder with `sources`.
        predictions: The file.
        out: The run folder.
        settings: What is evaluated.
        against: A finished run of `eval expression`.
        progress: Told what is being done.

    Raises:
        DataError: The run is not there.
        QuestionError: The file cannot be used, or answers too little.
        RunError: `out` holds another run.
    """
    columns = ("context", "task", "predictor", "perturbation", *MEASURES)
    others = read_kept(against / MEASURED, columns)
    given = _spelt(read_brought(predictions, NAMES, NUMBERS), sources_root(data))
    contexts = list(dict.fromkeys(others["context"]))
    named = [one for one in contexts if one in set(given["context"]) and one in mirror.CONTEXTS]
    if not named:
        raise QuestionError(
            f"{predictions} names no context of the run; its column context must hold some of "
            f"{', '.join(contexts)}."
        )
    progress("matching rows", 0.2)
    found = [
        answered
        for screen in mirror.read_contexts(data, named)
        for answered in _answered(screen, given, others)
    ]
    for one in found:
        one.told.check(settings.coverage, strict=settings.strict)
    if not any(one.tables for one in found):
        raise QuestionError(
            f"{predictions} answers no perturbation in full; give each readout that the context "
            "is measured by a row (`knockwise express --out` names them)."
        )
    facts = Facts(
        file=predictions.name,
        coverage=tuple(one.told for one in found),
        partly=tuple(name for one in found for name in one.partly),
        silent=tuple(one for one in contexts if one not in named),
    )
    inputs = Inputs({"predictions": predictions, MEASURED: against / MEASURED}, (benchmark,))

    def work(run: Run) -> Results:
        with run.clock("score"):
            told = [score for one in found if one.tables for score in _scores(one, settings)]
            return Results.of(BENCHMARK.kind, told, facts)

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def _spelt(given: pd.DataFrame, root: Path) -> pd.DataFrame:
    """Return the file with genes as approved symbols and perturbations in order."""
    symbols = read_symbols(root)

    def perturbed(word: str) -> str:
        parts = (approve(part.strip(), symbols) for part in word.split("+"))
        return "+".join(together(part for part in parts if part))

    return given.assign(
        pert=spelt(given["pert"], perturbed),
        gene=spelt(given["gene"], lambda word: approve(word, symbols)),
    )


def _answered(
    screen: ExpressionScreen, given: pd.DataFrame, others: pd.DataFrame
) -> Iterator[Answered]:
    """Yield what the file says of each task of a screen."""
    mine = given[given["context"] == screen.context]
    run = others[others["context"] == screen.context]
    rows = {"+".join(genes): row for row, genes in enumerate(screen.perturbations)}
    readouts = np.array(screen.readouts)[screen.scored]
    held: dict[Task, list[str]] = {}
    for task in TASKS:
        found = run.loc[run["task"] == task, "perturbation"]
        if names := [name for name in dict.fromkeys(map(str, found)) if name in rows]:
            held[task] = names
    everything = {name for names in held.values() for name in names}
    for task, names in held.items():
        asked = pd.DataFrame(
            [(name, gene) for name in names for gene in readouts if gene not in name.split("+")],
            columns=ROW,
        )
        # Rows of the other task are no strangers.
        part = mine[mine["pert"].isin(names) | ~mine["pert"].isin(everything)]
        part = part[[gene not in name.split("+") for name, gene in part[ROW].to_numpy()]]
        number, told = matched(part, "change", asked, ROW, f"{screen.context}, {task}")
        complete = number.notna().groupby(asked["pert"]).agg(["all", "any"])
        full = [name for name in names if complete.loc[name, "all"]]
        partly = [name for name in names if complete.loc[name, "any"] and name not in full]
        tables: dict[str, pd.DataFrame] = {}
        if full:
            value = number.to_numpy()
            wide = asked.assign(change=value).pivot(index="pert", columns="gene", values="change")
            said = np.zeros((len(full), len(screen.readouts)), np.float32)
            said[:, screen.scored] = wide.reindex(index=full, columns=readouts).fillna(0.0)
            at = np.array([rows[name] for name in full])
            tables[YOURS] = Yardstick(screen).table(at, said)
            for name, table in run[run["task"] == task].groupby("predictor", sort=False):
                beside = table.set_index("perturbation").reindex(full).reset_index()
                tables[str(name)] = beside
        yield Answered(screen.context, task, told, tuple(partly), tables)


def _scores(one: Answered, settings: OwnExpression) -> Iterator[Score]:
    keys = {"context": one.context, "task": one.task}
    perturbations = one.tables[YOURS]["perturbation"]
    draw = Resampler(perturbations, settings.seed, settings.draws)
    for measure, what in MEASURES.items():
        mine = one.tables[YOURS][measure].to_numpy(float)
        if not np.isfinite(mine).any():
            continue
        for name, table in one.tables.items():
            theirs = table[measure].to_numpy(float)
            both = np.isfinite(mine) & np.isfinite(theirs)
            if not both.any():
                continue
            role = "ours" if name == YOURS else "other"
            sample = draw.mean(perturbations, np.where(both, theirs, np.nan))
            yield Score(name, measure, sample, role, **keys)
            if name != YOURS:
                ahead = what.ahead(draw.mean(perturbations, np.where(both, mine, np.nan)), sample)
                yield Gain(YOURS, name, measure, ahead, "ours", **keys)
