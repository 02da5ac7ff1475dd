"""Trains the AdaptivePerturbPredictor: what it learns beyond the singles, and when it stops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evals.expression.rivals.architecture import AdaptivePerturbPredictor, AppConfig
from evals.expression.rivals.network import GeneNetwork
from models.expression.genes import GeneFeatures
from models.expression.screens import ExpressionScreen, FloatArray, Genes, IntArray

BATCH = 256
"""Perturbations at a time; attention holds a number per gene and hidden unit for each."""
MASKED = 0.3
"""Share of the single perturbations whose responses are hidden, and predicted, in one epoch."""


@dataclass(frozen=True, slots=True)
class SumOfSingles:
    """What is expected before any network: the mean single response, or a scaled sum of singles.

    Attributes:
        mean: Of the single responses, nearer to zero the less they agree `(readouts,)`.
        genes: Whose single responses were measured.
        single: Those responses `(genes, readouts)`.
        scale: Of sums; about one where genes do not interact.
    """

    mean: FloatArray
    genes: tuple[str, ...]
    single: FloatArray
    scale: float

    @classmethod
    def of(cls, screen: ExpressionScreen) -> "SumOfSingles":
        """Fit to the rows of `screen`."""
        alone = screen.rows(several=False)
        genes = tuple(screen.perturbations[row][0] for row in alone)
        mean = _shrunk_mean(screen.response[alone if len(alone) else slice(None)])
        plain = cls(mean, genes, screen.response[alone], 1.0)
        pairs = screen.rows(several=True)
        if not len(pairs):
            return plain
        sums = plain.predict([screen.perturbations[row] for row in pairs])
        scale = float((sums * screen.response[pairs]).sum() / max(float((sums**2).sum()), 1e-12))
        return cls(mean, genes, plain.single, scale)

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return the expected change `(perturbations, readouts)`; unmeasured singles: the mean."""
        index = {gene: row for row, gene in enumerate(self.genes)}
        known = np.concatenate([self.single, self.mean[None]])
        rows = [
            self.scale * known[[index.get(gene, -1) for gene in genes]].sum(0)
            if len(genes) > 1
            else self.mean
            for genes in perturbations
        ]
        return np.array(rows, np.float32).reshape(len(perturbations), len(self.mean))


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is trained on.

    Attributes:
        edges: `(2, edges)`.
        members: `(perturbations, genes)`.
        target: `(perturbations, readouts)`, of about unit size.
        scale: What the target was divided by.
        basis: Directions of the target, `None`: each readout for itself.
        several: Which perturbations are of several genes `(perturbations,)`.
        shown: Measured single responses by gene, `None`: they are not shown.
    """

    edges: Tensor
    members: Tensor
    target: Tensor
    scale: float
    basis: Tensor | None
    several: Tensor
    shown: Tensor | None

    @classmethod
    def of(
        cls,
        config: AppConfig,
        network: GeneNetwork,
        screen: ExpressionScreen,
        base: SumOfSingles | None,
    ) -> "Task":
        """Return what a model of `config` learns from `screen`."""
        target = screen.response
        if base is not None:
            target = target - base.predict(screen.perturbations)
        scale = max(float(np.sqrt(np.mean(target**2))), 1e-6)
        target = target / scale
        basis: Tensor | None = None
        shown: Tensor | None = None
        if config.rank is not None:
            basis = torch.from_numpy(_directions(target, config.rank)[1])
        if config.responses:
            alone = screen.rows(several=False)
            found, _ = _directions(target[alone], config.responses)
            table = np.zeros((len(network.symbols), config.responses + 1), np.float32)
            rows = network.rows([screen.perturbations[row][0] for row in alone])
            table[rows, : found.shape[1]] = found
            table[rows, -1] = 1.0
            shown = torch.from_numpy(table)
        several = torch.tensor([len(genes) > 1 for genes in screen.perturbations])
        return cls(
            torch.from_numpy(np.ascontiguousarray(network.edge_index)),
            member_rows(network, screen.perturbations),
            torch.from_numpy(np.ascontiguousarray(target, np.float32)),
            scale,
            basis,
            several,
            shown,
        )

    def without(self, hidden: Tensor) -> Tensor | None:
        """Return what is shown while the single responses of rows `hidden` are to be predicted."""
        if self.shown is None:
            return None
        genes = (self.members[hidden & ~self.several] > 0).any(0)
        return torch.where(genes[:, None], 0.0, self.shown)

    def passes(self, rows: Tensor, hidden: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        """Return which rows to predict, and from what; no row is predicted from itself.

        Args:
            rows: To be predicted (a mask, as `hidden`).
            hidden: Whose single responses are not to be shown where one of them is predicted.
        """
        if self.shown is None:
            return [(rows, None)]
        # Those of several genes are predicted from all single responses, as they will be.
        parts = [(rows & ~self.several & hidden, self.without(hidden))]
        parts.append((rows & self.several, self.shown))
        return [(part, shown) for part, shown in parts if part.any()]


def train(model: AdaptivePerturbPredictor, task: Task, held_out: Tensor, config: AppConfig) -> None:
    """Train with Adam and leave the weights of the epoch that did best on `held_out`."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(
        trainable, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    best, since, kept = np.inf, 0, None
    for _ in range(config.epochs):
        model.train()
        masked = held_out | (torch.rand(len(held_out)) < MASKED)
        for part, shown in task.passes(~held_out, masked):
            rows = torch.nonzero(part)[:, 0]
            for batch in torch.split(rows[torch.randperm(len(rows))], BATCH):
                optimizer.zero_grad()
                found = model(task.edges, task.members[batch], shown)
                torch.autograd.backward(_loss(found, task.target[batch], config))
                optimizer.step()
        if not held_out.any():
            continue
        model.eval()
        with torch.no_grad():
            losses = [
                float(
                    _loss(model(task.edges, task.members[part], shown), task.target[part], config)
                )
                * int(part.sum())
                for part, shown in task.passes(held_out, held_out)
            ]
        since += 1
        if sum(losses) < best:
            best, since = sum(losses), 0
            kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        if since >= config.patience:
            break
    if kept is not None:
        model.load_state_dict(kept)


