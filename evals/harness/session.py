"""A session for a benchmark: without screens of one's own, which nobody else could score with."""

from agent.session import Session
from agent.settings import Settings


def benchmark_session(settings: Settings) -> Session:
    """Return a session of these settings that reads no screen of one's own.

    Raises:
        KnockwiseError: If data or weights are damaged.
    """
    return Session.open(settings.model_copy(update={"screens": "none"}))
