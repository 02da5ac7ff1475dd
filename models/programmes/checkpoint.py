"""What a trained programme model stores."""

from pathlib import Path
from typing import TypeAlias

from knowledge.schema import Frozen
from models import checkpoint
from models.checkpoint import Format, Shapes
from models.inputs.screens import CELL_LINES, Setting
from models.programmes.schema import Programme
from models.response.field import FieldSettings

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "programmes"


class Curve(Frozen):
    """A logistic curve: `P = 1 / (1 + exp(-(bias + slope * log x)))`."""

    bias: float
    slope: float


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words.

    Attributes:
        cell_lines: In the order of the arrays.
        setting: What held-out figures did not see.
        field: The prior of the shifts.
        programmes: In the order of the arrays.
        least_shift: Smaller shifts are none.
        least_expected: From this expected sign of a change on, programmes speak about a readout.
        breaks: P(a programme goes the way it is expected to), from the size of the shift.
        paths: P(a path points the right way), from the product of the trust in its two steps.
        hold: Prior share of perturbations in which a loading holds, per programme.
    """

    cell_lines: tuple[str, ...] = CELL_LINES
    setting: Setting
    field: FieldSettings
    programmes: tuple[Programme, ...]
    least_shift: float
    least_expected: float
    breaks: Curve
    paths: Curve
    hold: tuple[float, ...]


Checkpoint: TypeAlias = checkpoint.Checkpoint[Config]
"""The parts of a trained model as they are stored.

`names` holds the symbols of `perturbations` and `readouts`.
"""


def _shapes(stored: Checkpoint) -> Shapes:
    lines, rank = len(stored.config.cell_lines), len(stored.config.programmes)
    lost, read = len(stored.names["perturbations"]), len(stored.names["readouts"])
    if len(stored.config.hold) != rank:
        raise ValueError("a programme lacks its share")
    return {
        "loadings": (read, rank),
        "deviation": (read,),
        "factors": (lines, lost, rank),
        "along": (lines, lost, rank),
        "against": (lines, lost, rank),
        "held": (read, rank),
        "failed": (read, rank),
    }


FORMAT: Format[Config] = Format(
    name="programme model",
    command="knockwise train programmes",
    config=Config,
    shapes=_shapes,
)
