"""Keeps every computed vector, so that a build killed at any moment goes on where it stopped."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SCHEMA = """
PRAGMA page_size = 16384;  -- ten vectors a page; the default would waste half of each
CREATE TABLE IF NOT EXISTS build (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS vectors (text_digest TEXT PRIMARY KEY, vector BLOB NOT NULL);
"""


def text_digest(text: str) -> str:
    """Return the key of a text's vector."""
    return hashlib.sha256(text.encode()).hexdigest()


class VectorStore:
    """Vectors of one encoder by text, in SQLite; a batch is there whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @property
    def encoder(self) -> tuple[str, str] | None:
        """Return name and fingerprint of the encoder that the vectors are of."""
        name, fingerprint = self._value("encoder"), self._value("fingerprint")
        return (name, fingerprint) if name and fingerprint else None

    @property
    def wanted(self) -> int:
        """Return how many vectors the last build wanted."""
        return int(self._value("wanted") or 0)

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def start(self, name: str, fingerprint: str, wanted: int) -> None:
        """Note what is being built; vectors of another encoder are dropped."""
        with self._connection:
            if self._value("fingerprint") != fingerprint:
                self._connection.execute("DELETE FROM vectors")
            self._connection.executemany(
                "INSERT OR REPLACE INTO build VALUES (?, ?)",
                (("encoder", name), ("fingerprint", fingerprint), ("wanted", str(wanted))),
            )

    def digests(self) -> set[str]:
        """Return the keys of all texts that have a vector."""
        return {row[0] for row in self._connection.execute("SELECT text_digest FROM vectors")}

    def add(self, digests: Iterable[str], vectors: NDArray[np.float32]) -> None:
        """Keep a batch of vectors, `(digests, dim)`."""
        rows = zip(digests, (vector.tobytes() for vector in vectors), strict=True)
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def get(self, digests: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, `(digests, dim)`.

        Raises:
            KeyError: A text has no vector.
        """
        found = []
        for digest in digests:
            row = self._connection.execute(
                "SELECT vector FROM vectors WHERE text_digest = ?", (digest,)
            ).fetchone()
            if row is None:
                raise KeyError(digest)
            found.append(np.frombuffer(row[0], dtype=np.float32))
        return np.stack(found)

    def keep_only(self, digests: set[str]) -> None:
        """Drop the vectors of texts that are no longer wanted."""
        with self._connection:
            self._connection.executemany(
                "DELETE FROM vectors WHERE text_digest = ?",
                [(digest,) for digest in self.digests() - digests],
            )

    def _value(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM build WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None
