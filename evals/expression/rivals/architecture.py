"""The AdaptivePerturbPredictor: its equations, and the options that go beyond them.

`AppConfig()` is the published model. Genes are nodes of a network; their states spread over it, the
perturbed genes decide which states are attended to, and the attended state is decoded into the
change of every readout. No state of a gene depends on what is perturbed, so the network is run
once for all perturbations.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from knowledge.schema import Frozen

Aggregation = Literal["sum", "mean", "max"]
Part = Literal["attended", "context", "spread"]
Embedding = Literal["learned", "random", "features"]


class AppConfig(Frozen):
    """Which model: every ablation of the paper and every extension is one of these.

    Attributes:
        embedding: First state of each gene: `learned` freely (one-hot genes times a matrix),
            `random` and left so, or projected from what is known of the gene (`features`).
        layers: Of the graph network; 0: none.
        attention: Size of the attention's hidden layer; 0: none, the state is the mean over the
            perturbed genes (a mean over all genes would be the same for every perturbation).
        decoder: One linear map, or a hidden layer of `hidden` units before it.
        state: What is decoded: the attended state `s`, the mean `context` of the perturbed genes,
            how far they `spread` about it (zero for a single gene).
        rank: Decode into so many directions of the training responses; `None`: into each readout.
        responses: Directions of the measured single responses that are shown in the genes' first
            states, those to be predicted masked; 0: none.
        base: Learn what is left beyond the `mean` of the single responses and, for several genes,
            their scaled sum.
        loss: Squared error, or the mean `distance` that models are scored by.
        held_out: One in so many training perturbations is held out to stop early by; 0: none.
        members: Models, each with its own seed and held-out part, that are averaged.
    """

    embedding: Embedding = "learned"
    width: int = 32
    layers: int = 2
    aggregation: Aggregation = "mean"
    attention: int = 16
    decoder: Literal["linear", "mlp"] = "linear"
    hidden: int = 48
    state: tuple[Part, ...] = ("attended",)
    rank: int | None = None
    responses: int = 0
    base: Literal["none", "sum"] = "none"
    dropout: float = 0.0
    loss: Literal["squared", "distance"] = "squared"
    learning_rate: float = 5e-3
    weight_decay: float = 1e-4
    epochs: int = 200
    patience: int = 25
    held_out: int = 5
    members: int = 1


class GeneEncoder(nn.Module):
    """Equation (3): the state of every gene after `layers` rounds of messages."""

    def __init__(self, config: AppConfig, genes: int, features: Tensor | None = None) -> None:
        super().__init__()
        self.aggregation = config.aggregation
        self.features: Tensor | None
        self.embedding: Any = None
        self.project: nn.Linear | None = None
        self.show: nn.Linear | None = None
        if config.embedding == "features":
            if features is None:
                raise ValueError("embedding is `features`, but there are none")
            self.register_buffer("features", features)
            self.project = nn.Linear(features.shape[1], config.width)
        else:
            drawn = torch.randn(genes, config.width)
            self.register_buffer("features", None)
            self.embedding = nn.Parameter(drawn, requires_grad=config.embedding == "learned")
        if config.responses:
            self.show = nn.Linear(config.responses + 1, config.width, bias=False)
        self.layers = nn.ModuleList(
            nn.Linear(config.width, config.width) for _ in range(config.layers)
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, edges: Tensor, shown: Tensor | None = None) -> Tensor:
        """Return the states of all genes `(genes, width)`.

        Args:
            edges: Source and target of every edge in both directions `(2, edges)`.
            shown: Measured responses and whether there is one `(genes, responses + 1)`.
        """
        from torch_geometric.nn import SimpleConv  # takes three seconds; predicting needs none

        aggregate = SimpleConv(aggr=self.aggregation)
        states: Tensor = self.project(self.features) if self.project is not None else self.embedding
        if self.show is not None and shown is not None:
            states = states + self.show(shown)
        for layer in self.layers:
            states = torch.relu(layer(self.dropout(states + aggregate(states, edges))))
        return states


class PerturbationDecoder(nn.Module):
    """Equations (4) to (7): from the states of genes to the change of every readout."""

    basis: Tensor | None

    def __init__(self, config: AppConfig, readouts: int, basis: Tensor | None = None) -> None:
        super().__init__()
        self.parts = config.state if config.attention else ("context", *config.state[1:])
        self.attends = bool(config.attention)
        if self.attends:
            self.of_context = nn.Linear(config.width, config.attention, bias=False)
            self.of_gene = nn.Linear(config.width, config.attention)
            self.energy = nn.Linear(config.attention, 1, bias=False)
        size = config.width * len(self.parts)
        out = readouts if basis is None else len(basis)
        self.dropout = nn.Dropout(config.dropout)
        self.decode: nn.Module = nn.Linear(size, out)
        if config.decoder == "mlp":
            self.decode = nn.Sequential(
                nn.Linear(size, config.hidden),
                nn.ReLU(),
                nn.Dropout(config.dropout),
                nn.Linear(config.hidden, out),
            )
        self.register_buffer("basis", basis)

    def attention(self, states: Tensor, members: Tensor) -> Tensor:
        """Return how much each perturbation attends to each gene `(perturbations, genes)`.

        Args:
            states: `(genes, width)`.
            members: 1 over the number of perturbed genes where a gene is perturbed
                `(perturbations, genes)`.
        """
        if not self.attends:
            return members
        context = self.of_context(members @ states)
        hidden = torch.tanh(context[:, None] + self.of_gene(states)[None])
        return torch.softmax(self.energy(hidden)[..., 0], dim=1)

    def forward(self, states: Tensor, members: Tensor) -> Tensor:
        """Return the change of every readout `(perturbations, readouts)`; arguments as above."""
        context = members @ states
        found = []
        for part in self.parts:
            if part == "attended":
                found.append(self.attention(states, members) @ states)
            elif part == "context":
                found.append(context)
            else:
                found.append(members @ states.square() - context.square())
        decoded: Tensor = self.decode(self.dropout(torch.cat(found, dim=1)))
        return decoded if self.basis is None else decoded @ self.basis


class AdaptivePerturbPredictor(nn.Module):
    """The whole model.

    Args:
        config: Which.
        genes: Of the network.
        readouts: To be predicted.
        features: What is known of each gene `(genes, dimensions)`, where the config asks for it.
        basis: Directions of the training responses `(rank, readouts)`, likewise.
    """

    def __init__(
        self,
        config: AppConfig,
        genes: int,
        readouts: int,
        features: Tensor | None = None,
        basis: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.encoder = GeneEncoder(config, genes, features)
        self.decoder = PerturbationDecoder(config, readouts, basis)

    def forward(self, edges: Tensor, members: Tensor, shown: Tensor | None = None) -> Tensor:
        """Return the change of every readout `(perturbations, readouts)`."""
        change: Tensor = self.decoder(self.encoder(edges, shown), members)
        return change
