"""The desk behind the MCP server: one session, opened once, asked by one call at a time."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import RunError

if TYPE_CHECKING:
    from agent.session import Session
    from agent.settings import Settings
    from app.mcp.call import Tell

LATEST = "latest"


class Desk:
    """A session that opens when it is first needed, and the folder of runs.

    Args:
        settings: Where things are and how to answer.
    """

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self._session: Session | None = None
        self._opening = threading.Lock()
        self.turn = threading.Lock()
        """Held by the call that computes; the models are not asked from two threads at once."""

    def session(self, tell: "Tell | None" = None) -> "Session":
        """Return the session, opened now if nobody has asked for it before.

        Raises:
            KnockwiseError: Data or weights are damaged.
        """
        if self._session is None and tell is not None:
            tell("reading what is known")
        with self._opening:
            if self._session is None:
                from agent.session import Session
                from app.jobs.opening import shared

                self._session = Session.open(shared(self.settings))
            return self._session

    def warm(self) -> None:
        """Open the session in a thread of its own, so that the first call need not wait for it."""
        threading.Thread(target=self._warm, name="knockwise-warm", daemon=True).start()

    def _warm(self) -> None:
        from knowledge.errors import KnockwiseError

        try:
            self.session()
        except (KnockwiseError, OSError):
            return  # the first call says it

    @property
    def versions(self) -> dict[str, Any]:
        """Return what answers are made with."""
        found = self.session().versions
        return {"knockwise": found.knockwise, "knowledge": found.knowledge, "models": found.models}

    def run_folder(self, name: str) -> Path:
        """Return the folder of the run called `name`, or of the newest for `latest`.

        Only names in the folder of runs are known: a client never reaches another folder.

        Raises:
            RunError: There is no such run.
        """
        from agent.run import runs

        folders = runs(self.settings.runs)
        if name == LATEST and folders:
            return folders[0]
        for folder in folders:
            if folder.name == name:
                return folder
        raise RunError("There is no run of that name; read knockwise://runs for those there are.")
