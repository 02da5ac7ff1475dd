"""Who asks: one person on their own machine, or each holder of a token with runs of their own."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from knowledge.errors import RunError
from knowledge.schema import Frozen

COOKIE = "knockwise"
KEY_FILE = "web.key"
FOLDER = "people"
_PRIVATE = 0o700
_BYTES = 24
_ID = 16


class Person(Frozen):
    """Somebody who asks.

    Attributes:
        name: What tells people apart; no token, and not to be turned into one.
        runs: The folder of their runs.
    """

    name: str
    runs: Path


class People:
    """Knows who may ask, and whose runs are whose.

    Args:
        runs: The folder of runs. Without an invitation they are everybody's who reaches the page,
            and the command line lists them as well; with one, each person has a folder below it.
        invitation: What has to be entered before anything is answered; none for one's own machine.
    """

    def __init__(self, runs: Path, invitation: str | None = None) -> None:
        self._runs, self.invitation = runs, invitation
        self._key = _key(runs)

    def of(self, token: str | None) -> Person | None:
        """Return who holds a token, nobody if it is none of this server's."""
        if self.invitation is None:
            return Person(name="local", runs=self._runs)
        if not token or len(token) > 200:
            return None
        name = hashlib.sha256(token.encode()).hexdigest()[:_ID]
        folder = self._runs / FOLDER / name
        return Person(name=name, runs=folder) if folder.is_dir() else None

    def enter(self, word: str) -> str | None:
        """Return the token of whoever enters `word`: their own, or a new one for the invitation."""
        word = word.strip()
        if self.invitation is None or not word.isascii():
            return None
        if hmac.compare_digest(word, self.invitation):
            token = f"kw_{secrets.token_urlsafe(_BYTES)}"
            name = hashlib.sha256(token.encode()).hexdigest()[:_ID]
            folder = self._runs / FOLDER / name
            folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            return token
        return word if self.of(word) else None

    def everybody(self) -> list[Person]:
        """Return everybody who has been here."""
        if self.invitation is None:
            return [Person(name="local", runs=self._runs)]
        folder = self._runs / FOLDER
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return [Person(name=one.name, runs=one) for one in found if one.is_dir()]

    def pledge(self, person: Person) -> str:
        """Return what a form must bring back, so that no other site's form is taken for ours."""
        return hmac.new(self._key, f"form:{person.name}".encode(), "sha256").hexdigest()

    def kept(self, person: Person | None, pledge: str) -> bool:
        """Return whether a form brought back what it was given."""
        if person is None or not pledge.isascii():
            return False
        return hmac.compare_digest(self.pledge(person), pledge)


def invitation_of(runs: Path) -> str:
    """Return the invitation of a folder of runs, the same whenever the server is started."""
    return hmac.new(_key(runs), b"invitation", "sha256").hexdigest()[:32]


def _key(runs: Path) -> bytes:
    """Return the secret of a folder of runs, made when it is first needed.

    Raises:
        RunError: The folder cannot be written.
    """
    file = runs / KEY_FILE
    try:
        runs.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        if not file.exists():
            made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "w") as out:
                out.write(secrets.token_hex(32))
        return file.read_bytes()
    except OSError as error:
        raise RunError(
            f"The folder of runs {runs} cannot be written ({error.strerror}); set KNOCKWISE_RUNS "
            "to a folder you can write to."
        ) from error
