"""Scores expression responses in a run folder; a run that was stopped goes on with what it has.

config.json      settings, hashes of data and code; a folder holds one run
units/           a table per context, task, predictor and fold
measures.parquet a row per held-out perturbation, context, task and predictor
metrics.json     every figure; the same after a second run with the same seed
timing.json      how long each predictor took and how much memory
scoreboard.md    the tables
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evals.expression import gears, predictors
from evals.expression.gears import EPOCHS, Gears
from evals.expression.measures import CellSamples, Yardstick
from evals.expression.predictors import Entry, Knowledge, entries
from evals.expression.report import as_markdown
from evals.expression.schema import Interaction, Metrics, Role, Score
from evals.expression.score import DRAWS, Comparison, joined
from evals.folder import Clock, claim, finished, part, write_table
from knowledge.errors import KnockwiseError
from knowledge.files import replace_text
from knowledge.schema import Frozen
from knowledge.sources.registry import missing, sha256_of
from models.expression import mirror, network
from models.expression.choice import TASKS, Fold, Task, answers, folds_of
from models.expression.genes import gene_features
from models.expression.screens import ExpressionScreen, together
from models.expression.training import UserScreen, read_user_screen
from models.provenance import code_commit
from models.response import annotations
from models.response.annotations import read_symbols, sources_root
from models.response.screens import approve
from models.response.settings import Progress

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
    """What an evaluation can be told; another value is another run.

    Attributes:
        contexts: Screens of the mirror that are scored.
        own: A user's screen, scored besides.
        seed: Of folds, networks and resamples.
        folds: Of the cross-validation over perturbations.
        neural: Whether networks are trained; most of the time goes there.
        draws: Bootstrap resamples of perturbations.
        gears: GEARS as one more baseline, in the contexts that it can be trained in.
    """

    contexts: tuple[str, ...] = tuple(mirror.CONTEXTS)
    own: UserScreen | None = None
    seed: int = 0
    folds: int = 5
    neural: bool = True
    draws: int = DRAWS
    gears: GearsSettings | None = None


class Unit(NamedTuple):
    """One predictor on one task of one context."""

    screen: ExpressionScreen
    task: Task
    entry: Entry
    folds: list[Fold]

    @property
    def folder(self) -> Path:
        """Return where its tables lie, relative to those of all."""
        name = re.sub(r"[^\w.-]+", "-", self.entry.predictor.name)
        return Path(self.screen.context) / self.task / name


def evaluate(
    data: Path, out: Path, settings: ExpressionEval, threads: int, progress: Progress
) -> Metrics:
    """Return the metrics; a finished run is read, an interrupted one gone on with.

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
    root = sources_root(data)
    claim(out, _config(root, settings))
    metrics = finished(out, Metrics, lambda: _evaluated(data, out, settings, threads, progress))
    timing = json.loads((out / "timing.json").read_text(encoding="utf-8"))
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    page = as_markdown({"metrics": metrics.model_dump(), "config": config, "timing": timing})
    replace_text(out / "scoreboard.md", page + "\n")
    progress("done", 1.0)
    return metrics


def _evaluated(
    data: Path, out: Path, settings: ExpressionEval, threads: int, progress: Progress
) -> Metrics:
    clock = Clock(out)
    with clock("read"):
        progress("reading screens", 0.0)
        screens, knowledge = _world(data, settings)
    if settings.neural:
        import torch

        torch.set_num_threads(threads)
    units = [unit for screen in screens for unit in _units(screen, knowledge, settings)]
    told = part(progress, 0.02, 0.93)
    done = 0
    for screen in screens:
        mine = [unit for unit in units if unit.screen is screen]
        yardstick = Yardstick(screen, _cells(data, screen, settings))
        for unit in mine:
            told(f"{unit.folder}", done / len(units))
            with clock(unit.entry.predictor.name):
                _fit(unit, yardstick, out / "units", settings.seed)
            done += 1
    progress("resampling perturbations", 0.95)
    with clock("score"):
        return _metrics(sources_root(data), out, units, settings)


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


def _fit(unit: Unit, yardstick: Yardstick, folder: Path, seed: int) -> None:
    """Fit and measure the folds of a unit that are not there yet."""
    for number, fold in enumerate(unit.folds):
        path = folder / unit.folder / f"{number}.parquet"
        if path.is_file():
            continue
        predicted, answered = answers(unit.entry.predictor, unit.screen, fold, seed)
        table = yardstick.table(fold.held_out, predicted)
        write_table(table.assign(answered=answered, fold=number), path)


def _metrics(root: Path, out: Path, units: list[Unit], settings: ExpressionEval) -> Metrics:
    scores: list[Score] = []
    interactions: list[Interaction] = []
    written = []
    for context, task in dict.fromkeys((unit.screen.context, unit.task) for unit in units):
        tables: dict[str, pd.DataFrame] = {}
        roles: dict[str, Role] = {}
        for unit in units:
            if (unit.screen.context, unit.task) == (context, task):
                name = unit.entry.predictor.name
                files = sorted((out / "units" / unit.folder).glob("*.parquet"))
                tables[name] = joined([pd.read_parquet(path) for path in files])
                roles[name] = unit.entry.role
                written.append(tables[name].assign(context=context, task=task, predictor=name))
        comparison = Comparison(tables, roles, settings.seed, settings.draws)
        scores += comparison.scores(context, task)
        if context == INTERACTING and task == "doubles":
            interactions += comparison.interactions(_norman(root))
    write_table(joined(written), out / "measures.parquet")
    return Metrics(scores=tuple(scores), interactions=tuple(interactions))


def _norman(root: Path) -> pd.DataFrame:
    """Return Norman's magnitude of each double, and how well the sum of its singles fits it.

    `ts_norm2` is `sqrt(c1^2 + c2^2)` of their robust (Theil-Sen) fit, above 1 synergy and below
    it buffering; `corr_sum` is the correlation of the double with the sum.
    """
    symbols = read_symbols(root)
    table = pd.read_csv(root / NORMAN, usecols=["name", "ts_norm2", "corr_sum"])
    doubles = [together(approve(word, symbols) for word in name.split("_")) for name in table.name]
    return table.set_index(pd.Index(["+".join(genes) for genes in doubles]))


def _config(root: Path, settings: ExpressionEval) -> dict[str, Any]:
    """Return what a run is, with hashes of what goes into it."""
    # What other contexts lend to baselines is read only where one of the mirror is scored.
    shared = [*mirror.files(tuple(mirror.CONTEXTS)), NORMAN] if settings.contexts else []
    names = [*shared, *annotations.FILES]
    names += network.FILES["string"] if settings.neural else ()
    paths: Mapping[str, Path] = {name: root / name for name in dict.fromkeys(names)}
    if settings.own:
        paths = {**paths, settings.own.path.name: settings.own.path}
    for path in paths.values():
        if not path.is_file():
            raise missing(path)
    code = [*Path(mirror.__file__).parent.glob("*.py"), *Path(__file__).parent.glob("*.py")]
    return {
        "settings": settings.model_dump(mode="json"),
        "data": {name: sha256_of(path) for name, path in paths.items()},
        "code": {
            **{f"{path.parent.name}/{path.name}": sha256_of(path) for path in sorted(code)},
            **_opponent(settings),
        },
        "commit": code_commit(),
        "knockwise": version("knockwise"),
    }


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
