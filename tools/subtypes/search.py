"""The search: each method on the data and on data without groups, and what stands of its groups."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from knowledge.progress import Progress
from knowledge.schema import Frozen
from tools.subtypes.methods import Data, IntArray, Method
from tools.subtypes.null import false_discovery_rates, without_groups
from tools.subtypes.replication import replicated
from tools.subtypes.settings import NULLS, Null, Rule, SubtypeSettings
from tools.subtypes.stability import (
    best_level,
    clusters,
    jaccard,
    labels_at,
    mean_stability,
    rare_groups,
)

Keep = Callable[[str, Callable[[], pd.DataFrame]], pd.DataFrame]
"""Returns the kept table of a name, or makes and keeps it."""


class Found(Frozen):
    """A group that a method found rare and stable.

    Attributes:
        method: Its name.
        members: Numbers of the samples.
        level: Number of clusters, or resolution, at which it is most stable.
        stability: Mean Jaccard over runs.
        levels: At how many levels it is found.
        permuted: False-discovery rate beside data whose genes were permuted.
        rotated: The same beside data of the same covariance.
        replicated: Share of split halves that both have it; None where it is too small to split.
    """

    method: str
    members: tuple[int, ...]
    level: float
    stability: float
    levels: int
    permuted: float
    rotated: float
    replicated: float | None

    @property
    def rate(self) -> float:
        """Return the greater of both false-discovery rates, by which it is judged."""
        return max(self.permuted, self.rotated)


class Level(Frozen):
    """What a method's clusters at one level are like.

    Attributes:
        level: Number of clusters, or resolution.
        clusters: How many there are.
        stability: Mean Jaccard of the samples' clusters.
        chance: The same in data without groups of the same covariance.
        silhouette: Mean over samples.
        davies_bouldin: The Davies-Bouldin index; less is better.
        best: Whether stability is furthest above chance here.
    """

    level: float
    clusters: int
    stability: float
    chance: float
    silhouette: float
    davies_bouldin: float | None
    best: bool


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one method found.

    Attributes:
        method: The method.
        groups: Rare and stable ones, the surest first.
        levels: All that it looked at.
        labels: Cluster of each sample at the best level.
        found: Every cluster.
        nulls: Every cluster of each data set without groups.
    """

    method: Method
    groups: tuple[Found, ...]
    levels: tuple[Level, ...]
    labels: IntArray
    found: pd.DataFrame
    nulls: dict[Null, list[pd.DataFrame]]

    def chance(self, kind: Null, rule: Rule) -> list[list[float]]:
        """Return the stability of the rare groups of each data set without groups."""
        samples = len(self.labels)
        return [[g.stability for g in rare_groups(one, samples, rule)] for one in self.nulls[kind]]


class Candidate(Frozen):
    """One group over all methods.

    Attributes:
        name: A, B, C ...
        best: As the method found it that is surest of it.
        others: As further methods found it.
    """

    name: str
    best: Found
    others: tuple[Found, ...]

    def told_by(self, rate: float) -> tuple[str, ...]:
        """Return the methods that find it at this false-discovery rate."""
        return tuple(one.method for one in (self.best, *self.others) if one.rate <= rate)


def searched(
    method: Method,
    data: Data,
    settings: SubtypeSettings,
    keep: Keep,
    progress: Progress,
) -> Outcome:
    """Return what a method finds; each data set's clusters are one kept unit.

    Args:
        method: The method.
        data: The samples.
        settings: What is drawn, and the rule.
        keep: Keeps tables.
        progress: Told what is being done, and the share of it.
    """
    seed, total = settings.seed, 1 + len(NULLS) * settings.permutations
    progress(f"{method.name}: samples as they are", 0.0)
    real = keep(f"{method.name}/samples", lambda: clusters(method, data, seed))
    nulls: dict[Null, list[pd.DataFrame]] = {}
    for kind in NULLS:
        nulls[kind] = []
        for number in range(settings.permutations):
            done = 1 + len(nulls[kind]) + (settings.permutations if kind != NULLS[0] else 0)
            progress(f"{method.name}: {kind}, {number + 1}", done / total)
            nulls[kind].append(
                keep(
                    f"{method.name}/{kind}-{number}",
                    lambda kind=kind, number=number: clusters(  # type: ignore[misc]
                        method, without_groups(data, kind, seed + number), seed
                    ),
                )
            )
    return outcome(method, data, settings, real, nulls, keep)


def outcome(
    method: Method,
    data: Data,
    settings: SubtypeSettings,
    real: pd.DataFrame,
    nulls: dict[Null, list[pd.DataFrame]],
    keep: Keep,
) -> Outcome:
    """Return what stands of a method's clusters beside those of data without groups."""
    rule, samples = settings.rule, len(data)
    groups = rare_groups(real, samples, rule)
    values = [group.stability for group in groups]
    rates = {
        kind: false_discovery_rates(
            values, [[g.stability for g in rare_groups(one, samples, rule)] for one in many]
        )
        for kind, many in nulls.items()
    }
    again = keep(
        f"{method.name}/halves",
        lambda: pd.DataFrame(
            {
                "replicated": replicated(
                    method, data, groups, settings.splits, settings.seed, rule.same
                )
            },
            dtype=float,
        ),
    )["replicated"]
    found = [
        Found(
            method=method.name,
            members=tuple(sorted(group.members)),
            level=group.level,
            stability=group.stability,
            levels=group.levels,
            permuted=rates["permuted"][at],
            rotated=rates["rotated"][at],
            replicated=None if pd.isna(again.iloc[at]) else float(again.iloc[at]),
        )
        for at, group in enumerate(groups)
    ]
    found.sort(key=lambda one: (one.rate, -one.stability))
    best = best_level(real, nulls["rotated"])
    return Outcome(
        method, tuple(found), _levels(real, nulls["rotated"], best, samples),
        labels_at(real, best, samples), real, nulls,
    )  # fmt: skip


def _levels(
    real: pd.DataFrame, nulls: Sequence[pd.DataFrame], best: float, samples: int
) -> tuple[Level, ...]:
    mine = mean_stability(real)
    chance = pd.concat([mean_stability(one) for one in nulls], axis=1).mean(axis=1)
    levels = []
    for level, at in real.groupby("level"):
        index = float(at["davies_bouldin"].iloc[0])
        levels.append(
            Level(
                level=float(str(level)),
                clusters=len(at),
                stability=float(mine[level]),
                chance=float(chance[level]),
                silhouette=float((at["silhouette"] * at["size"]).sum() / samples),
                davies_bouldin=None if np.isnan(index) else index,
                best=level == best,
            )
        )
    return tuple(levels)


def candidates(outcomes: Iterable[Outcome], rule: Rule) -> tuple[Candidate, ...]:
    """Return the groups of all methods, the same of several as one, the surest first."""
    every = sorted(
        (group for one in outcomes for group in one.groups),
        key=lambda one: (one.rate, -one.stability, one.method),
    )
    merged: list[list[Found]] = []
    for group in every:
        mine = frozenset(group.members)
        for others in merged:
            if jaccard(mine, frozenset(others[0].members)) >= rule.same:
                if group.method not in {one.method for one in others}:
                    others.append(group)
                break
        else:
            merged.append([group])
    return tuple(
        Candidate(name=_letter(at), best=one[0], others=tuple(one[1:]))
        for at, one in enumerate(merged)
    )


def _letter(number: int) -> str:
    """Return A to Z, then AA, AB ..."""
    first, last = divmod(number, 26)
    return ("" if not first else chr(64 + first)) + chr(65 + last)
