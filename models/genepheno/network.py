"""From functions to phenotypes: a linear layer of low rank, trained to rank a gene's terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import Frozen
from models.genepheno.losses import contrastive, exclusivity
from models.genepheno.ontology import IntArray, children_first

if TYPE_CHECKING:
    from torch import Tensor

FloatArray: TypeAlias = NDArray[np.float32]


class HeadSettings(Frozen):
    """How functions are turned into phenotypes.

    Attributes:
        shrinkage: Weight of the squared layer, in rows of typical length.
        contrastive: Weight of the contrastive loss beside the squared error; 0 leaves it out.
        temperature: Differences of probability of so much count as one in the contrastive loss.
        exclusivity: Weight of the exclusivity regulariser; 0 leaves it out.
        gain: What a predicted function's departure from its mean is multiplied with: predicted
            functions vary less than annotated ones, which the layer learns from.
        epochs: Passes over the genes after the closed-form start.
        rate: Learning rate of Adam.
        batch: Genes per step.
    """

    shrinkage: float = 80.0
    contrastive: float = 5.0
    temperature: float = 0.05
    exclusivity: float = 30.0
    gain: float = 2.5
    epochs: int = 4
    rate: float = 1e-3
    batch: int = 256


@dataclass(frozen=True, eq=False, slots=True)
class Head:
    """A linear layer from latent functions to phenotypes.

    Attributes:
        layer: `(rank, terms)`.
        prior: Share of the genes learnt from that have each term `(terms,)`.
        gain: What predicted functions are multiplied with; annotated ones are taken as they are.
    """

    layer: FloatArray
    prior: FloatArray
    gain: float

    def scores(self, latent: FloatArray, *, annotated: bool = False) -> FloatArray:
        """Return the share of genes with each term, moved by the functions `(genes, terms)`.

        Args:
            latent: Functions, 0 for the average gene `(genes, rank)`.
            annotated: Whether they are known and not predicted.
        """
        gain = 1.0 if annotated else self.gain
        return np.asarray(self.prior + gain * (latent @ self.layer), np.float32)


def probabilities(
    scores: FloatArray,
    prior: FloatArray,
    parents: Sequence[IntArray],
    order: IntArray | None = None,
) -> FloatArray:
    """Return scores as probabilities, each term's the highest of its own and its children's.

    Below its prior a score approaches 0 without reaching it, so that genes stay ranked.

    Args:
        scores: `(genes, terms)`.
        prior: Share of genes with each term `(terms,)`.
        parents: Rows of each term's parents.
        order: What `children_first` returned for them, if it is at hand.
    """
    below = prior * np.exp(np.minimum(scores - prior, 0.0) / np.maximum(prior, 1e-6))
    columns = np.where(scores < prior, below, np.minimum(scores, 1.0)).T.astype(np.float32)
    for term in children_first(parents) if order is None else order:
        for parent in parents[term]:
            np.maximum(columns[parent], columns[term], out=columns[parent])
    return columns.T


def fitted_head(
    latent: FloatArray,
    labels: FloatArray,
    prior: FloatArray,
    pairs: IntArray,
    rate: float,
    settings: HeadSettings,
    seed: int,
) -> Head:
    """Return the layer that lowers squared error, contrastive loss and exclusivity together.

    It starts from the ridge regression, which is exact for the squared error alone. All rows are
    brought to the typical length first: a gene on which much was written counts no more.

    Args:
        latent: Functions of genes `(genes, rank)`, 0 for the mean gene.
        labels: Their phenotypes, 0 or 1 `(genes, terms)`.
        prior: Share of genes with each term `(terms,)`.
        pairs: Columns of opposites `(pairs, 2)`.
        rate: Measured share of the cases with either opposite that have both.
        settings: Weights of the losses.
        seed: Of the order in which genes are seen.
    """
    import torch

    x, y = torch.from_numpy(latent), torch.from_numpy(labels)
    lengths = (x * x).sum(1, keepdim=True).sqrt()
    size = float((lengths * lengths).mean()) or 1.0
    x = x * (size**0.5 / lengths.clamp(min=1e-6))
    penalty = settings.shrinkage * size
    centre = x.mean(0)
    system = (x - centre).T @ (x - centre) + penalty * torch.eye(x.shape[1])
    layer = torch.linalg.solve(system, (x - centre).T @ (y - y.mean(0)))
    if settings.contrastive or settings.exclusivity:
        layer = _refined(layer, x - centre, y, prior, pairs, rate, settings, penalty, seed)
    return Head(layer.numpy(), np.asarray(prior, np.float32), settings.gain)


def _refined(
    start: "Tensor",
    x: "Tensor",
    y: "Tensor",
    prior: FloatArray,
    pairs: IntArray,
    rate: float,
    settings: HeadSettings,
    penalty: float,
    seed: int,
) -> "Tensor":
    """Return the layer after Adam on all losses; for its steps, rows are brought to unit length."""
    import torch

    length = (x * x).sum(1).mean().sqrt().clamp(min=1e-6)
    x = x / length
    layer = (start * length).requires_grad_()
    base, columns = torch.from_numpy(np.asarray(prior, np.float32)), torch.from_numpy(pairs)
    optimizer = torch.optim.Adam([layer], settings.rate)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(settings.epochs):
        for rows in torch.split(torch.randperm(len(x), generator=generator), settings.batch):
            scores, known = base + x[rows] @ layer, y[rows]
            loss = ((scores - known) ** 2).sum(1).mean()
            loss = loss + penalty / len(x) * ((layer / length) ** 2).sum()
            if settings.contrastive:
                ranked = contrastive(scores, known, settings.temperature)
                loss = loss + settings.contrastive * ranked
            if settings.exclusivity and len(columns):
                both = exclusivity(scores.clamp(0, 1), columns, rate)
                loss = loss + settings.exclusivity * both
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return (layer.detach() / length).contiguous()
