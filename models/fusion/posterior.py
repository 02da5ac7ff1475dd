"""One posterior of what a readout does, from all that speaks about it.

`logit P = bias + sum of weight * feature`, one such head for P(changes) and one for P(up if it
changes) in each knowledge scope. The features are the response model's log-odds, split by whether
the perturbation stands on the model's ground; the best signed path, split by what asserts it; and
what the readout usually does when regulators are lost. All weights are fitted on training
perturbations of the screens and on training regulators (`models.fusion.train`).

Relatedness of two perturbations has no sign: TP53 resembles CHEK1, whose loss frees it. So the
response model's say is one thing for a perturbation that a screen has measured, another for one
that none has, and less again where a path of the starter pack reaches the readout.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.checkpoint import read_checkpoint
from models.fusion.checkpoint import (
    FORMAT,
    WEIGHTS,
    Floats,
    FusionConfig,
    Scope,
    stored_habit,
)
from models.fusion.habit import LossHabit

Bools = NDArray[np.bool_]
Task = Literal["de", "up"]


class PathKind(IntEnum):
    """What asserts the best path to a readout.

    `DIRECT`: the starter pack throughout, and no transcript but the readout's changes on the way.
    `RELAYED`: the starter pack throughout, through a transcript that changes. `DATABASE`: with a
    step that databases alone assert.
    """

    NONE = 0
    DIRECT = 1
    RELAYED = 2
    DATABASE = 3


@dataclass(frozen=True, slots=True)
class Support:
    """What speaks about `n` pairs of perturbation and readout; every field is `(n,)`.

    Attributes:
        p_de: The response model's P(changes), NaN where it abstains.
        p_up: Its P(up if it changes), NaN where it abstains.
        known: Whether a screen has measured the perturbation, in any line.
        essential: Share of cancer lines that need the perturbed gene.
        regulator: Whether the perturbed gene acts on many others by name (`LossHabit`).
        up: Confidence of the best path that raises the readout, 0 where there is none.
        down: The same for lowering it.
        kind: `PathKind` of that path.
        habit: Log-odds that the readout is up, given a change, after losses of regulators in other
            cells; for an activation, that of its mirror image.
    """

    p_de: Floats
    p_up: Floats
    known: Bools
    essential: Floats
    regulator: Bools
    up: Floats
    down: Floats
    kind: NDArray[np.int64]
    habit: Floats

    def __len__(self) -> int:
        return len(self.p_de)

    def take(self, chosen: Bools | NDArray[np.int64]) -> Support:
        """Return the chosen pairs."""
        return Support(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def joined(cls, parts: list[Support]) -> Support:
        """Return all pairs of `parts`, in their order."""
        columns = (np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls))
        return cls(*columns)


def features(support: Support, task: Task) -> dict[str, Floats]:
    """Return the named features of one head, each `(n,)`.

    The response model's log-odds are taken by whether a screen has measured the perturbation. For
    a perturbation that none has, which way it says weighs less the more the gene is a regulator
    that cells can do without: the screens' own genes are no guide to those.
    """
    p = support.p_de if task == "de" else support.p_up
    said = np.where(np.isfinite(p), logit(np.where(np.isfinite(p), p, 0.5)), 0.0)
    new = 1.0 - support.known
    path = (strength if task == "de" else balance)(support.up, support.down)
    shared = {
        "response": support.known * said,
        "response_new": new * said,
        "path_direct": path * (support.kind == PathKind.DIRECT),
        "path_relayed": path * (support.kind == PathKind.RELAYED),
        "path_database": path * (support.kind == PathKind.DATABASE),
    }
    if task == "de":
        return {**shared, "new": new}
    trusted = np.isin(support.kind, (PathKind.DIRECT, PathKind.RELAYED))
    dispensable = new * (1 - support.essential)
    return {
        **shared,
        "response_beside_path": support.known * trusted * said,
        "response_new_regulator": dispensable * support.regulator * said,
        "habit": dispensable * support.habit,
    }


class Fusion:
    """Loaded fusion weights for one knowledge scope."""

    def __init__(
        self, config: FusionConfig, scope: Scope, habit: LossHabit, version: str = ""
    ) -> None:
        self.version, self.habit = version, habit
        self.heads = config.scopes[scope]

    @property
    def de_threshold(self) -> float:
        """Return the fused P(DE) from which on a readout is called changed (best training F1)."""
        return self.heads.de_threshold

    @classmethod
    def load(cls, scope: Scope, path: Path = WEIGHTS) -> Fusion:
        """Read the weights in the folder `path`.

        Raises:
            DataError: If they are missing or damaged.
        """
        stored = read_checkpoint(path, FORMAT)
        return cls(stored.config, scope, stored_habit(stored), stored.version)

    def p_de(self, support: Support) -> Floats:
        """Return P(differentially expressed) `(n,)`, NaN where the response model abstains.

        A path says which way, and hardly how much: without a measured screen there is no number.
        """
        p = expit(self.heads.de.logit(features(support, "de")))
        return np.where(np.isfinite(support.p_de), p, np.nan)

    def p_up(self, support: Support) -> Floats:
        """Return P(up given differentially expressed) `(n,)`."""
        return np.asarray(expit(self.heads.up.logit(features(support, "up"))))


def strength(up: Floats, down: Floats) -> Floats:
    """Return how strongly the cascade says that a readout changes, `(n,)`.

    The square root makes the log-odds of a change about linear in it, on training rows.
    """
    return np.asarray(np.sqrt(np.maximum(up, down)))


def balance(up: Floats, down: Floats) -> Floats:
    """Return how strongly the cascade says up rather than down, `(n,)`."""
    return np.asarray(np.sign(up - down) * np.sqrt(np.abs(up - down)))


def logit(p: Floats) -> Floats:
    """Return the log-odds, clipped to keep certainties finite."""
    q = np.clip(p, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(q / (1 - q)))
