"""Reads hand-written YAML into frozen models, so that a typo is an error naming file and key.

A file that is cut off at the end of a line is valid YAML still; so each ends with `...`, YAML's own
end of a document.
"""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from knowledge.errors import DataError

M = TypeVar("M", bound=BaseModel)


class _UniqueKeys(yaml.CSafeLoader):
    """YAML keeps the last of two equal keys in silence; a curated file must not lose an entry."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise DataError(
                    f"{node.start_mark.name}: '{key.value}' is written twice "
                    f"(line {key.start_mark.line + 1}); keep one of the two."
                )
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path, model: type[M], *, closed: bool = True) -> M:
    """Return the file as a `model`; one that is not ours need not be `closed` with `...`.

    Raises:
        DataError: The file is unreadable, is no YAML, is cut short, or does not fit the model.
    """
    try:
        with path.open("rb") as stream:
            whole = not closed or stream.read().rstrip().endswith(b"\n...")
            stream.seek(0)
            content = yaml.load(stream, Loader=_UniqueKeys)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); reinstall Knockwise."
        ) from None
    # A date that is none, or a list as a key, is no error of YAML's own.
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise DataError(f"{path}: is not valid YAML ({' '.join(str(error).split())}).") from None
    try:
        found = model.model_validate(content)
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling is what the writer must see.
        errors = sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        first = errors[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise DataError(f"{path}: {where}: {first['msg']}; correct the file.") from None
    if not whole:
        raise DataError(
            f"{path}: is cut short, for it does not end with '...'; reinstall Knockwise, or end "
            "the file that you wrote with that line."
        )
    return found
