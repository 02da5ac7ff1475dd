"""The work of an evaluation of gene properties, in units that are done once and kept."""

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from evals.folder import Clock, write_table
from evals.genen.predictors import MASKED_TASKS, Entry, conditions, entries, repeats
from evals.genen.schema import Condition
from evals.genen.score import DRAWS, held_out
from evals.genen.world import World
from knowledge.schema import Frozen
from models.genen.graphs import GRAPH_KINDS, GraphKind
from models.genen.labels import TASKS, PropertyTask, TaskName
from models.genen.splits import FOLDS
from models.genen.texts import MASKED
from models.response.settings import Progress


class GenenEval(Frozen):
    """What an evaluation can be told; another value is another run.

    Attributes:
        tasks: Properties that are predicted.
        graphs: Graphs that are tried, with and without GO's cellular components.
        seed: Of folds, networks, masks, rewired edges and resamples.
        folds: Of the cross-validation over genes.
        shares: Shares of the texts that are hidden, of the tasks of `MASKED_TASKS`.
        neural: Whether networks are trained; most of the time goes there.
        draws: Bootstrap resamples of genes.
    """

    tasks: tuple[TaskName, ...] = TASKS
    graphs: tuple[GraphKind, ...] = GRAPH_KINDS
    seed: int = 0
    folds: int = FOLDS
    shares: tuple[float, ...] = MASKED
    neural: bool = True
    draws: int = DRAWS


class Unit(NamedTuple):
    """One predictor on one task under one condition."""

    task: PropertyTask
    condition: Condition
    entry: Entry

    @property
    def path(self) -> Path:
        """Return where its table lies, relative to those of all."""
        names = (self.condition.name, self.task.name, self.entry.predictor.name)
        *folders, name = (re.sub(r"[^\w.+-]+", "-", one) for one in names)
        return Path(*folders) / f"{name}.parquet"

    @property
    def inputs(self) -> Condition:
        """Return the graph and the hidden texts that it shares with other units."""
        return self.condition.model_copy(update={"together": False})


def planned(world: World, settings: GenenEval) -> list[Unit]:
    """Return all that is fitted and scored, graph by graph."""
    found = []
    for condition in conditions(settings.shares):
        if condition.graph and condition.graph not in settings.graphs:
            continue
        for task in world.tasks:
            if condition.hidden and task.name not in MASKED_TASKS:
                continue
            for entry in entries(condition, neural=settings.neural):
                found.append(Unit(task, condition, entry))
    return found


def fit(
    unit: Unit, world: World, folder: Path, settings: GenenEval, clock: Clock, told: Progress
) -> None:
    """Write the held-out scores of a unit, unless they are there.

    Args:
        unit: What to fit.
        world: What predictors are given.
        folder: Of all units.
        settings: What is evaluated.
        clock: Counts the time towards the predictor.
        told: What is being done.
    """
    path = folder / unit.path
    if path.is_file():
        return
    task, condition, entry = unit
    with clock("graphs and texts"):
        inputs = world.inputs(condition, told)
    told(f"{task.name}: {entry.predictor.name}, {condition.name}", 0)
    with clock(entry.predictor.name):
        splits = world.splits(task, condition, repeats(entry, task), settings.folds)
        scores = entry.predictor.scores(task, splits, inputs)
        parts = [
            held_out(split.repeat, split.fold, split.test, said)
            for split, said in zip(splits, scores, strict=True)
        ]
        write_table(pd.concat(parts, ignore_index=True), path)
