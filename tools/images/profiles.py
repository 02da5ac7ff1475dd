"""Turns cells into profiles of wells, aligned to controls, and says how far replicates agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.schema import Frozen

PLACE = ("plate", "well", "perturbation", "role")
"""Columns that say which well a row is of."""
COUNT = "well_cells"
FEWEST_CELLS = 3
SHRUNK = 0.1
"""Share of the mean variance that is added to every direction before it is sphered."""
PERMUTATIONS = 1000
Array = NDArray[np.float64]


class Reproducibility(Frozen):
    """How far the replicates of a perturbation agree.

    Attributes:
        perturbation: Which.
        replicates: How many plates it is on.
        correlation: Mean correlation of its profiles between plates.
        p: Share of the pairs of different perturbations that correlate as well.
    """

    perturbation: str
    replicates: int
    correlation: float
    p: float


@dataclass(frozen=True)
class Aligner:
    """What makes plates comparable: the controls of each have mean 0 and spread 1, then sphered.

    Attributes:
        centre: Plate -> median of its control cells `(measurements,)`.
        scale: Plate -> their spread `(measurements,)`.
        rotation: Of the control cells' correlated measurements to independent ones; none where
            nothing is sphered.
    """

    centre: dict[str, Array]
    scale: dict[str, Array]
    rotation: Array | None = None

    @classmethod
    def of(
        cls,
        values: Array,
        plates: Sequence[str],
        control: NDArray[np.bool_],
        *,
        sphere: bool = False,
    ) -> "Aligner":
        """Return what aligns cells.

        Without a control on a plate all of its cells stand in for them. Sphering takes the
        covariance of control cells, not of control wells, which are mostly too few.

        Args:
            values: Measurements of cells `(cells, measurements)`, NaN where there is none.
            plates: Of each cell.
            control: Which cells are of controls.
            sphere: Whether to make measurements independent in controls.
        """
        names = np.asarray(plates)
        centre, scale = {}, {}
        for plate in dict.fromkeys(plates):
            rows = names == plate
            chosen = rows & control if (rows & control).any() else rows
            own = values[chosen]
            centre[plate] = np.nan_to_num(np.nanmedian(own, axis=0))
            spread = np.nanpercentile(own, [25, 75], axis=0)
            robust = (spread[1] - spread[0]) / 1.349
            plain = np.nanstd(own, axis=0)
            scale[plate] = np.where(robust > 1e-9, robust, np.where(plain > 1e-9, plain, 1.0))
        found = cls(centre, scale)
        if not sphere:
            return found
        aligned = found(values, plates)[control if control.any() else slice(None)]
        covariance = np.cov(aligned, rowvar=False)
        covariance[np.diag_indices_from(covariance)] += (
            SHRUNK * covariance.trace() / len(covariance)
        )
        size, axes = np.linalg.eigh(covariance)
        return cls(centre, scale, axes @ np.diag(1 / np.sqrt(size)) @ axes.T)

    def __call__(self, values: Array, plates: Sequence[str]) -> Array:
        """Return aligned measurements; missing ones are as in the controls, none is beyond 10."""
        names = np.asarray(plates)
        out = np.zeros(values.shape)
        for plate in dict.fromkeys(plates):
            rows = names == plate
            out[rows] = (values[rows] - self.centre[plate]) / self.scale[plate]
        out = np.clip(np.nan_to_num(out), -10, 10)
        return out if self.rotation is None else np.asarray(out @ self.rotation)


def well_profiles(cells: pd.DataFrame, values: Array, names: Sequence[str]) -> pd.DataFrame:
    """Return the median of each well's cells, and how many there are; wells of few are left out.

    Args:
        cells: A row per cell with the columns of `PLACE`.
        values: Aligned measurements or phenotypes `(cells, names)`.
        names: What they are called.
    """
    table = pd.DataFrame(values, columns=list(names), index=cells.index)
    for name in PLACE:
        table[name] = cells[name]
    grouped = table.groupby(list(PLACE), sort=True)
    found = grouped[list(names)].median()
    found.insert(0, COUNT, grouped.size().astype(float))
    return found[found[COUNT] >= FEWEST_CELLS].reset_index()


def reproducibility(profiles: pd.DataFrame, names: Sequence[str]) -> list[Reproducibility]:
    """Return how well each perturbation's profiles agree between plates; none with one plate."""
    found = profiles.groupby(["perturbation", "plate"], sort=True)[list(names)].mean()
    values = found.to_numpy(float)
    spread = values.std(axis=1)
    if len(values) < 2 or values.shape[1] < 3:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.corrcoef(values)
    who = [(str(a), str(b)) for a, b in found.index]
    others = np.array([
        alike[i, j] for i in range(len(who)) for j in range(i)
        if who[i][0] != who[j][0] and who[i][1] != who[j][1] and spread[i] > 0 and spread[j] > 0
    ])  # fmt: skip
    told = []
    for name in dict.fromkeys(one for one, _ in who):
        rows = [i for i, one in enumerate(who) if one[0] == name and spread[i] > 0]
        pairs = [alike[i, j] for i in rows for j in rows if j < i]
        if pairs:
            mean = float(np.mean(pairs))
            p = float((1 + (others >= mean).sum()) / (1 + len(others)))
            told.append(
                Reproducibility(perturbation=name, replicates=len(rows), correlation=mean, p=p)
            )
    return told


def heritability(profiles: pd.DataFrame, names: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Return for each phenotype which share of its variance perturbations explain, over plates.

    The intraclass correlation of wells of one perturbation, plates made equal; p by giving the
    wells of each plate other perturbations.

    Args:
        profiles: Of wells.
        names: Phenotypes.
        seed: Of the permutations.
    """
    values = profiles[list(names)].to_numpy(float)
    plates = profiles["plate"].to_numpy()
    for plate in set(plates):
        values[plates == plate] -= values[plates == plate].mean(axis=0)
    groups = pd.factorize(profiles["perturbation"])[0]
    shares = _intraclass(values, groups)
    rng = np.random.default_rng(seed)
    beaten = np.ones(len(names))
    for _ in range(PERMUTATIONS):
        mixed = groups.copy()
        for plate in set(plates):
            rows = np.flatnonzero(plates == plate)
            mixed[rows] = groups[rng.permutation(rows)]
        beaten += _intraclass(values, mixed) >= shares - 1e-12
    return pd.DataFrame({
        "phenotype": list(names), "share_explained": shares,
        "p": beaten / (PERMUTATIONS + 1),
    })  # fmt: skip


def _intraclass(values: Array, groups: NDArray[np.integer]) -> Array:
    """Return the share of variance between groups, from one-way analysis of variance."""
    sizes = np.bincount(groups)
    count, kinds = len(values), int((sizes > 0).sum())
    if kinds < 2 or count <= kinds:
        return np.zeros(values.shape[1])
    sums = np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, groups, values)
    means = sums / np.maximum(sizes, 1)[:, None]
    within = ((values - means[groups]) ** 2).sum(axis=0) / (count - kinds)
    between = (sizes[:, None] * (means - values.mean(axis=0)) ** 2).sum(axis=0) / (kinds - 1)
    usual = (count - (sizes**2).sum() / count) / (kinds - 1)
    share = (between - within) / np.maximum(between + (usual - 1) * within, 1e-12)
    return np.asarray(np.clip(share, 0, 1))
