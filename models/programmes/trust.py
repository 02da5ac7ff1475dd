"""How far each step through a programme is trusted, from held-out perturbations."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.programmes.checkpoint import Curve

Floats = NDArray[np.float64]
# A loading's share is drawn to that of its programme as by so many experiments.
PRIOR_HELD = 4.0
# A path is told where so many of its trust are right.
TOLD = 0.75


def chance(curve: Curve, size: NDArray[np.floating]) -> Floats:
    """Return the probability that the curve gives for each size, which are above 0."""
    found: Floats = expit(curve.bias + curve.slope * np.log(np.maximum(size, 1e-6)))
    return found


def move_trust(held: Floats, failed: Floats, hold: Floats) -> Floats:
    """Return the share in which each loading holds, drawn to that of its programme."""
    trust: Floats = (held + PRIOR_HELD * hold) / (held + failed + PRIOR_HELD)
    return trust
