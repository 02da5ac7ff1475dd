"""Prompts are made from templates that come with Knockwise, and may be damaged like any file."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import TemplateError

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
