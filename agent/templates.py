"""Prompts are made from templates that come with Knockwise, and may be damaged like any file."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from knowledge.errors import DataError


@contextmanager
def templates(path: Path) -> Generator[None]:
    """Say in one sentence that a template cannot be used.

    Raises:
        DataError: Reading or filling it in failed.
    """
    try:
        yield
    except (TemplateError, OSError, UnicodeError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is missing or damaged ({said}); reinstall Knockwise.") from error


def prompt_environment(*folders: Path) -> Environment:
    """Return what fills in prompts of these folders, the first one before the others.

    `quoted` puts a text of somebody else between quotation marks that it cannot end.
    """
    environment = Environment(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
    return environment
