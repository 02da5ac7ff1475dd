"""Where a trained phenotype model lives on disk: JSON, gzipped text and safetensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from knowledge.schema import Frozen
from models.checkpoint import Arrays, Model, Names, read_parts, write_parts
from models.genepheno.phenotypes import Collection
from models.genepheno.predictor import Settings

MODEL = Model("phenotype model", "knockwise train genepheno")


class Learnt(Frozen):
    """One collection of labels that a checkpoint predicts.

    Attributes:
        collection: Which.
        genes: Genes with a sequence that it was learnt from.
        background: Genes without one that it was learnt from as well.
        gain: What functions are multiplied with.
        exclusive_rate: Share of the cases with either of two opposites that have both.
    """

    collection: Collection
    genes: int
    background: int
    gain: float
    exclusive_rate: float


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words."""

    format: Literal[1] = 1
    seed: int
    encoder: str
    settings: Settings
    collections: tuple[Learnt, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a trained model as they are stored.

    Attributes:
        config: Settings, and what was learnt from.
        names: Lists of words: `genes`, `species` and `sequences` of proteins; `functions` and their
            `function names`; `curated` genes; per collection `NAME/terms`, `NAME/names`,
            `NAME/systems` and `NAME/known`, the genes that it knows.
        arrays: Those of the functions, and per collection those of its layer and its facts.
    """

    config: Config
    names: Names
    arrays: Arrays


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`; the same content gives the same bytes."""
    write_parts(folder, checkpoint.config, checkpoint.names, checkpoint.arrays)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DataError: A file is missing, damaged or of another format.
    """
    return Checkpoint(*read_parts(folder, Config, MODEL))
