"""Where trained expression models live on disk: JSON, gzipped text and safetensors."""

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
from knowledge.schema import Frozen, PerturbationKind
from models.app.kernel import Variances
from models.app.pairs import PairSettings
from models.app.screens import Unit

FILES = ("config.json", "names.txt.gz", "model.safetensors")


class Context(Frozen):
    """One data set a checkpoint was trained on, and how its responses are predicted.

    Attributes:
        name: What a user calls it.
        description: One sentence.
        cell_line: The cell line, or the system cells were differentiated into.
        kind: What was done to the perturbed genes.
        unit: What a predicted number is.
        readouts: How many are predicted.
        perturbations: What was measured in training.
        variances: Prior variances of single genes.
        pairs: Settings for two genes, where pairs were measured.
        widths: Half the width of the 90 % interval of singles and of pairs, in units of the
            mean absolute error of each readout when genes, or pairs, are left out.
    """

    name: str
    description: str
    cell_line: str
    kind: PerturbationKind
    unit: Unit
    readouts: int
    perturbations: tuple[tuple[str, ...], ...]
    variances: Variances
    pairs: PairSettings | None
    widths: tuple[float, float | None]


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words."""

    format: Literal[1] = 1
    seed: int
    contexts: tuple[Context, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a trained model as they are stored.

    Attributes:
        config: Contexts and their settings.
        names: Lists of words: `genes` (rows of the similarity), `perturbed` (its columns), and per
            context its readouts.
        arrays: `similarity` `(genes, perturbed)` in steps of 1/255; per context `NAME/response`,
            `NAME/baseline` where there is one, and `NAME/cells`.
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
            f"The expression model in {folder} lacks {', '.join(missing)}; "
            "train one with `knockwise train app`, or restore the shipped weights."
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
            f"The expression model in {folder} is damaged or of another format ({_why(error)}); "
            "train it again with `knockwise train app`, or restore the shipped weights."
        ) from error
    return Checkpoint(config, {key: tuple(words) for key, words in names.items()}, arrays)


def _why(error: Exception) -> str:
    """Return the first line of what is wrong."""
    if isinstance(error, ValidationError):
        return error.errors(include_url=False)[0]["msg"]
    return next(iter(str(error).splitlines()), type(error).__name__)
