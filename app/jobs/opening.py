"""A session for one command, in a process that is ours."""

import gc

from agent.session import Session
from agent.settings import Settings
from app.show.terminal import progress
from knowledge.base import collector_paused
from knowledge.own_screens import own_screens


def shared(settings: Settings) -> Settings:
    """Return settings of a session whose answers others will see: without private screens."""
    if any(one.private for one in own_screens(settings.data)):
        progress().print("Private screens are left out of what others will see.", style="yellow")
    chosen = "none" if settings.screens == "none" else "public"
    return settings.model_copy(update={"screens": chosen})


def open_session(settings: Settings) -> Session:
    """Return a session whose some 10^5 objects the garbage collector leaves alone from now on.

    Looking for garbage among them again and again costs an answer a second; in a host process that
    decision is the host's, so `Session.open` does not take it.

    Raises:
        KnockwiseError: If data or weights are damaged.
    """
    if gc.get_freeze_count():
        # An earlier session was frozen; unless somebody holds it, its memory is wanted back.
        gc.unfreeze()
        gc.collect()
    # Frozen before the collector is on again, which would look at all of them once.
    with collector_paused():
        session = Session.open(settings)
        gc.freeze()
    return session
