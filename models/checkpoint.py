"""How a trained model lies in a folder: JSON, gzipped text and safetensors, never a pickle."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from knowledge.errors import DataError
from knowledge.schema import Frozen

FILES = ("config.json", "names.txt.gz", "model.safetensors")
Names: TypeAlias = Mapping[str, tuple[str, ...]]
Arrays: TypeAlias = Mapping[str, NDArray[Any]]
ConfigT = TypeVar("ConfigT", bound=Frozen)


class Model(NamedTuple):
    """What a sentence about a damaged folder calls the model, and what trains it anew."""

    name: str
    command: str


def write_parts(folder: Path, config: Frozen, names: Names, arrays: Arrays) -> None:
    """Write the parts of a model into `folder`; the same content gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")
    lines = (f"{key}\t{word}\n" for key, words in names.items() for word in words)
    # mtime 0: the bytes depend on the content alone.
    with (
        (folder / "names.txt.gz").open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream,
    ):
        stream.write("".join(lines).encode())
    dense = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    (folder / "model.safetensors").write_bytes(save(dense))


def read_parts(folder: Path, config: type[ConfigT], model: Model) -> tuple[ConfigT, Names, Arrays]:
    """Return what `write_parts` wrote: configuration, names and arrays.

    Args:
        folder: Where the model lies.
        config: What its configuration must be like.
        model: What errors call it.

    Raises:
        DataError: A file is missing, damaged or of another format.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"The {model.name} in {folder} lacks {', '.join(missing)}; "
            f"train one with `{model.command}`, or restore the shipped weights."
        )
    try:
        settings = config.model_validate_json((folder / "config.json").read_bytes())
        with gzip.open(folder / "names.txt.gz", "rt", encoding="utf-8", newline="") as lines:
            pairs = [line.rstrip("\n").split("\t") for line in lines]
        names: dict[str, list[str]] = {}
        for key, word in pairs:
            names.setdefault(key, []).append(word)
        arrays = load_file(folder / "model.safetensors")
    except (ValidationError, SafetensorError, ValueError, EOFError, OSError) as error:
        raise damaged(folder, model, error) from error
    return settings, {key: tuple(words) for key, words in names.items()}, arrays


def damaged(folder: Path, model: Model, error: Exception) -> DataError:
    """Return the error for a folder that cannot be used, with the first line of what is wrong."""
    if isinstance(error, ValidationError):
        why = error.errors(include_url=False)[0]["msg"]
    else:
        why = next(iter(str(error).splitlines()), type(error).__name__)
    return DataError(
        f"The {model.name} in {folder} is damaged or of another format ({why}); "
        f"train it again with `{model.command}`, or restore the shipped weights."
    )
