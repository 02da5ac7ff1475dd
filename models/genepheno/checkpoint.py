"""Where a trained phenotype model lives on disk: JSON, gzipped text and safetensors."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from knowledge.errors import DataError
from knowledge.schema import Frozen
from models.genepheno.phenotypes import Collection
from models.genepheno.predictor import Settings

FILES = ("config.json", "names.txt.gz", "model.safetensors")


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
    names: Mapping[str, tuple[str, ...]]
    arrays: Mapping[str, NDArray[Any]]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`; the same content gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(
        checkpoint.config.model_dump_json(indent=1) + "\n", encoding="utf-8"
    )
    lines = (f"{key}\t{word}\n" for key, words in checkpoint.names.items() for word in words)
    # mtime 0: the bytes depend on the content alone.
    with (
        (folder / "names.txt.gz").open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream,
    ):
        stream.write("".join(lines).encode())
    arrays = {name: np.ascontiguousarray(array) for name, array in checkpoint.arrays.items()}
    (folder / "model.safetensors").write_bytes(save(arrays))


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DataError: A file is missing, damaged or of another format.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"The phenotype model in {folder} lacks {', '.join(missing)}; "
            "train one with `knockwise train genepheno`, or restore the shipped weights."
        )
    try:
        config = Config.model_validate_json((folder / "config.json").read_bytes())
        with gzip.open(folder / "names.txt.gz", "rt", encoding="utf-8", newline="") as lines:
            pairs = [line.rstrip("\n").split("\t") for line in lines]
        names: dict[str, list[str]] = {}
        for key, word in pairs:
            names.setdefault(key, []).append(word)
        arrays = load_file(folder / "model.safetensors")
    except (ValidationError, SafetensorError, ValueError, EOFError, OSError) as error:
        raise DataError(
            f"The phenotype model in {folder} is damaged or of another format ({_why(error)}); "
            "train it again with `knockwise train genepheno`, or restore the shipped weights."
        ) from error
    return Checkpoint(config, {key: tuple(words) for key, words in names.items()}, arrays)


def _why(error: Exception) -> str:
    """Return the first line of what is wrong."""
    if isinstance(error, ValidationError):
        return error.errors(include_url=False)[0]["msg"]
    return next(iter(str(error).splitlines()), type(error).__name__)
