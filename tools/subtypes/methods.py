"""How samples are laid out and parted: the published autoencoder beside plainer methods.

A `Method` is an embedding, a clustering, the levels at which it looks (numbers of clusters, or
resolutions) and what a run leaves out. All are run by `tools.subtypes.stability` alike.

The published procedure (arXiv 2511.13705): 2,000 most variable genes, standardised, a feed-forward
autoencoder of 128 latent dimensions, k-means for k = 2 to 10, stability over 20 seeds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import QuestionError
from tools.subtypes.matrix import FloatArray

IntArray = NDArray[np.int64]
COMPONENTS, LATENT, HIDDEN, EPOCHS, BATCH, STEP = 20, 128, 256, 40, 128, 3e-3
NEIGHBOURS = 10
NMF_GENES, NMF_STEPS = 300, 100
RESAMPLES, SHARE = 10, 0.8
# A group of a tenth that a component sets apart alone lies three deviations out, a smaller one
# further; two leave room for noise.
TAIL, ICA_AXES, ICA_STEPS = 2.0, 30, 100
FEW, MANY = 3, 10


@dataclass(frozen=True, eq=False)
class Data:
    """Samples as points.

    Attributes:
        values: Centred `(samples, genes)`.
        rotated: The same points in the span of the samples `(samples, rank)`: all distances and
            every loss that adds up squares are unchanged, and the columns are ordered by variance.
        axes: What leads back, `values = rotated @ axes`.
    """

    values: FloatArray
    rotated: FloatArray
    axes: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> "Data":
        """Return points of these values, centred."""
        centred = values - values.mean(axis=0)
        left, size, right = np.linalg.svd(centred, full_matrices=False)
        kept = size > size[0] * 1e-6
        return cls(centred, left[:, kept] * size[kept], right[kept])

    def __len__(self) -> int:
        return len(self.values)

    def take(self, kept: IntArray) -> "Data":
        """Return some of the samples, centred anew."""
        values, rotated = self.values[kept], self.rotated[kept]
        return Data(values - values.mean(axis=0), rotated - rotated.mean(axis=0), self.axes)


@dataclass(frozen=True)
class Method:
    """One way of parting samples.

    Attributes:
        name: What it is called on the command line.
        words: What it does.
        embed: Lays samples out; given the data and a seed.
        cluster: Parts points; given the level, a seed and how many starts to try.
        levels: Numbers of clusters, or resolutions.
        share: Of samples in each run after the first; 1 where only the seed differs.
        runs: How many runs, the first on all samples.
    """

    name: str
    words: str
    embed: Callable[[Data, int], FloatArray]
    cluster: Callable[[FloatArray, float, int, int], IntArray]
    levels: tuple[float, ...]
    share: float = SHARE
    runs: int = 10


def components(data: Data, seed: int) -> FloatArray:
    """Return the first principal components `(samples, COMPONENTS)`."""
    left, size, _ = np.linalg.svd(data.rotated, full_matrices=False)
    found: FloatArray = left[:, :COMPONENTS] * size[:COMPONENTS]
    return found


def latent(data: Data, seed: int) -> FloatArray:
    """Return what an autoencoder makes of the samples `(samples, LATENT)`.

    It is trained on the samples themselves to give them back by least squares. Its input is
    rotated into their span, where first and last layer have as many weights as there are samples
    and not as there are genes: the functions that it can learn on them and the loss are the same.
    """
    import torch

    torch_seed = torch.Generator().manual_seed(seed)
    wide = data.rotated.shape[1]
    scale = np.sqrt((data.rotated**2).mean())
    inputs = torch.tensor(data.rotated / scale, dtype=torch.float32)
    sizes = (wide, HIDDEN, LATENT, HIDDEN, wide)
    weights = [
        (torch.randn(i, o, generator=torch_seed) * (2 / i) ** 0.5).requires_grad_()
        for i, o in pairwise(sizes)
    ]
    biases = [torch.zeros(o, requires_grad=True) for o in sizes[1:]]

    def encoded(points: "torch.Tensor") -> "torch.Tensor":
        hidden = torch.relu(points @ weights[0] + biases[0])
        made: torch.Tensor = hidden @ weights[1] + biases[1]
        return made

    optimiser = torch.optim.Adam([*weights, *biases], lr=STEP)
    for _ in range(EPOCHS):
        order = torch.randperm(len(inputs), generator=torch_seed)
        for batch in torch.split(order, BATCH):
            given = inputs[batch]
            hidden = torch.relu(encoded(given) @ weights[2] + biases[2])
            loss = ((hidden @ weights[3] + biases[3] - given) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        found: FloatArray = encoded(inputs).numpy().astype(np.float64)
    return found


def white(data: Data, seed: int) -> FloatArray:
    """Return the first principal components, each of variance 1 `(samples, ICA_AXES)`."""
    left, _, _ = np.linalg.svd(data.rotated, full_matrices=False)
    found: FloatArray = left[:, :ICA_AXES] * np.sqrt(len(left))
    return found


def parts_based(data: Data, seed: int) -> FloatArray:
    """Return values from zero up of the genes that vary most, for a factorisation."""
    spread = data.values.var(axis=0)
    kept = np.argsort(-spread, kind="stable")[:NMF_GENES]
    values = data.values[:, kept]
    found: FloatArray = values - values.min(axis=0)
    return found


def k_means(points: FloatArray, level: float, seed: int, starts: int) -> IntArray:
    """Return the cluster of each sample by k-means."""
    from sklearn.cluster import KMeans

    model = KMeans(int(level), n_init=starts, random_state=seed, max_iter=100)
    return np.asarray(model.fit_predict(points), np.int64)


def factors(points: FloatArray, level: float, seed: int, starts: int) -> IntArray:
    """Return the factor that each sample has most of, by non-negative matrix factorisation."""
    import warnings

    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    model = NMF(int(level), init="random", random_state=seed, max_iter=NMF_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        shares = model.fit_transform(points)
    loads = shares * np.linalg.norm(model.components_, axis=1)
    return np.asarray(loads.argmax(axis=1), np.int64)


def tails(points: FloatArray, level: float, seed: int, starts: int) -> IntArray:
    """Return which independent component a sample lies far out on; 0 for none.

    FastICA (Hyvarinen, IEEE Transactions on Neural Networks 10, 626, 1999) finds the axes along
    which samples are least Gaussian: a small group that differs in a few genes is a tail of one of
    them, however little of the variance it has. Of several tails a sample belongs to its furthest.
    """
    import warnings

    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    model = FastICA(whiten=False, random_state=seed, max_iter=ICA_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        places = model.fit_transform(points[:, : int(level)])
    places = places / places.std(axis=0)
    places = places * np.sign((places**3).mean(axis=0))
    return np.where(places.max(axis=1) > TAIL, places.argmax(axis=1) + 1, 0).astype(np.int64)


def consensus(points: FloatArray, level: float, seed: int, starts: int) -> IntArray:
    """Return clusters of samples that k-means on parts of them puts together.

    Monti et al., Machine Learning 52, 91 (2003): average linkage of how often two samples share a
    cluster where both are drawn.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    rng = np.random.default_rng(seed)
    size = len(points)
    together, drawn = np.zeros((size, size)), np.zeros((size, size))
    for number in range(RESAMPLES):
        kept = rng.choice(size, max(int(level), round(SHARE * size)), replace=False)
        labels = k_means(points[kept], level, seed + number, 1)
        among = np.zeros((size, int(level)))
        among[kept, labels] = 1
        together += among @ among.T
        inside = among.sum(axis=1)
        drawn += np.outer(inside, inside)
    apart = 1 - together / np.maximum(drawn, 1)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average")
    return np.asarray(fcluster(tree, int(level), "maxclust"), np.int64) - 1


