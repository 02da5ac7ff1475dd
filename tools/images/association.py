"""Tests each phenotype of each perturbation against the controls, wells being the units.

Cells of a well share its pipetting and its place, so that they are no replicates: p-values come
from exchanging the labels of wells within plates, all ways where they are few, and effect sizes
from cells. With two wells against two on two plates there are 36 ways, and no p-value below 1/36.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tools.images.profiles import COUNT

MOST_WAYS = 4000
Array = NDArray[np.float64]


def associations(
    profiles: pd.DataFrame,
    cells: pd.DataFrame,
    values: Array,
    names: Sequence[str],
    seed: int = 0,
) -> pd.DataFrame:
    """Return a row for each perturbation and phenotype: effect, p and q by Benjamini-Hochberg.

    `effect` is the difference of the wells' medians in spreads of control cells, the mean over
    plates; `plates_agree` whether it has one sign on all of them; `auroc` the chance that a
    perturbed cell has more of the phenotype than a control cell of its plate, and `ways` how many
    exchanges there are, of which p counts those with as large an effect.

    Args:
        profiles: Of wells, controls among them.
        cells: A row per cell with plate, perturbation and role.
        values: Aligned phenotypes of cells `(cells, names)`.
        names: Phenotypes.
        seed: Of the exchanges, where they are too many.
    """
    every = [COUNT, *names]
    rows = []
    perturbed = profiles.loc[profiles["role"] == "perturbed", "perturbation"]
    for name in sorted(set(perturbed)):
        plates = []
        for plate, there in profiles.groupby("plate", sort=True):
            mine = (there["perturbation"] == name).to_numpy()
            control = (there["role"] == "control").to_numpy()
            if mine.any() and control.any():
                found = there.loc[mine | control, every].to_numpy(float).copy()
                # Counts as a share of the plate's controls, so that plates compare.
                usual = found[control[mine | control], 0].mean()
                found[:, 0] = found[:, 0] / max(usual, 1e-9)
                plates.append((str(plate), found, mine[mine | control]))
        if not plates:
            continue
        effects = np.stack([_difference(found, mine) for _, found, mine in plates])
        effect = effects.mean(axis=0)
        p, ways = _exchanged(plates, effect, seed)
        agree = (np.sign(effects) == np.sign(effect)).all(axis=0)
        auroc = _aurocs(cells, values, name, [plate for plate, _, _ in plates])
        for number, phenotype in enumerate(every):
            rows.append({
                "perturbation": name, "phenotype": phenotype, "effect": effect[number],
                "low_plate": effects[:, number].min(), "high_plate": effects[:, number].max(),
                "plates": len(plates), "wells": int(sum(mine.sum() for _, _, mine in plates)),
                "plates_agree": bool(agree[number]),
                "auroc": math.nan if number == 0 else auroc[number - 1],
                "p": p[number], "ways": ways,
            })  # fmt: skip
    table = pd.DataFrame(rows)
    if len(table):
        table["q"] = table.groupby("perturbation")["p"].transform(lambda one: false_discovery(one))
    return table


def false_discovery(p: Sequence[float] | pd.Series) -> Array:
    """Return q-values by Benjamini and Hochberg (1995), in the order of `p`."""
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(np.asarray(p, float), method="bh"))


def _difference(found: Array, mine: NDArray[np.bool_]) -> Array:
    return np.asarray(found[mine].mean(axis=0) - found[~mine].mean(axis=0))


def _exchanged(
    plates: Sequence[tuple[str, Array, NDArray[np.bool_]]], effect: Array, seed: int
) -> tuple[Array, int]:
    """Return p of each phenotype and of how many exchanges of wells it is the share."""
    ways = math.prod(math.comb(len(mine), int(mine.sum())) for _, _, mine in plates)
    per_plate = []
    rng = np.random.default_rng(seed)
    few = ways <= MOST_WAYS
    for _, found, mine in plates:
        size, count = len(mine), int(mine.sum())
        if few:
            chosen = [np.array(one) for one in itertools.combinations(range(size), count)]
        else:
            chosen = [rng.permutation(size)[:count] for _ in range(MOST_WAYS)]
        total = found.sum(axis=0)
        inner = np.stack([found[one].sum(axis=0) for one in chosen])
        per_plate.append(inner / count - (total - inner) / max(size - count, 1))
    if few:
        mixed = per_plate[0]
        for one in per_plate[1:]:
            mixed = (mixed[:, None] + one[None]).reshape(-1, mixed.shape[1])
        extreme = (np.abs(mixed / len(plates)) >= np.abs(effect) - 1e-9).sum(axis=0)
        return np.asarray(extreme / ways), ways
    mixed = np.mean(per_plate, axis=0)
    extreme = (np.abs(mixed) >= np.abs(effect) - 1e-9).sum(axis=0)
    return np.asarray((1 + extreme) / (1 + MOST_WAYS)), MOST_WAYS


def _aurocs(cells: pd.DataFrame, values: Array, name: str, plates: Sequence[str]) -> Array:
    from scipy.stats import rankdata

    found, weights = [], []
    for plate in plates:
        there = (cells["plate"] == plate).to_numpy()
        mine = there & (cells["perturbation"] == name).to_numpy()
        control = there & (cells["role"] == "control").to_numpy()
        a, b = int(mine.sum()), int(control.sum())
        if a and b:
            ranks = rankdata(np.concatenate([values[mine], values[control]]), axis=0)
            found.append((ranks[:a].sum(axis=0) - a * (a + 1) / 2) / (a * b))
            weights.append(a)
    if not found:
        return np.full(values.shape[1], np.nan)
    return np.asarray(np.average(np.stack(found), axis=0, weights=weights))
