"""Gathers what speaks about a perturbation's readouts into the arrays that the heads read."""

from collections.abc import Sequence

import numpy as np

from knowledge.cascade import Reach
from knowledge.schema import PerturbationKind
from models.fusion.checkpoint import Floats
from models.fusion.posterior import PathKind, Support
from models.response import Ground


def path_kind(reached: Reach, gene: str) -> PathKind:
    """Return what asserts the best path to `gene`'s transcript."""
    up, down = reached.confidence(gene, "up"), reached.confidence(gene, "down")
    if not max(up, down):
        return PathKind.NONE
    if not reached.curated(gene):
        return PathKind.DATABASE
    steps = reached.path(gene, "up" if up >= down else "down")
    relayed = any(step.target.quantity == "expression" for step in steps[:-1])
    return PathKind.RELAYED if relayed else PathKind.DIRECT


def gathered(
    readouts: Sequence[str],
    p_de: Floats,
    p_up: Floats,
    ground: Ground,
    reached: Reach,
    habit: Floats,
    regulator: bool,
    kind: PerturbationKind = "knockdown",
    open_path: Sequence[bool] | None = None,
) -> Support:
    """Return the support of one perturbation's effect on `readouts`.

    Args:
        readouts: Approved symbols.
        p_de: The response model's P(changes), NaN where it abstains `(n,)`.
        p_up: Its P(up if it changes), NaN where it abstains `(n,)`.
        ground: Where the perturbation stands in the response model.
        reached: The best paths from the perturbation.
        habit: Log-odds of up after a loss, in other cells `(n,)`.
        regulator: Whether the perturbed gene acts on many others by name.
        kind: An activation turns the habit round; the paths know it already.
        open_path: Whether the main path is open `(n,)`; all are by default.
    """
    n = len(readouts)
    usable = np.ones(n, bool) if open_path is None else np.asarray(open_path, bool)
    up = np.array([reached.confidence(gene, "up") for gene in readouts])
    down = np.array([reached.confidence(gene, "down") for gene in readouts])
    kinds = np.array([path_kind(reached, gene) for gene in readouts], np.int64)
    return Support(
        p_de=np.asarray(p_de, np.float64),
        p_up=np.asarray(p_up, np.float64),
        known=np.full(n, ground.known),
        essential=np.full(n, ground.essential),
        regulator=np.full(n, regulator),
        up=np.where(usable, up, 0.0),
        down=np.where(usable, down, 0.0),
        kind=np.where(usable, kinds, PathKind.NONE),
        habit=-habit if kind == "activation" else habit,
    )