def communities(points: FloatArray, level: float, seed: int, starts: int) -> IntArray:
    """Return the communities of the graph of shared neighbours by the Leiden algorithm.

    Traag et al., Scientific Reports 9, 5233 (2019); edges weigh the share of neighbours in common.
    """
    import random

    import igraph
    from sklearn.neighbors import NearestNeighbors

    size = len(points)
    count = min(NEIGHBOURS, size - 1)
    near = NearestNeighbors(n_neighbors=count).fit(points).kneighbors(return_distance=False)
    mine = np.zeros((size, size))
    mine[np.repeat(np.arange(size), count), near.ravel()] = 1
    np.fill_diagonal(mine, 1)
    common = mine @ mine.T
    weight = np.triu(common / (2 * (count + 1) - common), 1) * (mine + mine.T > 0)
    one, other = np.nonzero(weight)
    graph = igraph.Graph(size, list(zip(one.tolist(), other.tolist(), strict=True)))
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = graph.community_leiden(
            "modularity", weights=weight[one, other].tolist(), resolution=level, n_iterations=5
        )
    finally:
        igraph.set_random_number_generator(random)
    return np.asarray(found.membership, np.int64)


PUBLISHED = tuple(range(2, 11))
DEEPER = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
METHODS: Mapping[str, Method] = {
    one.name: one
    for one in (
        Method(
            "paper", "autoencoder and k-means as published, runs differ by seed alone",
            latent, k_means, PUBLISHED, share=1.0, runs=20,
        ),
        Method(
            "autoencoder", "autoencoder and k-means, runs leave out a fifth of the samples",
            latent, k_means, DEEPER,
        ),
        Method("pca", "principal components and k-means", components, k_means, DEEPER),
        Method(
            "nmf", "non-negative matrix factorisation", parts_based, factors, PUBLISHED
        ),
        Method(
            "consensus", "consensus of k-means on parts of the samples", components, consensus,
            PUBLISHED,
        ),
        Method(
            "leiden", "communities of the graph of shared neighbours", components, communities,
            (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0),
        ),
        Method(
            "ica", "independent components, a group is what lies far out on one", white, tails,
            (5, 10, 15, 20, 25, 30),
        ),
    )
}  # fmt: skip


def methods_named(names: tuple[str, ...]) -> tuple[Method, ...]:
    """Return methods by name; `all` is every one.

    Raises:
        QuestionError: There is no such method.
    """
    wanted = [name.casefold() for name in names]
    if "all" in wanted:
        return tuple(METHODS.values())
    for name in wanted:
        if name not in METHODS:
            raise QuestionError(
                f"There is no method {name}; choose among {', '.join(METHODS)} and all."
            )
    return tuple(METHODS[name] for name in dict.fromkeys(wanted))