def _loss(found: Tensor, target: Tensor, config: AppConfig) -> Tensor:
    squared = (found - target).square().mean(1)
    return (squared if config.loss == "squared" else (squared + 1e-8).sqrt()).mean()


def member_rows(network: GeneNetwork, perturbations: Sequence[Genes]) -> Tensor:
    """Return 1 over the number of genes where a gene is perturbed `(perturbations, genes)`.

    Raises:
        UnknownGeneError: A gene is outside the network; the sentence names it.
    """
    members = torch.zeros(len(perturbations), len(network.symbols))
    for row, genes in enumerate(perturbations):
        members[row, torch.from_numpy(network.rows(genes))] = 1 / len(genes)
    return members


def _shrunk_mean(rows: FloatArray) -> FloatArray:
    """Return the mean times what predicts each row best from the mean of the others."""
    if len(rows) < 2:
        return np.asarray(rows.mean(0))
    mean = rows.mean(0)
    others = (len(rows) * mean - rows) / (len(rows) - 1)
    share = (others * rows).sum() / max(float((others**2).sum()), 1e-12)
    return np.asarray(mean * np.float32(np.clip(share, 0, 1)))


def network_features(features: GeneFeatures, network: GeneNetwork) -> FloatArray:
    """Return the features of the network's genes, of about unit size; none known: zeros."""
    known = [row for row, gene in enumerate(network.symbols) if gene in features.index]
    vectors = np.zeros((len(network.symbols), features.vectors.shape[1]), np.float32)
    vectors[known] = features.of([network.symbols[row] for row in known])
    return vectors * np.float32(np.sqrt(vectors.shape[1]))


def _directions(rows: FloatArray, rank: int) -> tuple[FloatArray, FloatArray]:
    """Return `rows` as coordinates of about unit size `(rows, rank)`, and what they are along."""
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    rank = min(rank, len(singular))
    size = np.sqrt(len(rows))
    scaled = singular[:rank, None] / size * right[:rank]
    return (left[:, :rank] * size).astype(np.float32), scaled.astype(np.float32)


def held_out_parts(screen: ExpressionScreen, parts: int, seed: int) -> Tensor:
    """Return a part for every row, single and several genes spread alike; -1: none is held out."""
    if not parts or len(screen) < 2 * parts:
        return torch.full((len(screen),), -1)
    rng = np.random.default_rng(seed)
    part = np.empty(len(screen), np.int64)
    for several in (False, True):
        rows: IntArray = screen.rows(several)
        part[rng.permutation(rows)] = np.arange(len(rows)) % parts
    return torch.from_numpy(part)
