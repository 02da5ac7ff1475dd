"""Keeps every judged row at once, so that a run that was killed goes on where it stopped."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

from agent.llm.chat import Usage
from knowledge.errors import RunError
from knowledge.schema import Frozen, Probability

TABLE = """
CREATE TABLE IF NOT EXISTS judgements (
    row TEXT, strategy TEXT, model TEXT, prompts TEXT, judged TEXT NOT NULL,
    PRIMARY KEY (row, strategy, model, prompts)
) WITHOUT ROWID
"""


class Prompt(Frozen):
    """One request of a row, as far as its cost is concerned.

    Attributes:
        tokens: Prompt tokens.
        blocks: A checksum of each block of the rendered prompt, see `evals.language.judge`.
    """

    tokens: int
    blocks: tuple[int, ...]


class Judged(Frozen):
    """What the model made of one row.

    Attributes:
        row: Its id.
        p: The model's probability of label 1; None where it gave nothing usable.
        failed: Why it gave none.
        trimmed: How many facts the context had no room for.
        usage: What asking cost, failed attempts included.
        prompts: The requests, in order.
    """

    row: str
    p: Probability | None
    failed: str = ""
    trimmed: int = 0
    usage: Usage = Usage()
    prompts: tuple[Prompt, ...] = ()


class Store:
    """Judged rows in SQLite, one transaction each; `Store.open(...)` is a context manager.

    Args:
        connection: To the file.
        strategy: Part of the key, as are the next two: another one is another judgement.
        model: The model's id.
        prompts_hash: The strategy's hash of its prompts.
    """

    def __init__(
        self, connection: sqlite3.Connection, strategy: str, model: str, prompts_hash: str
    ) -> None:
        self._connection = connection
        self._key = (strategy, model, prompts_hash)

    @classmethod
    @contextmanager
    def open(cls, path: Path, strategy: str, model: str, prompts_hash: str) -> Iterator[Self]:
        """Open the file, or make it.

        Raises:
            RunError: It cannot be read or written.
        """
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                # In a WAL a killed process loses nothing; a power cut at most the last rows.
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute(TABLE)
                yield cls(connection, strategy, model, prompts_hash)
        except sqlite3.Error as error:
            raise RunError(
                f"{path} cannot be used ({error}); make room, or name another folder."
            ) from error

    def put(self, judged: Judged) -> None:
        """Keep a row's judgement; a later one of the same row takes its place."""
        self._connection.execute(
            "INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?, ?)",
            (judged.row, *self._key, judged.model_dump_json()),
        )

    def all(self) -> dict[str, Judged]:
        """Return every kept judgement by the id of its row."""
        found = self._connection.execute(
            "SELECT row, judged FROM judgements WHERE (strategy, model, prompts) = (?, ?, ?)",
            self._key,
        )
        return {str(row): Judged.model_validate_json(text) for row, text in found}
