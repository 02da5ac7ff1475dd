"""What a scoring of programmes tells besides its scores, frozen, so that it can be kept."""

import json
from pathlib import Path
from typing import Any

from knowledge.schema import Frozen
from models.checkpoint import RECORD
from models.programmes.checkpoint import SHIPPED
from models.programmes.model import ProgrammeModel
from models.programmes.schema import Programme


class Facts(Frozen):
    """What the page tells.

    Attributes:
        programmes: The programmes.
        least_expected: From which expected sign on they speak.
        least_shift: The smallest shift that counts.
        held_out: Figures of training perturbations that each fold's model did not see.
        choice: What the number of programmes was chosen by.
    """

    programmes: tuple[Programme, ...]
    least_expected: float
    least_shift: float
    held_out: dict[str, Any]
    choice: tuple[dict[str, float], ...]


def facts_of(model: ProgrammeModel, weights: Path | None) -> Facts:
    """Return what is told of a model and its training."""
    record = json.loads(((weights or SHIPPED) / RECORD).read_text(encoding="utf-8"))
    return Facts(
        programmes=model.programmes,
        least_expected=model.config.least_expected,
        least_shift=model.config.least_shift,
        held_out=record["metrics"],
        choice=tuple(record["choice"]),
    )
