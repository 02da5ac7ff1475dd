"""Counts of single cells to fit: Papalexi's screen, and simulations with planted masks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from knowledge.sources.genes import sources_root
from knowledge.sources.registry import missing

PAPALEXI = "perturbseq/papalexi_eccite/papalexi_lowmoi_subset.npz"
VALIDATION, TEST = 0.1, 0.2


@dataclass(frozen=True)
class Cells:
    """Cells of one experiment.

    Attributes:
        name: What tables call it.
        count: `(cells, genes)`.
        dose: 1 for each perturbation that a cell had, none in controls
            `(cells, perturbations)`.
        part: 0 training, 1 validation, 2 test `(cells,)`.
        mask: Which latent of which perturbation was shifted, in a simulation.
    """

    name: str
    count: Tensor
    dose: Tensor
    part: NDArray[np.int64]
    mask: NDArray[np.bool_] | None = None

    def of(self, part: int) -> tuple[Tensor, Tensor]:
        """Return counts and doses of a part."""
        here = torch.from_numpy(np.flatnonzero(self.part == part))
        return self.count[here], self.dose[here]


def parts(cells: int, seed: int) -> NDArray[np.int64]:
    """Return the part of each cell."""
    drawn = np.random.default_rng(seed).random(cells)
    return np.where(drawn < TEST, 2, np.where(drawn < TEST + VALIDATION, 1, 0))


def simulated(
    seed: int,
    cells: int = 3000,
    genes: int = 100,
    perturbations: int = 12,
    latent: int = 8,
    on: int = 2,
) -> Cells:
    """Return cells whose perturbations shift `on` latents each, as the authors simulate them."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((perturbations, latent), bool)
    for row in mask:
        row[rng.choice(latent, on, replace=False)] = True
    effect = mask * rng.choice([-1, 1], mask.shape) * rng.uniform(2.0, 4.0, mask.shape)
    which = rng.integers(-1, perturbations, cells)
    dose = np.zeros((cells, perturbations), np.float32)
    dose[np.flatnonzero(which >= 0), which[which >= 0]] = 1
    state = rng.normal(size=(cells, latent)) * 0.5 + dose @ effect
    # Each latent moves genes of its own, so that axes mean something.
    loading = np.zeros((latent, genes))
    for k in range(latent):
        loading[k, rng.choice(genes, genes // 8, replace=False)] = rng.normal(0, 0.5, genes // 8)
    rate = np.exp(state @ loading + rng.normal(0, 1, genes))
    share = rate / rate.sum(1, keepdims=True)
    library = rng.integers(800, 1600, (cells, 1))
    dispersion = 5.0
    count = rng.poisson(rng.gamma(dispersion, share * library / dispersion))
    return Cells(
        f"simulation {seed}",
        torch.from_numpy(count.astype(np.float32)),
        torch.from_numpy(dose),
        parts(cells, seed),
        mask,
    )


def papalexi(data: Path, seed: int) -> Cells:
    """Return the 16,192 cells with one sure target, over 299 genes, and their targets.

    Raises:
        DataError: The file is missing.
    """
    from scipy import sparse

    path = sources_root(data) / PAPALEXI
    if not path.is_file():
        raise missing(path)
    with np.load(path, allow_pickle=False) as held:
        stored = (held["X_data"], held["X_indices"], held["X_indptr"])
        counts = sparse.csr_matrix(stored, shape=tuple(held["shape"])).T.tocsr()
        sure, target = held["cell_ok"], held["cell_target"].astype(str)
    counts, target = counts[sure], target[sure]
    names = sorted(set(target) - {"non-targeting"})
    dose = np.zeros((len(target), len(names)), np.float32)
    for column, name in enumerate(names):
        dose[target == name, column] = 1
    dense = torch.from_numpy(counts.toarray().astype(np.float32))
    return Cells("Papalexi", dense, torch.from_numpy(dose), parts(len(target), seed))
