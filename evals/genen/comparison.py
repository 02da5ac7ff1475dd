"""Compares predictors of gene properties: with each other, with texts hidden, by how studied."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple, TypeAlias

import pandas as pd

from evals.genen.facts import (
    HEADLINE,
    PLAIN,
    WITH_COMPARTMENT,
    Condition,
    Facts,
    Neighbourhood,
    Role,
    Studied,
    TaskFacts,
)
from evals.genen.predictors import GCN, OURS, REWIRED, TEXT, TOGETHER
from evals.genen.score import BoolArray, Yardstick, common
from evals.genen.world import World
from evals.harness.resampling import Sample
from evals.harness.scores import Gain, Results, Score
from evals.harness.scores import Key as Value
from knowledge.progress import Progress
from models.genen.labels import PropertyTask, TaskName

KIND = "genen"


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
) -> Results:
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
    for number, task in enumerate(world.tasks):
        progress(f"resampling genes: {task.name}", number / len(world.tasks))
        mine = {Key(c, name): t for (of, c, name), t in tables.items() if of == task.name}
        found = Comparison(world, task, mine, roles, draws)
        scores += (*found.scores(), *found.gains(), *found.studied())
    facts = Facts(
        tasks=tuple(told(task) for task in world.tasks),
        conditions=tuple(dict.fromkeys(condition for _, condition, _ in tables)),
        neighbourhoods=tuple(maps),
        quoted=world.quoted,
    )
    return Results.of(KIND, scores, facts)


def told(task: PropertyTask) -> TaskFacts:
    """Return what a task is."""
    return TaskFacts(
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
            hidden = None
            if key.condition.hidden:
                among = self.world.hidden(self.task, key.condition.hidden)
                hidden = self._known(self.yardstick.value(table, among)) if among.any() else None
            measured = {
                "value": self.values[key],
                "f1": self.yardstick.f1(table),
                "genes without text": hidden,
            }
            for measure, sample in measured.items():
                if sample is not None:
                    yield self._score(key, measure, sample)
            yield self._score(key, "repeats", int(table["repeat"].nunique()))

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
                    one.predictor,
                    other.predictor,
                    "value",
                    self._gain(one, other),
                    self.roles[one.predictor],
                    task=self.task.name,
                    condition=one.condition.name,
                    than_condition=other.condition.name,
                )

    def studied(self) -> Iterator[Score]:
        """Yield how the less and the well studied half of the genes are predicted."""
        studied = self.world.studied[self.task.name]
        keys = (Key(HEADLINE, OURS), Key(HEADLINE, GCN), Key(PLAIN, TEXT))
        for key, by in product((one for one in keys if one in self.tables), BY):
            well = studied.well_studied(by)
            less, more = (self._half(key, among) for among in (~well, well))
            if less is None or more is None:
                continue
            found = {"less studied": less, "well studied": more, "gap": more - less}
            for measure, sample in found.items():
                yield self._score(key, measure, sample, by=by)

    def _score(self, key: Key, measure: str, value: Sample | int, **keys: Value) -> Score:
        keys = {"task": self.task.name, "condition": key.condition.name, **keys}
        return Score(key.predictor, measure, value, self.roles[key.predictor], **keys)

    def _half(self, key: Key, among: BoolArray) -> Sample | None:
        if not among.any():
            return None
        return self._known(self.yardstick.value(self.tables[key], among))

    def _gain(self, one: Key, other: Key) -> Sample:
        """Return the difference over the repeats that both were tried on."""
        mine, theirs = self.tables[one], self.tables[other]
        if mine["repeat"].nunique() == theirs["repeat"].nunique():
            return self.values[one] - self.values[other]
        first, second = common(mine, theirs)
        return self.yardstick.value(first) - self.yardstick.value(second)

    @staticmethod
    def _known(sample: Sample) -> Sample | None:
        """Return a sample unless nothing could be ranked, as where a half lacks a class."""
        return sample if sample.known else None
