"""Long work: one progress bar that tells how far it has come, and manners on a shared machine."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

Told = Callable[[str, float], None]


@contextmanager
def progress_bar() -> Generator[Told]:
    """Show a bar on stderr while the block runs; call what it yields with text and share."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from app.show.terminal import progress

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress()) as bar:
        task = bar.add_task("starting", total=1.0)

        def told(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share)

        yield told
