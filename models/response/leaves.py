"""Boosted trees as bit masks of their leaves, so that hundreds of trees are asked at once.

Every test of a tree that a row fails rules out the leaves on its left; the first leaf that no test
has ruled out is the row's (Lucchese et al. 2015, QuickScorer). Which leaves a value rules out is
looked up in a table, so that what depends on the perturbation alone, or on the readout alone, is
looked up once and shared by all their pairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.response.ensemble import Ensemble

Masks = NDArray[np.uint32]
MOST_LEAVES = 32
ALL_LEAVES = np.uint32(0xFFFFFFFF)
# Where the value of each leaf is kept: the place that de Bruijn's sequence gives its bit, so that
# the lowest bit of a mask leads to it by one multiplication.
DE_BRUIJN = 0x077CB531
SLOTS = tuple((((1 << leaf) * DE_BRUIJN) & 0xFFFFFFFF) >> 27 for leaf in range(MOST_LEAVES))


class _Test(NamedTuple):
    """An inner node: which leaves are gone if a value is above `threshold`, or missing."""

    feature: int
    threshold: float
    missing_is_right: bool
    left: np.uint32


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """What each value of one feature rules out.

    Attributes:
        thresholds: Where the answer changes, ascending `(steps,)`.
        masks: Leaves that are left, per number of thresholds below the value; the last row is for
            a missing value `(steps + 2, trees)`.
    """

    thresholds: NDArray[np.float64]
    masks: Masks


@dataclass(frozen=True, slots=True)
class LeafMasks:
    """Several ensembles side by side.

    Attributes:
        tables: One per feature, None where no tree looks at it.
        values: What each leaf adds to the mean log-odds of its ensemble `(trees, 32)`, in the order
            of `SLOTS`.
        bounds: Where each ensemble's trees begin and end `(ensembles + 1,)`.
    """

    tables: tuple[FeatureTable | None, ...]
    values: NDArray[np.float64]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, ensembles: Sequence[Ensemble], n_features: int) -> "LeafMasks":
        """Return the trees of `ensembles` over `n_features` features.

        Raises:
            ValueError: A tree has more leaves than a mask has bits, or tests that are not `<=`.
        """
        tests: list[list[_Test]] = []
        values: list[list[float]] = []
        bounds = [0]
        for ensemble in ensembles:
            for member in ensemble.members:
                for tree in member.dump_model()["tree_info"]:
                    leaves: list[float] = []
                    tests.append(list(_tests(tree["tree_structure"], leaves)))
                    row = [0.0] * MOST_LEAVES
                    for slot, value in zip(SLOTS, leaves, strict=False):
                        row[slot] = value / len(ensemble.members)
                    values.append(row)
            bounds.append(len(tests))
        tables = tuple(_table(tests, feature) for feature in range(n_features))
        return cls(tables, np.array(values), np.array(bounds))

    def everything(self, n: int) -> Masks:
        """Return masks of `n` rows that rule nothing out `(n, trees)`."""
        return np.full((n, len(self.values)), ALL_LEAVES, np.uint32)

    def narrow(self, masks: Masks, feature: int, column: NDArray[np.float32]) -> None:
        """Rule out, in `masks` `(n, trees)`, what the values `column` of a feature rule out."""
        table = self.tables[feature]
        if table is not None:
            steps = np.searchsorted(table.thresholds, column.astype(np.float64), side="left")
            steps[np.isnan(column)] = len(table.masks) - 1
            masks &= table.masks[steps]

    def scores(
        self, perturbed: Masks, read: Masks, features: Sequence[int], planes: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the mean log-odds of each ensemble `(ensembles, perturbations, readouts)`.

        Args:
            perturbed: What the perturbations' own features leave `(perturbations, trees)`.
            read: What the readouts' own features leave `(readouts, trees)`.
            features: Those of the pairs.
            planes: Their values `(features, perturbations, readouts)`.
        """
        kept = [(i, t) for i, f in enumerate(features) if (t := self.tables[f]) is not None]
        steps = np.cumsum([0, *(len(table.thresholds) for _, table in kept)])
        rows = np.cumsum([0, *(len(table.masks) for _, table in kept)])
        thresholds = np.concatenate([np.zeros(0), *(table.thresholds for _, table in kept)])
        masks = np.concatenate([*(table.masks for _, table in kept), self.everything(1)])
        out = np.zeros((len(self.bounds) - 1, len(perturbed), len(read)))
        _kernel()(
            perturbed, read, planes, np.array([i for i, _ in kept], np.int64), steps, thresholds,
            rows, masks, self.values, self.bounds, out,
        )  # fmt: skip
        return out


