"""Message passing for gene properties: the published GCN and GAT, and what goes beyond them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evals.genen.rivals.reach import Reach, SparseMatrix, WeighedSum

HIDDEN = 64
"""Width of the published networks."""


def linear(inputs: int, outputs: int, generator: torch.Generator, bias: bool = True) -> nn.Linear:
    """Return a layer with Glorot's uniform weights, as both papers use, and a bias of zero."""
    # Made without numbers: the usual way draws some from the global state, only to be replaced.
    with torch.device("meta"):
        layer = nn.Linear(inputs, outputs, bias=bias)
    layer.to_empty(device="cpu")
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own, so that global state plays no part."""

    def __init__(self, share: float, generator: torch.Generator) -> None:
        """Drop a share of the values while training."""
        super().__init__()
        self.share, self.generator = share, generator

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`, thinned and scaled up while training."""
        if not self.training or not self.share:
            return x
        kept = torch.rand(x.shape, generator=self.generator) >= self.share
        return x * kept.to(x.dtype).div_(1 - self.share)


class GraphNetwork(nn.Module):
    """A network that gives the outputs of the nodes asked for `(rows, outputs)`."""


class Convolution(nn.Module):
    """One layer of a graph convolutional network without its nonlinearity, `A^ H W + b`."""

    def __init__(
        self, operator: SparseMatrix, inputs: int, outputs: int, generator: torch.Generator
    ) -> None:
        """Return an untrained layer."""
        super().__init__()
        self.operator = operator
        self.project = linear(inputs, outputs, generator, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return what arrives, multiplied by the weights first, since they narrow."""
        arrived: Tensor = self.operator @ self.project(x)
        return arrived + self.bias


class Gcn(GraphNetwork):
    """The graph convolutional network of Kipf & Welling (2017), in Genen's published settings.

    Three layers `H' = ReLU(A^ H W + b)`, `A^ = D^-1/2 (A + I) D^-1/2`, of width 64, the last of
    which gives the outputs and has no ReLU; dropout of .5 on the hidden layers. `A^ X` of the first
    layer is multiplied out beforehand, so that there is no dropout on the input.
    """

    def __init__(
        self, reach: Reach, aggregated: Tensor, outputs: int, generator: torch.Generator
    ) -> None:
        """Return an untrained network.

        Args:
            reach: Two hops of `A^`.
            aggregated: `A^ X` of the outermost nodes `(nodes, d)`.
            outputs: Columns to predict.
            generator: Draws weights and dropout.
        """
        super().__init__()
        self.aggregated = aggregated
        self.first = linear(aggregated.shape[1], HIDDEN, generator)
        self.middle = Convolution(reach.operators[0], HIDDEN, HIDDEN, generator)
        self.last = Convolution(reach.operators[1], HIDDEN, outputs, generator)
        self.dropout = Dropout(0.5, generator)

    def forward(self) -> Tensor:
        """Return the outputs of the nodes asked for."""
        state = self.dropout(F.relu(self.first(self.aggregated)))
        state = self.dropout(F.relu(self.middle(state)))
        outputs: Tensor = self.last(state)
        return outputs


class Attention(nn.Module):
    """One layer of a graph attention network (Velickovic et al., 2018, equations 1 to 6).

    `h'_i = sum_j a_ij W h_j` over the neighbours j of i and i itself, `a_ij` the softmax over j of
    `LeakyReLU(a1 . W h_i + a2 . W h_j)`, for each head apart.
    """

    def __init__(
        self,
        edges: WeighedSum,
        own: Tensor,
        inputs: int,
        width: int,
        heads: int,
        generator: torch.Generator,
    ) -> None:
        """Return an untrained layer.

        Args:
            edges: Who attends to whom, each node to itself too.
            own: Where the targets are among the sources `(targets,)`.
            inputs: Features of a source.
            width: Features that a head gives.
            heads: How many there are.
            generator: Draws weights and dropout.
        """
        super().__init__()
        self.edges, self.own, self.heads, self.width = edges, own, heads, width
        self.project = linear(inputs, heads * width, generator, bias=False)
        self.towards, self.away = (
            nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, width), generator=generator))
            for _ in range(2)
        )
        self.dropout = Dropout(0.6, generator)

    def weights(self, projected: Tensor) -> Tensor:
        """Return the attention of every edge `(heads, edges)`; that of a target sums to one.

        Args:
            projected: `W h` of the sources `(heads, sources, width)`.
        """
        one = torch.ones(self.heads, self.edges.shape[1], 1)
        towards, away = (
            (projected @ vector[:, :, None])[:, :, 0] for vector in (self.towards, self.away)
        )
        towards = towards.index_select(1, self.own)
        # LeakyReLU rises, so that no logit of a target is above this: what is raised is below 1.
        # It cancels, and needs no gradient.
        top = F.leaky_relu(towards + away.amax(1, keepdim=True), 0.2).detach()
        logits = F.leaky_relu(self.edges.at_target(towards) + self.edges.at_source(away), 0.2)
        raised = torch.exp(logits - self.edges.at_target(top))
        total = self.edges(raised, one)[:, :, 0].clamp_min(1e-30)
        return raised / self.edges.at_target(total)

    def forward(self, x: Tensor) -> Tensor:
        """Return what arrives at the targets `(targets, heads * width)`."""
        projected = self.project(x).view(-1, self.heads, self.width).transpose(0, 1).contiguous()
        summed = self.edges(self.dropout(self.weights(projected)), projected)
        return summed.transpose(0, 1).reshape(-1, self.heads * self.width)


class Gat(GraphNetwork):
    """The graph attention network of Velickovic et al. (2018), in Genen's published settings.

    Two layers: 8 heads of 8 units, concatenated to 64, ELU, and one head for the outputs. Dropout
    of .6 on the hidden layer and on the attention of both layers.
    """

    HEADS = 8

    def __init__(self, reach: Reach, x: Tensor, outputs: int, generator: torch.Generator) -> None:
        """Return an untrained network.

        Args:
            reach: Two hops of edges with self-loops.
            x: Features of the outermost nodes `(nodes, d)`.
            outputs: Columns to predict.
            generator: Draws weights and dropout.
        """
        super().__init__()
        self.x = x
        (outer, inner), (among_outer, among_inner) = reach.sums, reach.own
        width = HIDDEN // self.HEADS
        self.first = Attention(outer, among_outer, x.shape[1], width, self.HEADS, generator)
        self.last = Attention(inner, among_inner, HIDDEN, outputs, 1, generator)
        self.bias = nn.ParameterList([torch.zeros(HIDDEN), torch.zeros(outputs)])
        self.dropout = Dropout(0.6, generator)

    def forward(self) -> Tensor:
        """Return the outputs of the nodes asked for."""
        state = self.dropout(F.elu(self.first(self.x) + self.bias[0]))
        outputs: Tensor = self.last(state) + self.bias[1]
        return outputs


class ResidualNetwork(GraphNetwork):
    """A deeper graph convolution: own text apart, weighted edges, residuals, jumping knowledge.

    The first layer reads a node's own features beside their weighted mean over the neighbourhood;
    each of the next two adds to the state what it has to say (He et al., 2016); the outputs read
    the states after every layer (Xu et al., 2018, concatenation).
    """

    def __init__(self, reach: Reach, x: Tensor, outputs: int, generator: torch.Generator) -> None:
        """Return an untrained network.

        Args:
            reach: Two hops of `A^`, its edges weighted.
            x: Features of the outermost nodes and their `A^ X`, side by side `(nodes, 2 d)`.
            outputs: Columns to predict.
            generator: Draws weights and dropout.
        """
        super().__init__()
        self.reach, self.x = reach, x
        self.enter = linear(x.shape[1], HIDDEN, generator)
        self.layers = nn.ModuleList(linear(HIDDEN, HIDDEN, generator) for _ in reach.operators)
        self.leave = linear(HIDDEN * (len(reach.operators) + 1), outputs, generator)
        self.dropout = Dropout(0.5, generator)

    def forward(self) -> Tensor:
        """Return the outputs of the nodes asked for."""
        states = [self.dropout(F.relu(self.enter(self.x)))]
        for layer, operator, own in zip(
            self.layers, self.reach.operators, self.reach.own, strict=True
        ):
            added = self.dropout(F.relu(operator @ layer(states[-1])))
            states = [state[own] for state in states]
            states.append(states[-1] + added)
        outputs: Tensor = self.leave(torch.cat(states, dim=1))
        return outputs


@dataclass(frozen=True, eq=False)
class Channel:
    """One reason to weigh the edges of a relation, with all that does not depend on weights.

    Attributes:
        aggregated: Mean of the features over the neighbours of the inner nodes `(nodes, d)`.
        operator: Mean over the neighbours of the nodes asked for, from the inner nodes.
    """

    aggregated: Tensor
    operator: SparseMatrix


class RelationalNetwork(GraphNetwork):
    """A relational graph convolution (Schlichtkrull et al., 2018) that learns what edges weigh.

    `H' = ReLU(H W_0 + sum_r (sum_c t_rc A_rc) H W_r)` with weights of its own for each relation r,
    and a learned weight `t_rc > 0` for each of the relation's channels c, such as a database that
    reports the interaction. Two layers; the outputs read the states of both.
    """

    def __init__(
        self,
        relations: Sequence[Sequence[Channel]],
        x: Tensor,
        own: Tensor,
        outputs: int,
        generator: torch.Generator,
    ) -> None:
        """Return an untrained network.

        Args:
            relations: The channels of each.
            x: Features of the inner nodes `(nodes, d)`.
            own: Where the nodes asked for are among the inner ones `(rows,)`.
            outputs: Columns to predict.
            generator: Draws weights and dropout.
        """
        super().__init__()
        self.relations, self.x, self.own = relations, x, own
        self.itself = linear(x.shape[1], HIDDEN, generator)
        self.first = nn.ModuleList(linear(x.shape[1], HIDDEN, generator, False) for _ in relations)
        self.again = linear(HIDDEN, HIDDEN, generator)
        self.second = nn.ModuleList(linear(HIDDEN, HIDDEN, generator, False) for _ in relations)
        self.leave = linear(2 * HIDDEN, outputs, generator)
        # softplus(.54) = 1: every channel starts with the weight that it is given.
        self.channel = nn.ParameterList(
            nn.Parameter(torch.full((2, len(channels)), 0.5413)) for channels in relations
        )
        self.dropout = Dropout(0.5, generator)

    def forward(self) -> Tensor:
        """Return the outputs of the nodes asked for."""
        state = self.itself(self.x)
        for channels, layer, raw in zip(self.relations, self.first, self.channel, strict=True):
            weight = F.softplus(raw[0])
            parts = [w * c.aggregated for w, c in zip(weight, channels, strict=True)]
            state = state + layer(torch.stack(parts).sum(0))
        state = self.dropout(F.relu(state))
        final = self.again(state[self.own])
        for channels, layer, raw in zip(self.relations, self.second, self.channel, strict=True):
            weight, projected = F.softplus(raw[1]), layer(state)
            for share, one in zip(weight, channels, strict=True):
                final = final + share * (one.operator @ projected)
        final = self.dropout(F.relu(final))
        outputs: Tensor = self.leave(torch.cat([state[self.own], final], dim=1))
        return outputs
