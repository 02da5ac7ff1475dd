"""Compares predictors of gene properties: with each other, with texts hidden, by how studied."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from evals.genen.predictors import GCN, OURS, REWIRED, TEXT, TOGETHER
from evals.genen.schema import (
    HEADLINE,
    PLAIN,
    WITH_COMPARTMENT,
    Condition,
    Facts,
    Gain,
    Metrics,
    Neighbourhood,
    Role,
    Score,
    Studied,
    StudyScore,
)
from evals.genen.score import BoolArray, Yardstick, common
from evals.genen.world import World
from evals.harness.resampling import Sample
from models.genen.labels import PropertyTask, TaskName
from models.response.settings import Progress


class Key(NamedTuple):
    """A predictor under a condition."""

    condition: Condition
    predictor: str


Tables: TypeAlias = Mapping[tuple[TaskName, Condition, str], pd.DataFrame]
BY: tuple[Studied, ...] = ("words", "publications")
CONTRASTS: tuple[tuple[Condition, Condition], ...] = (
    (WITH_COMPARTMENT, HEADLINE),
    (HEADLINE, REWIRED),
    (TOGETHER, HEADLINE),
)
"""Conditions whose difference is asked about, of every predictor that was tried under both."""


def compared(
    world: World,
    tables: Tables,
    roles: Mapping[str, Role],
    maps: Sequence[Neighbourhood],
    draws: int,
    progress: Progress,
) -> Metrics:
    """Return every figure of a run.

    Args:
        world: Tasks and what is known of their genes.
        tables: Held-out scores of each task, condition and predictor, in the order of the page.
        roles: Of each predictor.
        maps: What the maps show.
        draws: Bootstrap resamples of genes.
        progress: Told how far it is.
    """
    scores: list[Score] = []
    gains: list[Gain] = []
    studied: list[StudyScore] = []
    for number, task in enumerate(world.tasks):
        progress(f"resampling genes: {task.name}", number / len(world.tasks))
        mine = {Key(c, name): t for (of, c, name), t in tables.items() if of == task.name}
        found = Comparison(world, task, mine, roles, draws)
        scores += found.scores()
        gains += found.gains()
        studied += found.studied()
    return Metrics(
        tasks=tuple(facts(task) for task in world.tasks),
        scores=tuple(scores),
        gains=tuple(gains),
        studied=tuple(studied),
        neighbourhoods=tuple(maps),
        quoted=world.quoted,
    )


def facts(task: PropertyTask) -> Facts:
    """Return what a task is."""
    return Facts(
        task=task.name,
        title=task.title,
        kind=task.kind,
        genes=len(task),
        classes=task.counts(),
        compartment_answers=task.compartment_answers,
    )


class Comparison:
    """Predictors of one task, on the same resamples of its genes.

    Args:
        world: What is known of the genes.
        task: What is predicted.
        tables: Held-out scores by condition and predictor.
        roles: Of each predictor.
        draws: Bootstrap resamples of genes.
    """

    def __init__(
        self,
        world: World,
        task: PropertyTask,
        tables: Mapping[Key, pd.DataFrame],
        roles: Mapping[str, Role],
        draws: int,
    ) -> None:
        self.world, self.task, self.tables, self.roles = world, task, tables, roles
        self.yardstick = Yardstick(task, world.seed, draws)
        self.values = {key: self.yardstick.value(table) for key, table in tables.items()}

    def scores(self) -> Iterator[Score]:
        """Yield the score of every predictor under every condition."""
        for key, table in self.tables.items():
            f1 = self.yardstick.f1(table)
            hidden = None
            if key.condition.hidden:
                among = self.world.hidden(self.task, key.condition.hidden)
                hidden = self._finite(self.yardstick.value(table, among)) if among.any() else None
            yield Score(
                task=self.task.name,
                condition=key.condition,
                predictor=key.predictor,
                role=self.roles[key.predictor],
                repeats=int(table["repeat"].nunique()),
                value=self.values[key].estimate(),
                f1=f1.estimate() if f1 else None,
                among_hidden=hidden.estimate() if hidden else None,
            )

    def best_baseline(self, condition: Condition) -> Key | None:
        """Return the plain baseline with the best value, with this graph or without one."""
        plain = condition.model_copy(update={"graph": None, "compartment": False, "rewired": False})
        found = [
            key
            for key in self.tables
            if self.roles[key.predictor] == "baseline" and key.condition in (condition, plain)
        ]
        return max(found, key=lambda key: self.values[key].value, default=None)

    def gains(self) -> Iterator[Gain]:
        """Yield how far ours is ahead of others, and what graphs and texts do to each predictor."""
        pairs: list[tuple[Key, Key]] = []
        for key in self.tables:
            condition, name = key
            if self.roles[name] == "ours":
                pairs += [
                    (key, other)
                    for other in self.tables
                    if other.condition == condition and self.roles[other.predictor] == "network"
                ]
                if best := self.best_baseline(condition):
                    pairs.append((key, best))
            if condition.hidden:
                pairs.append((key, Key(condition.model_copy(update={"hidden": 0.0}), name)))
            pairs += [(key, Key(other, name)) for one, other in CONTRASTS if one == condition]
            if condition == PLAIN.model_copy(update={"together": True}):
                pairs.append((key, Key(PLAIN, name)))
        for one, other in pairs:
            if other in self.tables:
                yield Gain(
                    task=self.task.name,
                    condition=one.condition,
                    predictor=one.predictor,
                    than=other.predictor,
                    than_condition=other.condition,
                    gain=self._gain(one, other).estimate(),
                )

    def studied(self) -> Iterator[StudyScore]:
        """Yield how the less and the well studied half of the genes are predicted."""
        studied = self.world.studied[self.task.name]
        keys = (Key(HEADLINE, OURS), Key(HEADLINE, GCN), Key(PLAIN, TEXT))
        for key, by in product((one for one in keys if one in self.tables), BY):
            well = studied.well_studied(by)
            less, more = (self._half(key, among) for among in (~well, well))
            if less is None or more is None:
                continue
            yield StudyScore(
                task=self.task.name,
                condition=key.condition,
                predictor=key.predictor,
                by=by,
                less=less.estimate(),
                well=more.estimate(),
                gap=(more - less).estimate(),
            )

    def _half(self, key: Key, among: BoolArray) -> Sample | None:
        if not among.any():
            return None
        return self._finite(self.yardstick.value(self.tables[key], among))

    def _gain(self, one: Key, other: Key) -> Sample:
        """Return the difference over the repeats that both were tried on."""
        mine, theirs = self.tables[one], self.tables[other]
        if mine["repeat"].nunique() == theirs["repeat"].nunique():
            return self.values[one] - self.values[other]
        first, second = common(mine, theirs)
        return self.yardstick.value(first) - self.yardstick.value(second)

    @staticmethod
    def _finite(sample: Sample) -> Sample | None:
        """Return a sample unless nothing could be ranked, as where a half lacks a class."""
        return sample if np.isfinite(sample.value) and np.isfinite(sample.draws).any() else None
