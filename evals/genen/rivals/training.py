"""The one loop that trains graph networks, whatever the kind of property."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional as F

from evals.genen.inputs import GeneInputs
from evals.genen.rivals.convolution import (
    Channel,
    Gat,
    Gcn,
    GraphNetwork,
    RelationalNetwork,
    ResidualNetwork,
)
from evals.genen.rivals.features import node_features
from evals.genen.rivals.predictor import as_scores, targets
from evals.genen.rivals.propagation import (
    NEAREST,
    adjacency,
    mean_of_neighbours,
    relation_matrix,
    strongest,
    symmetric,
)
from evals.genen.rivals.reach import IntArray, Reach, SparseMatrix
from models.genen.labels import PropertyTask
from models.genen.splits import Split
from models.genen.texts import FloatArray

Build = Callable[[int, torch.Generator], GraphNetwork]
"""Makes an untrained network with so many outputs."""
Prepare = Callable[[GeneInputs, IntArray], Build]
"""Computes what networks over the same nodes share."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained.

    Attributes:
        learning_rate: Of Adam.
        weight_decay: Of Adam.
        steps: Full-batch steps at most.
        every: Steps from one look at the validation genes to the next.
        patience: Looks without a better one before training stops.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    steps: int = 100
    every: int = 10
    patience: int = 2


@dataclass(frozen=True, slots=True)
class NetworkPredictor:
    """A graph network as a predictor: one is trained for each split, from the split's own seed.

    The scores are those of the step at which the loss on the validation genes was lowest. Published
    runs had no validation genes and gave the scores of the last epoch.

    Attributes:
        name: What tables call it.
        prepare: Computes what the networks of a task share.
        recipe: How they are trained.
    """

    name: str
    prepare: Prepare
    recipe: Recipe = Recipe()

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return the scores of every gene of the task for each split."""
        build = self.prepare(inputs, inputs.graph.rows(task.genes))
        return [as_scores(task, trained(build, task, split, self.recipe)) for split in splits]


def trained(build: Build, task: PropertyTask, split: Split, recipe: Recipe) -> FloatArray:
    """Return what a network trained on a split predicts for all rows `(rows, outputs)`."""
    values = targets(task)
    mean, deviation = np.float32(0), np.float32(1)
    if task.kind == "regression":
        mean, deviation = values[split.train].mean(0), values[split.train].std(0)
    wanted = torch.from_numpy((values - mean) / np.maximum(deviation, np.float32(1e-6)))
    train, validation = torch.from_numpy(split.train), torch.from_numpy(split.validation)
    network = build(wanted.shape[1], torch.Generator().manual_seed(split.seed))
    optimiser = torch.optim.Adam(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    lowest, best, worse = np.inf, torch.zeros_like(wanted), 0
    for step in range(1, recipe.steps + 1):
        network.train()
        optimiser.zero_grad()
        _loss(task, network()[train], wanted[train]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % recipe.every:
            continue
        network.eval()
        with torch.no_grad():
            outputs = network()
            loss = float(_loss(task, outputs[validation], wanted[validation]))
        if loss < lowest:
            lowest, best, worse = loss, outputs, 0
        elif (worse := worse + 1) >= recipe.patience:
            break
    if task.kind == "multiclass":
        return np.asarray(best.softmax(1).numpy(), np.float32)
    if task.kind == "regression":
        return np.asarray(best.numpy() * deviation + mean, np.float32)
    return np.asarray(best.sigmoid().numpy(), np.float32)


def _loss(task: PropertyTask, outputs: Tensor, wanted: Tensor) -> Tensor:
    if task.kind == "multiclass":
        return F.cross_entropy(outputs, wanted.argmax(1))
    if task.kind == "regression":
        return F.mse_loss(outputs, wanted)
    return F.binary_cross_entropy_with_logits(outputs, wanted)


@lru_cache(maxsize=4)
def _convolution(inputs: GeneInputs, weighted: bool) -> tuple[sparse.csr_array, FloatArray]:
    """Return `A^` and `A^ X` of all nodes."""
    operator = symmetric(adjacency(inputs.graph, weighted, NEAREST))
    return operator, np.asarray(operator @ node_features(inputs), np.float32)


def gcn(inputs: GeneInputs, rows: IntArray) -> Build:
    """Return what makes a published GCN: every edge weighs one."""
    operator, aggregated = _convolution(inputs, weighted=False)
    reach = Reach.of(operator, rows, 2)
    x = torch.from_numpy(aggregated[reach.nodes[-1]])
    return lambda outputs, generator: Gcn(reach, x, outputs, generator)


def residual(inputs: GeneInputs, rows: IntArray) -> Build:
    """Return what makes a residual network with jumping knowledge over weighted edges."""
    operator, aggregated = _convolution(inputs, weighted=True)
    reach = Reach.of(operator, rows, 2)
    outer = reach.nodes[-1]
    x = torch.from_numpy(np.concatenate([node_features(inputs)[outer], aggregated[outer]], axis=1))
    return lambda outputs, generator: ResidualNetwork(reach, x, outputs, generator)


def gat(inputs: GeneInputs, rows: IntArray) -> Build:
    """Return what makes a published GAT."""
    operator, _ = _convolution(inputs, weighted=False)
    reach = Reach.of(operator, rows, 2)
    x = torch.from_numpy(node_features(inputs)[reach.nodes[-1]])
    return lambda outputs, generator: Gat(reach, x, outputs, generator)


def relational(inputs: GeneInputs, rows: IntArray) -> Build:
    """Return what makes a relational network that learns what each kind of edge weighs."""
    graph, features = inputs.graph, node_features(inputs)
    matrices = [
        [
            mean_of_neighbours(
                strongest(relation_matrix(graph, relation, relation.features[:, channel]), NEAREST)
            )
            for channel in range(len(relation.channels))
        ]
        for relation in graph.relations
    ]
    inner = rows
    for channels in matrices:
        for matrix in channels:
            inner = np.union1d(inner, matrix[rows].indices)
    found = [
        [
            Channel(
                torch.from_numpy(np.asarray(matrix[inner] @ features, np.float32)),
                SparseMatrix(matrix[rows][:, inner].tocsr()),
            )
            for matrix in channels
        ]
        for channels in matrices
    ]
    x = torch.from_numpy(features[inner])
    own = torch.from_numpy(np.searchsorted(inner, rows))
    return lambda outputs, generator: RelationalNetwork(found, x, own, outputs, generator)


# Five times the published GCN's rate, which is the rate of the attention network's own paper, takes
# a fifth of the steps.
FASTER = Recipe(learning_rate=5e-3, steps=50, every=5, patience=3)
GCN = NetworkPredictor("GCN", gcn)
GAT = NetworkPredictor("GAT", gat, FASTER)
RESIDUAL = NetworkPredictor("residual GCN", residual, FASTER)
RELATIONAL = NetworkPredictor("relational GCN", relational, FASTER)
NETWORKS = (GCN, GAT, RESIDUAL, RELATIONAL)
"""Every network, the published ones first."""
