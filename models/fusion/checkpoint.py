"""What fusion weights store: two heads for each knowledge scope, and the habits of genes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import Frozen
from models import checkpoint
from models.checkpoint import Format, Shapes
from models.fusion.habit import LossHabit

WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "fusion"
Floats = NDArray[np.float64]
Scope = Literal["starter", "full"]


class Head(Frozen):
    """`logit(p) = bias + sum of weights[name] * feature[name]`, see `posterior.features`."""

    bias: float
    weights: Mapping[str, float]

    def logit(self, found: Mapping[str, Floats]) -> Floats:
        """Return log-odds `(n,)`."""
        total = np.full(len(next(iter(found.values()))), self.bias)
        for name, weight in self.weights.items():
            total += weight * found[name]
        return total


class Heads(Frozen):
    """The heads of one knowledge scope; `de_threshold` is chosen on training rows."""

    de: Head
    up: Head
    de_threshold: float


class FusionConfig(Frozen):
    """The heads of both knowledge scopes."""

    scopes: Mapping[Scope, Heads]


Checkpoint: TypeAlias = checkpoint.Checkpoint[FusionConfig]
"""`names["genes"]` have a `habit` in [-1, 1], and are a `regulator` where that array holds 1."""


def _shapes(stored: Checkpoint) -> Shapes:
    if {*stored.config.scopes} != {"starter", "full"}:
        raise ValueError("the heads of a knowledge scope are missing")
    genes = len(stored.names["genes"])
    return {"habit": (genes,), "regulator": (genes,)}


FORMAT = Format(
    name="fusion model",
    command="knockwise train fusion",
    config=FusionConfig,
    shapes=_shapes,
)


def to_store(config: FusionConfig, habit: LossHabit) -> Checkpoint:
    """Return the checkpoint of heads and habits; habits keep three digits."""
    acts = np.array([gene in habit.regulators for gene in habit.genes], np.uint8)
    arrays: dict[str, np.ndarray] = {"habit": habit.values.astype(np.float16), "regulator": acts}
    return checkpoint.Checkpoint(config, {"genes": habit.genes}, arrays)


def stored_habit(stored: Checkpoint) -> LossHabit:
    """Return the habits that a checkpoint holds."""
    genes, acts = stored.names["genes"], stored.arrays["regulator"].astype(bool)
    regulators = frozenset(gene for gene, does in zip(genes, acts, strict=True) if does)
    return LossHabit(genes, stored.arrays["habit"].astype(np.float64), regulators)
