"""How every `knockwise eval` ends: a progress bar, the figures, and where the page is."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

from app.show.progress import progress_bar
from app.show.terminal import results
from knowledge.progress import Progress

Found = TypeVar("Found")


def evaluated(
    out: Path, work: Callable[[Progress], Found], summary: Callable[[Found], str], *more: str
) -> None:
    """Run an evaluation, print what it found, and name the files that tell more.

    Args:
        out: The run folder.
        work: Is handed a progress, and returns the results.
        summary: Says what they are.
        more: Files of the run beside its page.
    """
    with progress_bar() as told:
        found = work(told)
    results().print(summary(found), soft_wrap=True)
    for name in ("scoreboard.md", "report.html", *more):
        typer.echo(out / name)
