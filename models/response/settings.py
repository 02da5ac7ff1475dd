"""What a training run can be told."""

from dataclasses import dataclass

from models.inputs.screens import Setting


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What a training run can be told."""

    setting: Setting = "multi"
    seed: int = 0
    folds: int = 10
    rounds: int = 250
    rank: int = 48
    threads: int = 2
