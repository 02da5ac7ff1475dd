"""Fusion of the response model with the cascade: four logistic heads fitted on training rows.

Where the response model answers, its logit and the cascade's signed confidence are stacked; where
it abstains, the cascade answers alone. The weights are fitted on out-of-fold predictions for
training perturbations (see `models.fusion.train`), so an uninformative cascade gets weight zero.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.schema import Frozen

WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "fusion"
Floats = NDArray[np.float64]
Scope = Literal["starter", "full"]


class Head(Frozen):
    """`logit(p) = bias + response * logit(p_response) + cascade * x`."""

    bias: float
    response: float
    cascade: float

    def probability(self, p_response: Floats, x: Floats) -> Floats:
        """Return fused probabilities; shapes follow the inputs `(n,)`."""
        z = self.bias + self.response * logit(p_response) + self.cascade * x
        return np.asarray(1 / (1 + np.exp(-z)))


class Heads(Frozen):
    """The heads of one knowledge scope; `x` is the cascade's strength (DE) or balance (up).

    `de_threshold` is chosen on training rows, see `models.fusion.train`.
    """

    de: Head
    up: Head
    de_alone: Head
    up_alone: Head
    de_threshold: float


class FusionConfig(Frozen):
    """What `config.json` holds."""

    format_version: Literal[1] = 1
    scopes: dict[Scope, Heads]


class Fusion:
    """Loaded fusion weights for one knowledge scope."""

    def __init__(self, config: FusionConfig, scope: Scope, version: str = "") -> None:
        self.version = version
        self._heads = config.scopes[scope]

    @property
    def de_threshold(self) -> float:
        """Return the fused P(DE) from which on a readout is called changed (best training F1)."""
        return self._heads.de_threshold

    @classmethod
    def load(cls, scope: Scope, path: Path = WEIGHTS) -> Fusion:
        """Read the weights in the folder `path`.

        Raises:
            DataError: If they are missing or damaged.
        """
        file = path / "config.json"
        try:
            raw = file.read_bytes()
            config = FusionConfig.model_validate(json.loads(raw))
        except (OSError, ValueError) as error:
            raise DataError(f"{file} cannot be read ({error}); reinstall knockwise.") from error
        return cls(config, scope, hashlib.sha256(raw).hexdigest()[:16])

    def p_de(self, p_response: Floats, up: Floats, down: Floats) -> Floats:
        """Return P(differentially expressed).

        Args:
            p_response: The response model's probability, NaN where it abstained, `(n,)`.
            up: Confidence of the best path that raises the readout, 0 where there is none, `(n,)`.
            down: The same for lowering it.
        """
        return self._choose(self._heads.de, self._heads.de_alone, p_response, strength(up, down))

    def p_up(self, p_response: Floats, up: Floats, down: Floats) -> Floats:
        """Return P(up given differentially expressed); arguments as in `p_de`."""
        return self._choose(self._heads.up, self._heads.up_alone, p_response, balance(up, down))

    def _choose(self, both: Head, alone: Head, p_response: Floats, x: Floats) -> Floats:
        known = ~np.isnan(p_response)
        filled = np.where(known, p_response, 0.5)
        return np.where(known, both.probability(filled, x), alone.probability(filled, x))


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
