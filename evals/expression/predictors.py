"""Everything that is scored, in one place: the baselines, ours, and what ours is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from evals.expression import gears
from evals.expression.gears import Gears
from evals.expression.rivals.network import GeneNetwork
from models.expression.baselines import (
    Additive,
    LinearSelf,
    LinearTransfer,
    NearestNeighbours,
    NoChange,
    RidgeFeatures,
    ScaledAdditive,
    TrainingMean,
)
from models.expression.choice import Chosen
from models.expression.genes import GeneFeatures
from models.expression.kernel import KernelResidual
from models.expression.screens import ExpressionScreen, Predictor

Role = Literal["baseline", "ours", "ablation"]
NO_CHANGE, ADDITIVE, IMPROVED = "no change", "additive", "kernel residual"
LINEAR = "linear, "
"""How the names of the linear models begin."""
PAPER, EXTENDED = "APP, paper", "APP, extended"
ABLATED = ("morphic-prs", "norman-latent", "papalexi")
"""Contexts in which every ablation of the paper's model is trained."""
MANY = 500
"""Perturbations from which on networks, whose size is bounded, and inner choices are left out."""
SHARES = {"10 %": 0.1, "25 %": 0.25}
TRANSFER: Mapping[str, str] = {"replogle-k562": "replogle-rpe1"}
OTHERWISE = "replogle-k562"
"""The other screen whose embeddings a context's linear model transfers."""


class Entry(NamedTuple):
    """A predictor and what it is in the comparison."""

    predictor: Predictor
    role: Role


@dataclass
class Knowledge:
    """What predictors may know that is not of the screen they are fitted to.

    Attributes:
        features: Of genes.
        data: Where networks are read from; `None`: no networks are scored.
        transfer: Other screens, by context.
        networks: Those built so far, by context.
        gears: An opponent that is trained elsewhere, where it was asked for.
    """

    features: GeneFeatures
    data: Path | None = None
    transfer: Mapping[str, ExpressionScreen] = field(default_factory=dict)
    networks: dict[str, GeneNetwork] = field(default_factory=dict)
    gears: Gears | None = None

    def network(self, screen: ExpressionScreen) -> GeneNetwork | None:
        """Return the network around the perturbed genes of a screen."""
        from evals.expression.rivals.network import build_network

        if self.data is None or len(screen) > MANY:
            return None
        if screen.context not in self.networks:
            self.networks[screen.context] = build_network(self.data, screen.genes)
        return self.networks[screen.context]


def entries(
    knowledge: Knowledge, screen: ExpressionScreen, seed: int, *, neural: bool = True
) -> list[Entry]:
    """Return what is scored on a screen, in the order of the tables.

    Args:
        knowledge: What they may know.
        screen: For its context and its perturbed genes; none of its responses is looked at.
        seed: Of degraded networks.
        neural: Whether networks are trained.
    """
    features = knowledge.features
    baselines: list[Predictor] = [
        NoChange(), TrainingMean(), Additive(), ScaledAdditive(), LinearSelf(),
    ]  # fmt: skip
    other = knowledge.transfer.get(TRANSFER.get(screen.context, OTHERWISE))
    if other is not None:
        baselines.append(LinearTransfer(other))
    baselines += [RidgeFeatures(features), NearestNeighbours(features)]
    improved = KernelResidual(features)
    found = [Entry(one, "baseline") for one in baselines]
    if knowledge.gears is not None and screen.context in gears.CONTEXTS:
        # A baseline, as it is one to beat; nothing of ours may choose it.
        found.append(Entry(knowledge.gears, "baseline"))
    found.append(Entry(improved, "ours"))
    if len(screen) <= MANY:
        found.append(Entry(Chosen((improved, *baselines)), "ours"))
    network = knowledge.network(screen) if neural else None
    if network is not None:
        found += _neural(network, features, screen.context, seed)
    return found


def _neural(
    network: GeneNetwork, features: GeneFeatures, context: str, seed: int
) -> Sequence[Entry]:
    """Return the extended and the paper's model and, in some contexts, ablations of that."""
    from evals.expression.rivals import neural
    from evals.expression.rivals.network import degraded

    found = [
        Entry(neural.NeuralApp(EXTENDED, neural.EXTENDED, network, features), "ours"),
        Entry(neural.NeuralApp(PAPER, neural.PAPER, network, features), "ours"),
    ]
    if context not in ABLATED:
        return found
    for name, config in neural.ABLATIONS.items():
        found.append(Entry(neural.NeuralApp(f"APP, {name}", config, network, features), "ablation"))
    for what in ("removed", "added"):
        for share, value in SHARES.items():
            worse = degraded(network, np.random.default_rng(seed), **{what: value})
            name = f"APP, {share} of edges {what}"
            found.append(Entry(neural.NeuralApp(name, neural.PAPER, worse, features), "ablation"))
    return found
