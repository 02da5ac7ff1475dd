"""What of the morphology model lies on disk."""

from typing import TypeAlias

from knowledge.schema import Frozen
from models import checkpoint
from models.checkpoint import Format, Shapes


class Config(Frozen):
    """Everything of the model that is a handful of numbers or words.

    Attributes:
        seed: Of folds and decomposition.
        channels: Of the screen, in order.
        thresholds: Features from which a channel is altered.
        mean: Share of the hits that alters each channel.
        slope: Of the calibration of each channel.
        start: Its intercept.
        held_out: AUROC of each channel over held-out hits: value, low, high.
        vector_scale: What a step of the stored vectors is.
        trait_scale: What a step of the stored traits is.
    """

    seed: int
    channels: tuple[str, ...]
    thresholds: tuple[int, ...]
    mean: tuple[float, ...]
    slope: tuple[float, ...]
    start: tuple[float, ...]
    held_out: tuple[tuple[float, float, float], ...]
    vector_scale: float
    trait_scale: float


Checkpoint: TypeAlias = checkpoint.Checkpoint[Config]


def _shapes(stored: Checkpoint) -> Shapes:
    genes, measured = len(stored.names["genes"]), len(stored.names["measured"])
    channels = len(stored.config.channels)
    return {
        "vectors": (genes, "dimensions"),
        "traits": (genes, "traits"),
        "counts": (measured, channels),
        "counts_hplm": (measured, channels),
        "hit": (measured,),
        "rows": ("hits",),
        "duals": ("hits", channels),
        "held_out": ("hits", channels),
    }


FORMAT = Format("morphology model", "knockwise train morphology", Config, _shapes)
