"""How a trained model lies in a folder: JSON, gzipped text and safetensors, never a pickle.

`config.json` holds the SHA-256 of every other file and of itself, and reading checks them all, so
that a cut, flipped or exchanged file is told and not answered from. A folder is written beside its
place and swapped whole.
"""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from knowledge.errors import DataError
from knowledge.files import content_digest, replacing_folder
from knowledge.schema import Frozen
from knowledge.sources.registry import sha256_of

FORMAT = 2
CONFIG, NAMES, ARRAYS, RECORD = "config.json", "names.txt.gz", "model.safetensors", "training.json"
Names: TypeAlias = Mapping[str, tuple[str, ...]]
Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Texts: TypeAlias = Mapping[str, str]
Shapes: TypeAlias = Mapping[str, tuple[int | str, ...]]
"""Shape of each array; a word stands for any size, the same wherever the word stands."""
ConfigT = TypeVar("ConfigT", bound=Frozen)


@dataclass(frozen=True)
class Checkpoint(Generic[ConfigT]):
    """The parts of a trained model.

    Attributes:
        config: Everything that is a handful of numbers or words.
        names: Lists of words by name.
        arrays: Numeric arrays by name.
        texts: Long texts by name, such as LightGBM's own of its trees.
        version: Hash of all that a prediction depends on, once written; empty before.
    """

    config: ConfigT
    names: Names = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    texts: Texts = field(default_factory=dict)
    version: str = ""


def _no_shapes(_: Checkpoint[Any]) -> Shapes:
    return {}


@dataclass(frozen=True)
class Format(Generic[ConfigT]):
    """What the checkpoints of one kind of model are like.

    Attributes:
        name: What sentences call the model.
        command: What trains it anew.
        config: Its configuration.
        shapes: Every array that must be there, and its shape.
        gaps: Arrays in which NaN stands for what is unknown; nowhere else may it stand.
    """

    name: str
    command: str
    config: type[ConfigT]
    shapes: Callable[[Checkpoint[ConfigT]], Shapes] = _no_shapes
    gaps: frozenset[str] = frozenset()


def write_checkpoint(
    folder: Path,
    form: Format[ConfigT],
    checkpoint: Checkpoint[ConfigT],
    record: Mapping[str, Any],
) -> None:
    """Write a model and the record of its training into `folder`, whole or not at all.

    The same content gives the same bytes. What else lies in the folder, such as a model card,
    stays.

    Raises:
        DataError: An array does not fit or holds NaN, or the folder cannot be written.
    """
    if wrong := _unfit(form, checkpoint):
        raise DataError(f"The trained {form.name} is of no use and was not written: {wrong}.")
    parts = {RECORD: (json.dumps(record, indent=1) + "\n").encode()}
    if checkpoint.names:
        parts[NAMES] = _gzipped(_lines(checkpoint.names))
    if checkpoint.arrays:
        dense = {name: np.ascontiguousarray(array) for name, array in checkpoint.arrays.items()}
        parts[ARRAYS] = save(dense)
    parts |= {f"{name}.txt.gz": _gzipped(text) for name, text in checkpoint.texts.items()}
    content = {
        "format": FORMAT,
        "files": {name: hashlib.sha256(parts[name]).hexdigest() for name in sorted(parts)},
        "config": checkpoint.config.model_dump(mode="json"),
    }
    told = {**content, "sha256": content_digest(content)}
    parts[CONFIG] = (json.dumps(told, indent=1) + "\n").encode()
    try:
        with replacing_folder(folder) as draft:
            for name, data in parts.items():
                (draft / name).write_bytes(data)
    except OSError as error:
        raise DataError(
            f"The {form.name} cannot be written to {folder} ({error.strerror or error}); "
            "make room or choose another folder, and run the same command again."
        ) from error


