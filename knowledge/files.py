"""Writing files that are there whole or not at all."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a draft beside `path`, which takes its place when the block ends well."""
    draft = path.with_name(f"{path.name}.part")
    yield draft
    draft.replace(path)


def replace_text(path: Path, text: str) -> None:
    """Write `text` such that an interruption leaves the old file or the new."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
