"""Scores expression responses in a run folder; a run that was stopped goes on with what it has.

`units/` holds a table per context, task, predictor and fold, `measures.parquet` a row per held-out
perturbation, context, task and predictor.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from evals import expression as benchmark
from evals.expression import gears, predictors
from evals.expression.gears import EPOCHS, Gears
from evals.expression.measures import CellSamples, Yardstick
from evals.expression.page import BENCHMARK
from evals.expression.predictors import Entry, Knowledge, Role, entries
from evals.expression.rivals import network
from evals.expression.score import DRAWS, Comparison
from evals.harness.run import Inputs, Run, part, write_table
from evals.harness.scores import Results, Score
from knowledge.errors import KnockwiseError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from models import expression as model
from models.expression import mirror
from models.expression.choice import TASKS, Fold, Task, answers, folds_of
from models.expression.genes import gene_features
from models.expression.screens import ExpressionScreen, together
from models.expression.training import UserScreen, read_user_screen
from models.inputs import annotations
from models.inputs.screens import approve

NORMAN = "perturbseq/norman_gi_expression_fits_train.csv"
INTERACTING = "norman-latent"
TRANSFERRED = predictors.OTHERWISE
"""The context with enough doubles for calls of interactions."""
_log = logging.getLogger(__name__)


class GearsSettings(Frozen):
    """Where cell-gears is installed, and how long it is trained."""

    python: Path
    epochs: int = EPOCHS


class ExpressionEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    contexts: tuple[str, ...] = Field(
        tuple(mirror.CONTEXTS), description="Screens of the mirror that are scored."
    )
    own: UserScreen | None = Field(None, description="A user's screen, scored besides.")
    seed: int = Field(0, description="Seed of everything that is drawn.")
    folds: int = Field(5, ge=2, description="Folds over perturbations.")
    neural: bool = Field(True, description="Train networks, and their ablations.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")
    gears: GearsSettings | None = Field(None, description="GEARS as one more baseline.")


class Unit(NamedTuple):
    """One predictor on one task of one context."""

    screen: ExpressionScreen
    task: Task
    entry: Entry
    folds: list[Fold]

    @property
    def name(self) -> str:
        """Return what its tables are kept under."""
        return f"{self.screen.context}/{self.task}/{self.entry.predictor.name}"

    def kept(self, run: Run) -> pd.DataFrame:
        """Return the tables of all its folds as one."""
        paths = [run.path(f"{self.name}/{number}") for number in range(len(self.folds))]
        return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def evaluate(
    data: Path, out: Path, settings: ExpressionEval, threads: int, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        threads: Of the networks' training.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    inputs = _inputs(sources_root(data), settings)
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _evaluated(data, run, settings, threads), progress
    )


def _evaluated(data: Path, run: Run, settings: ExpressionEval, threads: int) -> Results:
    with run.clock("read"):
        run.progress("reading screens", 0.0)
        screens, knowledge = _world(data, settings)
    if settings.neural:
        import torch

        torch.set_num_threads(threads)
    units = [unit for screen in screens for unit in _units(screen, knowledge, settings)]
    told = part(run.progress, 0.02, 0.93)
    done = 0
    for screen in screens:
        yardstick = Yardstick(screen, _cells(data, screen, settings))
        for unit in (unit for unit in units if unit.screen is screen):
            told(unit.name, done / len(units))
            _fit(unit, yardstick, run, settings.seed)
            done += 1
    run.progress("resampling perturbations", 0.95)
    with run.clock("score"):
        return _results(sources_root(data), run, units, settings)


def _world(data: Path, settings: ExpressionEval) -> tuple[list[ExpressionScreen], Knowledge]:
    """Return the screens to score, and what predictors may know besides."""
    root = sources_root(data)
    names = dict.fromkeys(settings.contexts)
    transferred = {predictors.TRANSFER.get(name, predictors.OTHERWISE) for name in names}
    if settings.own and all((root / name).is_file() for name in mirror.files((TRANSFERRED,))):
        # A screen of one's own is scored without the transfer where its other screen is not pulled.
        transferred |= {TRANSFERRED}
    read = {one.context: one for one in mirror.read_contexts(data, [*{**names}, *transferred])}
    screens = [read[name] for name in names]
    if own := settings.own:
        screens.append(read_user_screen(own, root))
    genes = {gene for screen in screens for gene in screen.genes}
    features = gene_features(data, also=genes)
    transfer = {name: read[name] for name in transferred}
    networks = data if settings.neural else None
    opponent = Gears(one.python, data, one.epochs) if (one := settings.gears) else None
    return screens, Knowledge(features, networks, transfer, gears=opponent)


def _units(
    screen: ExpressionScreen, knowledge: Knowledge, settings: ExpressionEval
) -> Iterator[Unit]:
    """Yield every predictor on every task that the screen has enough perturbations for."""
    found = entries(knowledge, screen, settings.seed, neural=settings.neural)
    tasks = {task: folds_of(screen, task, settings.folds, settings.seed) for task in TASKS}
    if not any(tasks.values()):
        _log.warning("%s has too few perturbations to hold any out.", screen.context)
    for task, folds in tasks.items():
        for entry in found if folds else ():
            yield Unit(screen, task, entry, folds)


def _cells(data: Path, screen: ExpressionScreen, settings: ExpressionEval) -> CellSamples | None:
    """Return single cells of a context of the mirror that has them."""
    if screen.context not in mirror.WITH_CELLS or screen.context not in settings.contexts:
        return None
    rng = np.random.default_rng(settings.seed)
    return CellSamples.of(mirror.cells(data, screen.context, seed=settings.seed), rng)


def _fit(unit: Unit, yardstick: Yardstick, run: Run, seed: int) -> None:
    """Fit and measure the folds of a unit that are not there yet."""
    for number, fold in enumerate(unit.folds):

        def measured(number: int = number, fold: Fold = fold) -> pd.DataFrame:
            predicted, answered = answers(unit.entry.predictor, unit.screen, fold, seed)
            table = yardstick.table(fold.held_out, predicted)
            return table.assign(answered=answered, fold=number)

        run.table(f"{unit.name}/{number}", measured, unit.entry.predictor.name)


def _results(root: Path, run: Run, units: list[Unit], settings: ExpressionEval) -> Results:
    scores: list[Score] = []
    written = []
    for context, task in dict.fromkeys((unit.screen.context, unit.task) for unit in units):
        mine = [unit for unit in units if (unit.screen.context, unit.task) == (context, task)]
        tables = {unit.entry.predictor.name: unit.kept(run) for unit in mine}
        roles: dict[str, Role] = {unit.entry.predictor.name: unit.entry.role for unit in mine}
        for name, table in tables.items():
            written.append(table.assign(context=context, task=task, predictor=name))
        comparison = Comparison(tables, roles, settings.seed, settings.draws)
        scores += comparison.scores(context, task)
        if context == INTERACTING and task == "doubles":
            scores += comparison.interactions(_norman(root))
    write_table(pd.concat(written, ignore_index=True), run.out / "measures.parquet")
    return Results.of(BENCHMARK.kind, scores)


def _norman(root: Path) -> pd.DataFrame:
    """Return Norman's magnitude of each double, and how well the sum of its singles fits it.

    `ts_norm2` is `sqrt(c1^2 + c2^2)` of their robust (Theil-Sen) fit, above 1 synergy and below
    it buffering; `corr_sum` is the correlation of the double with the sum.
    """
    symbols = read_symbols(root)
    table = pd.read_csv(root / NORMAN, usecols=["name", "ts_norm2", "corr_sum"])
    doubles = [together(approve(word, symbols) for word in name.split("_")) for name in table.name]
    return table.set_index(pd.Index(["+".join(genes) for genes in doubles]))


def _inputs(root: Path, settings: ExpressionEval) -> Inputs:
    """Return what the figures rest on."""
    # What other contexts lend to baselines is read only where one of the mirror is scored.
    shared = [*mirror.files(tuple(mirror.CONTEXTS)), NORMAN] if settings.contexts else []
    names = [*shared, *annotations.FILES]
    names += network.FILES["string"] if settings.neural else ()
    files = {name: root / name for name in names}
    if settings.own:
        files[settings.own.path.name] = settings.own.path
    return Inputs(files, (benchmark, model), _opponent(settings))


def _opponent(settings: ExpressionEval) -> dict[str, str]:
    """Return the version of cell-gears, if it is to be trained.

    Raises:
        KnockwiseError: It cannot be imported, or trained in none of the contexts.
    """
    if settings.gears is None:
        return {}
    if not set(gears.CONTEXTS) & set(settings.contexts):
        raise KnockwiseError(
            f"GEARS is trained in {', '.join(gears.CONTEXTS)} alone; name one as --context, or "
            "leave --gears out."
        )
    return {"cell-gears": gears.installed(settings.gears.python)}