def read_checkpoint(folder: Path, form: Format[ConfigT]) -> Checkpoint[ConfigT]:
    """Return what `write_checkpoint` wrote, every byte of it checked.

    Raises:
        DataError: A file is missing, damaged or of another format.
    """
    try:
        if not (folder / CONFIG).is_file():
            raise _missing(folder, form, [CONFIG])
        told = _told(folder / CONFIG)
        files = told["files"]
        if missing := sorted(name for name in files if not (folder / name).is_file()):
            raise _missing(folder, form, missing)
        for name, digest in files.items():
            if sha256_of(folder / name) != digest:
                raise ValueError(f"{name} is not as it was written")
        texts = {
            name.removesuffix(".txt.gz"): gzip.decompress((folder / name).read_bytes()).decode()
            for name in files
            if name.endswith(".txt.gz")
        }
        checkpoint = Checkpoint(
            form.config.model_validate_json(json.dumps(told["config"])),
            _lists(texts.pop(NAMES.removesuffix(".txt.gz"), "")),
            load_file(folder / ARRAYS) if ARRAYS in files else {},
            texts,
            _version(told),
        )
        if wrong := _unfit(form, checkpoint):
            raise ValueError(wrong)
    except (SafetensorError, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise damaged(folder, form, error) from error
    return checkpoint


def read_names(folder: Path, form: Format[Any]) -> Names:
    """Return the lists of words of a checkpoint alone, checked; the model is not read.

    Raises:
        DataError: They are missing or damaged.
    """
    try:
        if missing := [name for name in (CONFIG, NAMES) if not (folder / name).is_file()]:
            raise _missing(folder, form, missing)
        data = (folder / NAMES).read_bytes()
        if hashlib.sha256(data).hexdigest() != _told(folder / CONFIG)["files"][NAMES]:
            raise ValueError(f"{NAMES} is not as it was written")
        return _lists(gzip.decompress(data).decode())
    except (KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise damaged(folder, form, error) from error


def damaged(folder: Path, form: Format[Any], error: Exception) -> DataError:
    """Return the error for a folder that cannot be used, with the first line of what is wrong."""
    if isinstance(error, ValidationError):
        why = error.errors(include_url=False)[0]["msg"]
    else:
        why = next(iter(str(error).splitlines()), type(error).__name__)
    return DataError(
        f"The {form.name} in {folder} is damaged or of another format ({why}); "
        f"train it again with `{form.command}`, or restore the shipped weights."
    )


def _missing(folder: Path, form: Format[Any], files: list[str]) -> DataError:
    return DataError(
        f"The {form.name} in {folder} lacks {', '.join(files)}; "
        f"train one with `{form.command}`, or restore the shipped weights."
    )


def _told(file: Path) -> dict[str, Any]:
    """Return what `config.json` says, if it is what was written.

    Raises:
        ValueError: It is not.
    """
    try:
        told = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file.name} is no JSON: {error}") from error
    found = told.get("format") if isinstance(told, dict) else None
    if found != FORMAT:
        raise ValueError(f"{file.name} has format {found}, expected {FORMAT}")
    content = {key: value for key, value in told.items() if key != "sha256"}
    if told.get("sha256") != content_digest(content):
        raise ValueError(f"{file.name} is not as it was written")
    return content


def _version(told: Mapping[str, Any]) -> str:
    """Return a short hash of what a prediction depends on: all but the record of the training."""
    files = {name: digest for name, digest in told["files"].items() if name != RECORD}
    return content_digest({**told, "files": files})[:16]


def _lines(names: Names) -> str:
    """Return a line per word, after the name of its list; of an empty list, the name alone."""
    lines = (f"{key}\t{word}\n" for key, words in names.items() for word in words)
    empty = (f"{key}\n" for key, words in names.items() if not words)
    return "".join((*lines, *empty))


def _lists(text: str) -> Names:
    """Return what `_lines` wrote."""
    names: dict[str, list[str]] = {}
    for line in text.split("\n")[:-1]:
        key, tab, word = line.partition("\t")
        names.setdefault(key, []).extend((word,) if tab else ())
    return {key: tuple(words) for key, words in names.items()}


def _gzipped(text: str) -> bytes:
    raw = io.BytesIO()
    # mtime 0 and no name: the bytes depend on the content alone.
    with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
        stream.write(text.encode())
    return raw.getvalue()


def _unfit(form: Format[ConfigT], checkpoint: Checkpoint[ConfigT]) -> str:
    """Return which array is missing, of another shape or holds NaN, if there is one."""
    sizes: dict[str, int] = {}
    try:
        shapes = form.shapes(checkpoint)
    except KeyError as error:
        return f"{error.args[0]} is missing"
    except ValueError as error:
        return str(error)
    for name, shape in shapes.items():
        if name not in checkpoint.arrays:
            return f"{name} is missing"
        found = checkpoint.arrays[name].shape
        wanted = tuple(
            size if isinstance(size, int) else sizes.setdefault(size, at)
            for size, at in zip(shape, found, strict=False)
        )
        if len(shape) != len(found) or wanted != found:
            return f"{name} has shape {found}, expected {shape}"
    for name, array in checkpoint.arrays.items():
        if array.dtype.kind == "f" and name not in form.gaps and not np.isfinite(array).all():
            return f"{name} holds values that are no numbers"
    return ""