def compiler_is_there() -> bool:
    """Return whether Numba, which the masks are read with, is installed."""
    from importlib.util import find_spec

    return find_spec("numba") is not None


def _tests(node: dict[str, Any], leaves: list[float]) -> Iterator[_Test]:
    """Yield the tests below `node`; its leaves, left to right, are added to `leaves`."""
    if "leaf_value" in node:
        leaves.append(float(node["leaf_value"]))
        if len(leaves) > MOST_LEAVES:
            raise ValueError(f"a tree has more than {MOST_LEAVES} leaves")
        return
    missing = node["missing_type"]
    if node["decision_type"] != "<=" or missing not in ("None", "NaN"):
        raise ValueError(f"a tree tests by {node['decision_type']!r}, missing {missing!r}")
    first = len(leaves)
    yield from _tests(node["left_child"], leaves)
    left = sum(1 << leaf for leaf in range(first, len(leaves)))
    threshold = float(node["threshold"])
    # Without a way of its own, a missing value counts as 0.
    right = not node["default_left"] if missing == "NaN" else threshold < 0
    yield _Test(int(node["split_feature"]), threshold, right, np.uint32(left))
    yield from _tests(node["right_child"], leaves)


def _table(trees: Sequence[Sequence[_Test]], feature: int) -> FeatureTable | None:
    mine = [(number, test) for number, tests in enumerate(trees) for test in tests
            if test.feature == feature]  # fmt: skip
    if not mine:
        return None
    thresholds = np.unique([test.threshold for _, test in mine])
    masks = np.full((len(thresholds) + 2, len(trees)), ALL_LEAVES, np.uint32)
    for number, test in mine:
        above = int(np.searchsorted(thresholds, test.threshold)) + 1
        masks[above:-1, number] &= ~test.left
        if test.missing_is_right:
            masks[-1, number] &= ~test.left
    return FeatureTable(thresholds, masks)


@lru_cache(maxsize=1)
def _kernel() -> Any:  # noqa: ANN401  # a compiled function has no type of its own
    """Return the compiled loop over pairs; the first call takes some seconds.

    Raises:
        ModuleNotFoundError: Numba is not installed.
    """
    import numba

    @numba.njit(nogil=True, fastmath={"reassoc", "contract"})
    def fill(
        perturbed: Masks,
        read: Masks,
        planes: NDArray[np.float32],
        which: NDArray[np.int64],
        steps: NDArray[np.int64],
        thresholds: NDArray[np.float64],
        rows: NDArray[np.int64],
        masks: Masks,
        values: NDArray[np.float64],
        bounds: NDArray[np.int64],
        out: NDArray[np.float64],
    ) -> None:
        n_trees = perturbed.shape[1]
        left = np.empty(n_trees, np.uint32)
        # The last row of all rules nothing out.
        at = np.full((len(which) + 3) // 4 * 4, len(masks) - 1)
        for readout in range(read.shape[0]):
            for pert in range(perturbed.shape[0]):
                for i in range(len(which)):
                    value = planes[which[i], pert, readout]
                    if np.isnan(value):
                        at[i] = rows[i + 1] - 1
                        continue
                    low, high = steps[i], steps[i + 1]
                    while low < high:
                        middle = (low + high) >> 1
                        if thresholds[middle] < value:
                            low = middle + 1
                        else:
                            high = middle
                    at[i] = rows[i] + low - steps[i]
                for tree in range(n_trees):
                    left[tree] = perturbed[pert, tree] & read[readout, tree]
                # Four features a pass: the pass is bound by memory.
                for i in range(0, len(at), 4):
                    a, b, c, d = masks[at[i]], masks[at[i + 1]], masks[at[i + 2]], masks[at[i + 3]]
                    for tree in range(n_trees):
                        left[tree] &= a[tree] & b[tree] & c[tree] & d[tree]
                for ensemble in range(len(bounds) - 1):
                    total = 0.0
                    for tree in range(bounds[ensemble], bounds[ensemble + 1]):
                        first = np.int64(left[tree])
                        lowest = first & -first
                        slot = ((lowest * DE_BRUIJN) & 0xFFFFFFFF) >> 27
                        total += values[tree, slot]
                    out[ensemble, pert, readout] = total

    return fill
