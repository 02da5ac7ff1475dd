"""Checks where a command writes before the work begins: a place that exists and holds no input."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from knowledge.errors import QuestionError

STDOUT = Path("-")


class Careful(TyperCommand):
    """A command that never writes `--out` over what it was given to read."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # typer's own context class is private
        """Run the command unless its output is one of its inputs."""
        out = ctx.params.get("out")
        if out is not None and Path(out) != STDOUT:
            inputs = [value for name, value in ctx.params.items() if name not in ("out", "run")]
            check_inputs(Path(out), list(_paths(inputs)))
        return super().invoke(ctx)


def _paths(values: Sequence[Any]) -> Iterator[Path]:
    """Iterate over the files and folders among the values of options."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _paths(value)
        elif isinstance(value, str | Path) and str(value) and _exists(Path(value)):
            yield Path(value)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False  # a question is too long for a path, or holds what no path can


def check_out(out: Path | None, endings: Sequence[str]) -> None:
    """Refuse a file to write that has another ending, or no folder.

    Raises:
        QuestionError: It cannot be written.
    """
    if out is None or out == STDOUT:
        return
    if not out.name.endswith(tuple(endings)):
        raise QuestionError(f"{out} must end in {' or '.join(endings)}.")
    if not out.resolve().parent.is_dir():
        raise QuestionError(f"{out.resolve().parent} is no folder; make it or name another --out.")
    if out.is_dir():
        raise QuestionError(f"{out} is a folder; name a file as --out.")


def check_inputs(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write over an input, or over a file inside a folder that is one.

    Raises:
        QuestionError: The output is an input by whatever path, link or spelling.
    """
    for given in inputs:
        if _same(out, given):
            raise QuestionError(
                f"{out} is the input {given} itself, which would be lost; name another --out."
            )
        if out.is_file() and _inside(out, given):
            raise QuestionError(
                f"{out} is a part of the input {given}, which would be changed; name another --out."
            )


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.resolve() == other.resolve()


def _inside(file: Path, folder: Path) -> bool:
    return folder.is_dir() and file.resolve().is_relative_to(folder.resolve())
