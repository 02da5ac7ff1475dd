"""The work of an evaluation of gene properties, in units that are done once and kept."""

from typing import NamedTuple

import pandas as pd
from pydantic import Field

from evals.genen.facts import Condition
from evals.genen.predictors import MASKED_TASKS, Entry, conditions, entries, repeats
from evals.genen.score import DRAWS, held_out
from evals.genen.world import World
from evals.harness.run import Clock, Run, write_table
from knowledge.progress import Progress
from knowledge.schema import Frozen
from models.genen.graphs import GRAPH_KINDS, GraphKind
from models.genen.labels import TASKS, PropertyTask, TaskName
from models.genen.splits import FOLDS
from models.genen.texts import MASKED


class GenenEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    tasks: tuple[TaskName, ...] = Field(
        TASKS, description="Property to score; repeat for several, all eight by default."
    )
    graphs: tuple[GraphKind, ...] = Field(
        GRAPH_KINDS, description="ppi, go or go+ppi; repeat for several, all by default."
    )
    seed: int = Field(0, description="Seed of everything that is drawn.")
    folds: int = Field(FOLDS, ge=2, description="Folds over genes.")
    shares: tuple[float, ...] = Field(MASKED, description="Shares of the texts that are hidden.")
    neural: bool = Field(True, description="Train networks; most of the time goes there.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of genes.")


class Unit(NamedTuple):
    """One predictor on one task under one condition."""

    task: PropertyTask
    condition: Condition
    entry: Entry

    @property
    def name(self) -> str:
        """Return what it is kept as."""
        return f"{self.condition.name}/{self.task.name}/{self.entry.predictor.name}"

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
    unit: Unit, world: World, run: Run, settings: GenenEval, clock: Clock, told: Progress
) -> None:
    """Keep the held-out scores of a unit, unless they are there.

    Args:
        unit: What to fit.
        world: What predictors are given.
        run: Keeps them.
        settings: What is evaluated.
        clock: Counts the time towards the predictor, of this process alone.
        told: What is being done.
    """
    if run.path(unit.name).is_file():
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
        write_table(pd.concat(parts, ignore_index=True), run.path(unit.name))
