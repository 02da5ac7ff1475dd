"""Answers one run after another, in the order in which they were asked, and loses none.

A run is a folder before it stands in the queue, so that a server that is killed finds it again.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path

from agent.run import is_there
from agent.session import Session
from app.web.shelf import Shelf, read_slip, write_slip
from knowledge.errors import KnockwiseError, RunError

LOG = logging.getLogger(__name__)
PATIENCE_S = 20.0
BUG = "Something went wrong inside Knockwise ({}); the server's log has the details."


class Desk:
    """One worker with one session.

    Args:
        open_session: Loads knowledge and models; called once, in the worker's thread.
    """

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open = open_session
        self._session: Future[Session] = Future()
        self._waiting: deque[Path] = deque()
        self._changed = threading.Condition()
        self._running: Path | None = None
        self._cancel: Callable[[], None] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="knockwise-desk", daemon=True)

    def start(self, folders: Iterable[Path] = ()) -> None:
        """Load in the background, then answer; `folders` are of runs that waited for a server."""
        for folder in folders:
            self.add(folder)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether knowledge and models are loaded."""
        return self._session.done()

    def session(self) -> Session:
        """Return the session, when it is loaded.

        Raises:
            KnockwiseError: It cannot be.
        """
        return self._session.result()

    def add(self, folder: Path) -> None:
        """Put a run last in the queue, unless it stands there."""
        with self._changed:
            if folder == self._running or folder in self._waiting:
                return
            write_slip(folder, state="queued", why="")
            self._waiting.append(folder)
            self._changed.notify()

    def place(self, folder: Path) -> int | None:
        """Return how many runs come before one; None if it is not waited for."""
        with self._changed:
            if folder == self._running:
                return 0
            before = int(self._running is not None)
            return self._waiting.index(folder) + before if folder in self._waiting else None

    def waiting(self, runs: Path) -> int:
        """Return how many runs below a folder stand in the queue."""
        with self._changed:
            return sum(folder.parent == runs for folder in self._waiting)

    def stop(self, folder: Path) -> None:
        """Stop a run where it is, so that it can be gone on with."""
        with self._changed:
            if folder in self._waiting:
                self._waiting.remove(folder)
            elif folder != self._running:
                return
            write_slip(folder, state="stopped")
            if folder == self._running and self._cancel:
                self._cancel()

    def gone(self, folder: Path) -> None:
        """Stop a run, and wait until nothing writes to its folder any more."""
        self.stop(folder)
        with self._changed:
            self._changed.wait_for(lambda: self._running != folder, timeout=PATIENCE_S)

    def close(self) -> None:
        """Leave what is under way where it is; the next server goes on with it."""
        with self._changed:
            self._closed = True
            if self._cancel:
                self._cancel()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=PATIENCE_S)

    def _work(self) -> None:
        try:
            self._session.set_result(self._open())
        except BaseException as error:
            self._session.set_exception(error)
            if not isinstance(error, KnockwiseError):
                raise
            return
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                folder = self._running = self._waiting.popleft()
            try:
                self._answer(folder)
            finally:
                with self._changed:
                    self._running, self._cancel = None, None
                    self._changed.notify_all()

    def _answer(self, folder: Path) -> None:
        try:
            with asyncio.Runner() as runner:
                loop = runner.get_loop()
                task = loop.create_task(self.session().resume(folder))
                with self._changed:
                    self._cancel = lambda: _cancel(loop, task)
                    if self._closed or read_slip(folder).state == "stopped":
                        task.cancel()
                loop.run_until_complete(task)
        except asyncio.CancelledError:
            return
        except Exception as error:
            if not folder.exists():
                return  # it was deleted meanwhile
            why = str(error) if isinstance(error, KnockwiseError) else BUG.format(error)
            if not isinstance(error, KnockwiseError):
                LOG.exception("%s could not be answered", folder.name)
            write_slip(folder, state="failed", why=why)
        else:
            write_slip(folder, state="")


def _cancel(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[object]") -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


def left_waiting(runs: Path) -> list[Path]:
    """Return the runs that an earlier server did not come to the end of, the oldest first."""
    shelf, found = Shelf(runs), []
    try:
        entries = list(shelf.entries())
    except RunError:
        return []
    for entry in reversed(entries):
        folder = shelf.find(entry.name)
        if entry.state == "queued" and not is_there(folder / "result.json"):
            found.append(folder)
    return found
