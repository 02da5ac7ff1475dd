"""Which GO functions a protein has, judged by its relatives and by its sequence's profile."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.schema import Frozen
from models.genepheno.alignment import LEAST_BITS
from models.genepheno.homology import Hits

if TYPE_CHECKING:
    from torch import Tensor

FloatArray: TypeAlias = NDArray[np.float32]
OUTLIER = 4.0
"""Standard deviations beyond which an entry of a vector counts as no further."""


class KernelSettings(Frozen):
    """How likeness of proteins is made and smoothed.

    Attributes:
        relatives: Weight of alignments beside that of profiles, which is 1.
        nearness: The likeness of two profiles at the typical squared distance is `exp(-nearness)`.
        noise: Variance of an annotation around what likeness explains.
        axes: Main directions of the profiles that distances are measured in.
        waves: Random features that stand for the kernel of profiles.
        rank: Directions that the targets are reduced to.
    """

    relatives: float = 5.0
    nearness: float = 0.5
    noise: float = 3.0
    axes: int = 128
    waves: int = 1536
    rank: int = 96


@dataclass(frozen=True, eq=False, slots=True)
class Profiles:
    """Turns the vectors of an encoder into random features of a Gaussian kernel.

    The inner product of two rows of features is about `exp(-d² / 2)` of their standardised vectors
    (Rahimi and Recht 2007).

    Attributes:
        mean: Of the reference `(width,)`.
        scale: Weight over the spread of each entry, 0 where there is none `(width,)`.
        most: Entries further from the mean, once scaled, count as this far `(width,)`.
        axes: Main directions `(width, axes)`.
        waves: Frequencies `(axes, waves)`.
        phases: `(waves,)`.
    """

    mean: FloatArray
    scale: FloatArray
    most: FloatArray
    axes: FloatArray
    waves: FloatArray
    phases: FloatArray

    @classmethod
    def of(
        cls, vectors: FloatArray, weights: FloatArray, settings: KernelSettings, seed: int
    ) -> "Profiles":
        """Return the features that fit the reference's vectors.

        Args:
            vectors: `(proteins, width)`.
            weights: Of each standardised entry `(width,)`.
            settings: Of the kernel.
            seed: Of the frequencies.
        """
        from sklearn.utils.extmath import randomized_svd

        mean, spread = vectors.mean(axis=0), vectors.std(axis=0)
        scale = np.where(spread > 1e-6, weights / np.maximum(spread, 1e-6), 0.0)
        most = OUTLIER * weights
        standard = np.clip((vectors - mean) * scale, -most, most)
        size = min(settings.axes, *standard.shape)
        _, _, found = randomized_svd(standard, size, random_state=seed)
        projected = standard @ found.T
        # The typical squared distance between two proteins is twice the variance.
        typical = float(2 * projected.var(axis=0).sum()) or 1.0
        rng = np.random.default_rng(seed)
        waves = rng.standard_normal((size, settings.waves))
        waves *= np.sqrt(settings.nearness * 2 / typical)
        phases = rng.uniform(0, 2 * np.pi, settings.waves)
        parts = (mean, scale, most, found.T, waves, phases)
        return cls(*(np.ascontiguousarray(part, np.float32) for part in parts))

    def __call__(self, vectors: FloatArray) -> FloatArray:
        """Return the features `(proteins, waves)`."""
        standard = np.clip((vectors - self.mean) * self.scale, -self.most, self.most)
        projected = standard @ self.axes
        size = self.waves.shape[1]
        found = np.cos(projected @ self.waves + self.phases) * np.sqrt(2 / size)
        return np.asarray(found, np.float32)


@dataclass(frozen=True, eq=False, slots=True)
class KernelRegression:
    """A Gaussian process from proteins to many targets, such as functions, of low rank.

    Likeness is that of alignments plus that of profiles. What relatives add and what the profile
    adds are apart, so that a prediction can be traced to relatives.

    Attributes:
        profiles: Makes features of vectors.
        own_bits: Bit score of each reference protein with itself `(proteins,)`.
        duals: What a unit of likeness to a reference protein adds `(proteins, rank)`.
        primal: What each feature of the profile adds `(waves, rank)`.
        loadings: From latent directions to targets `(rank, targets)`.
        mean: Share of the reference that has each target `(targets,)`.
    """

    profiles: Profiles
    own_bits: FloatArray
    duals: FloatArray
    primal: FloatArray
    loadings: FloatArray
    mean: FloatArray

    def latent(self, vectors: FloatArray, own_bits: FloatArray, hits: Hits) -> FloatArray:
        """Return the latent directions of proteins `(proteins, rank)`.

        Args:
            vectors: Of the encoder `(proteins, width)`.
            own_bits: Bit scores of the proteins with themselves `(proteins,)`.
            hits: Their alignments to the reference.
        """
        near = likeness(hits, own_bits, self.own_bits)
        return np.asarray(near @ self.duals + self.profiles(vectors) @ self.primal, np.float32)


def fitted_kernel(
    vectors: FloatArray,
    weights: FloatArray,
    own_bits: FloatArray,
    hits: Hits,
    targets: sparse.csr_array,
    settings: KernelSettings,
    seed: int,
) -> KernelRegression:
    """Return the regression of targets on a reference (Rasmussen and Williams 2006, eq. 2.25).

    Args:
        vectors: Of the reference `(proteins, width)`.
        weights: Of each standardised entry `(width,)`.
        own_bits: Bit scores of the proteins with themselves.
        hits: Alignments of the reference to itself.
        targets: What each protein has, 0 or 1 `(proteins, targets)`.
        settings: Of the kernel.
        seed: Of the random features and the reduction.
    """
    import torch
    from sklearn.utils.extmath import randomized_svd

    profiles = Profiles.of(vectors, weights, settings, seed)
    features = torch.from_numpy(profiles(vectors))
    near = likeness(hits, own_bits, own_bits)
    near = near.maximum(near.T).tocoo()
    mean = np.asarray(targets.mean(axis=0), np.float32).ravel()
    dense = targets.toarray().astype(np.float32) - mean
    size = min(settings.rank, *dense.shape)
    left, strength, loadings = randomized_svd(dense, size, random_state=seed)
    reduced = torch.from_numpy(np.ascontiguousarray(left * strength, np.float32))
    del dense
    kernel = features @ features.T
    off = near.row != near.col
    places = torch.from_numpy(np.stack([near.row[off], near.col[off]]).astype(np.int64))
    added = torch.from_numpy(settings.relatives * near.data[off].astype(np.float32))
    kernel.index_put_((places[0], places[1]), added, accumulate=True)
    kernel.diagonal().add_(settings.relatives + settings.noise)
    duals = _solved(kernel, reduced)
    return KernelRegression(
        profiles=profiles,
        own_bits=own_bits,
        duals=(settings.relatives * duals).numpy(),
        primal=(features.T @ duals).numpy(),
        loadings=np.ascontiguousarray(loadings, np.float32),
        mean=mean,
    )


def likeness(hits: Hits, queries: FloatArray, targets: FloatArray) -> sparse.csr_array:
    """Return how alike aligned proteins are, 0 for chance to 1 for the same `(queries, targets)`.

    Args:
        hits: Alignments.
        queries: Bit scores of the queries with themselves.
        targets: Bit scores of the targets with themselves.
    """
    room = np.sqrt(
        np.maximum(queries[hits.query] - LEAST_BITS, 1.0)
        * np.maximum(targets[hits.target] - LEAST_BITS, 1.0)
    )
    value = np.clip((hits.bits - LEAST_BITS) / room, 0.0, 1.0).astype(np.float32)
    shape = (hits.queries, hits.targets)
    return sparse.csr_array((value, (hits.query, hits.target)), shape=shape)


def _solved(kernel: "Tensor", right: "Tensor") -> "Tensor":
    """Return the solution for a symmetric matrix, by Cholesky where it is positive definite."""
    import torch

    factor, failed = torch.linalg.cholesky_ex(kernel)
    if int(failed) == 0:
        solved: Tensor = torch.cholesky_solve(right, factor)
        return solved
    # Alignments that were looked for only among candidates make no exact kernel.
    solved = torch.linalg.solve(kernel, right)
    return solved
