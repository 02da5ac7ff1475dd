"""What a trained response model stores."""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import Frozen
from models import checkpoint
from models.checkpoint import Format, Shapes
from models.inputs.screens import CELL_LINES, Setting
from models.response.calibration import Calibration
from models.response.field import FieldSettings

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "response"


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words.

    Attributes:
        cell_lines: In the order of `block_line`.
        setting: What held-out predictions did not see.
        de_threshold: P(DE) from which on a readout is called changed.
        field: The prior that `de`, `up` and `signed` were fitted with.
        features: What the trees look at.
        calibration: Of `de` and `up`.
    """

    cell_lines: tuple[str, ...] = CELL_LINES
    setting: Setting
    de_threshold: float
    field: dict[str, FieldSettings]
    features: tuple[str, ...]
    calibration: dict[str, Calibration]


Checkpoint: TypeAlias = checkpoint.Checkpoint[Config]
"""The parts of a trained model as they are stored.

`names` holds the symbols of all `genes` and the rest of their `gene fields`, and the `reasons` that
`arrays["reason"]` points into; `texts` holds `Ensemble.as_text` of the trees for P(DE), `changed`,
and for P(up | DE), `up`.
"""


def _shapes(stored: Checkpoint) -> Shapes:
    genes = len(stored.names["genes"])
    if len(stored.names["gene fields"]) != genes or not stored.names["reasons"]:
        raise ValueError("the lists of words do not fit each other")
    parts = {*stored.config.field}, {*stored.config.calibration}, {*stored.texts}
    if parts != ({"de", "up", "signed"}, {"de", "up"}, {"changed", "up"}):
        raise ValueError("a task lacks its prior, its calibration or its trees")
    return {
        "perturbations": ("perturbations",),
        "readouts": ("readouts",),
        "relatives": (genes, "relatives"),
        "level": (genes, "relatives"),
        "reason": (genes, "reasons told", 2),
        "baseline": (genes, "lines"),
        "essential": (genes, "essentialities"),
        "block_line": ("blocks",),
        "block_pert": ("blocks",),
        "block_size": ("blocks",),
        "row_readout": ("rows",),
        "row_outcome": ("rows",),
        "held_out": (2, "rows"),
        "de_loadings": ("readouts", "rank"),
        "up_loadings": ("readouts", "rank"),
        "signed_loadings": ("readouts", "rank"),
        "de_duals": ("rows",),
        "up_duals": ("changed rows",),
        "signed_duals": ("rows",),
    }


FORMAT = Format(
    name="response model",
    command="knockwise train response",
    config=Config,
    shapes=_shapes,
    gaps=frozenset({"baseline", "essential", "held_out"}),
)


def coarse(values: NDArray[np.floating[Any]]) -> NDArray[np.float16]:
    """Return half floats with a 6-bit fraction (within 0.8 %), which compress to half the size."""
    bits = np.asarray(values, np.float16).view(np.uint16)
    finite = np.isfinite(values)
    rounded = np.where(finite, (bits.astype(np.uint32) + 8) & 0xFFF0, bits).astype(np.uint16)
    return rounded.view(np.float16)
