"""What a training run can be told, and how it tells how far it has come."""

from collections.abc import Callable
from dataclasses import dataclass

from models.response.screens import Setting

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is finished."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What a training run can be told."""

    setting: Setting = "multi"
    seed: int = 0
    folds: int = 10
    rounds: int = 250
    rank: int = 48
    threads: int = 2
