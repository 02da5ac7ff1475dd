"""Whether a group is found again in halves of the samples, and its markers in the other half."""

from collections.abc import Iterator, Sequence

import numpy as np

from tools.subtypes.markers import MOST, welch
from tools.subtypes.matrix import FloatArray
from tools.subtypes.methods import Data, IntArray, Method
from tools.subtypes.stability import Group, jaccard

LEAST_IN_HALF = 2


def halves(samples: int, splits: int, seed: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the numbers of the samples of both halves, once per split."""
    for number in range(splits):
        order = np.random.default_rng([seed, 7, number]).permutation(samples)
        yield np.sort(order[: samples // 2]), np.sort(order[samples // 2 :])


def replicated(
    method: Method, data: Data, groups: Sequence[Group], splits: int, seed: int, same: float
) -> list[float | None]:
    """Return the share of splits in which both halves, parted alone, have the group.

    A half has it where one of its clusters, at the group's level, has a Jaccard of `same` with
    the group's samples in that half. Splits that leave fewer than two of them in a half do not
    count; None where none counts.
    """
    found: list[list[bool]] = [[] for _ in groups]
    levels = sorted({group.level for group in groups})
    for number, pair in enumerate(halves(len(data), splits, seed)):
        good = np.ones(len(groups), bool)
        counts = np.ones(len(groups), bool)
        for half in pair:
            points = data.take(half)
            embedded = method.embed(points, seed + number)
            for level in levels:
                if level >= len(half):
                    continue
                labels = method.cluster(embedded, level, seed + number, 10)
                parts = [frozenset(half[labels == one].tolist()) for one in np.unique(labels)]
                for at, group in enumerate(groups):
                    if group.level != level:
                        continue
                    mine = group.members & frozenset(half.tolist())
                    counts[at] &= len(mine) >= LEAST_IN_HALF
                    good[at] &= max(jaccard(mine, part) for part in parts) >= same
        for each, counted, both in zip(found, counts, good, strict=True):
            if counted:
                each.append(bool(both))
    return [float(np.mean(one)) if one else None for one in found]


def markers_held(
    values: FloatArray, members: frozenset[int], splits: int, seed: int
) -> float | None:
    """Return the share of a half's first markers that mark the group in the other half too.

    They do where they differ the same way at p < .05; by chance one in forty does. None where no
    split leaves two members in both halves.
    """
    shares = []
    for one, other in halves(len(values), splits, seed):
        for here, there in ((one, other), (other, one)):
            inside = [np.isin(half, list(members)) for half in (here, there)]
            if min(int(mask.sum()) for mask in inside) < LEAST_IN_HALF:
                continue
            change, p = welch(values[here], inside[0])
            first = np.argsort(p, kind="stable")[:MOST]
            again, p_again = welch(values[there][:, first], inside[1])
            shares.append(
                float(np.mean((np.sign(change[first]) == np.sign(again)) & (p_again < 0.05)))
            )
    return float(np.mean(shares)) if shares else None
