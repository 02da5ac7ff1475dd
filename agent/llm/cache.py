"""Replies kept by the content of their question, so that a run can be repeated to the letter.

A server's answers change with its batches and its version; what was once answered does not.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, TypeAdapter

from agent.llm.chat import ChatModel, Message, Reply, ToolSchema, Usage
from agent.llm.errors import LLMError

T = TypeVar("T")
FORMAT = 2
PATIENCE_S = 60.0
Choice = tuple[dict[str, float], Usage]
CHOICE: TypeAdapter[Choice] = TypeAdapter(Choice)
TABLE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, request TEXT NOT NULL, reply TEXT NOT NULL
) WITHOUT ROWID
"""


class CachedChat:
    """A chat model that answers a question it has answered before from a file.

    The usage of a kept reply is what it cost when it was given. Several processes may share the
    file.
    """

    def __init__(
        self,
        inner: ChatModel | None,
        path: Path,
        *,
        model: str = "",
        address: str = "",
        thinking: bool = False,
    ) -> None:
        """Open the file, or make it.

        Args:
            inner: Who answers what is new; nobody, to replay what is kept.
            path: The SQLite file.
            model: Without `inner`, whose replies to replay; may be empty if they are all of one.
            address: Where the model is: two servers may call different models the same. Without
                `inner`, may be empty if the replies are all of one address.
            thinking: Whether the model is let think, which its answers depend on.

        Raises:
            LLMError: The file cannot be used, or does not say which model to replay.
        """
        self._inner = inner
        self._path = path
        self._thinking = thinking
        self.hits = 0
        if inner is None and not path.is_file():
            raise LLMError(f"{path} is not there, so no reply can be replayed; name another file.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise LLMError(f"{path} cannot be opened ({error}); name another file.") from error
        try:
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(TABLE)
            self.model = inner.model if inner is not None else model or self._only_model()
            self._address = address
            if inner is None and not address:
                self._address = self._only_address()
        except sqlite3.DatabaseError as error:
            self.close()
            raise self._damaged(error) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: type[BaseModel] | None = None,
        tools: Sequence[ToolSchema] = (),
        max_tokens: int = 1024,
        seed: int = 0,
    ) -> Reply:
        """Return the reply that is kept, or ask and keep it.

        Raises:
            LLMError: As the inner model; or nothing is kept and there is none.
        """
        request = self._request(
            "complete",
            messages,
            schema=schema.model_json_schema() if schema else None,
            tools=[dict(tool) for tool in tools],
            max_tokens=max_tokens,
            seed=seed,
        )
        if (kept := self._kept(request)) is not None:
            self.hits += 1
            return self._parsed(kept, Reply.model_validate_json)
        reply = await self._asked().complete(
            messages, schema=schema, tools=tools, max_tokens=max_tokens, seed=seed
        )
        kept = self._keep(request, reply.model_dump_json())
        return self._parsed(kept, Reply.model_validate_json)

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        """Return the probabilities that are kept, or ask and keep them.

        Raises:
            LLMError: As the inner model; or nothing is kept and there is none.
        """
        request = self._request("choose", messages, options=list(options))
        if (kept := self._kept(request)) is not None:
            self.hits += 1
            return self._parsed(kept, CHOICE.validate_json)
        choice = await self._asked().choose(messages, options)
        kept = self._keep(request, CHOICE.dump_json(choice).decode())
        return self._parsed(kept, CHOICE.validate_json)

    async def context_length(self) -> int:
        """Return how many tokens fit; what was trimmed to fit depends on it, so it is kept too."""
        request = self._request("context_length", ())
        kept = self._kept(request)
        if self._inner is None and kept is not None:
            return self._parsed(kept, int)
        length = await self._asked().context_length()
        if kept != str(length):
            self._keep(request, str(length), replace=True)
        return length

    def _parsed(self, kept: str, read: Callable[[str], T]) -> T:
        try:
            return read(kept)
        except ValueError as error:
            raise self._damaged(error) from error

    def _request(self, kind: str, messages: Sequence[Message], **more: Any) -> str:  # noqa: ANN401  # whatever JSON can hold
        whole = {
            "format": FORMAT,
            "kind": kind,
            "model": self.model,
            "address": self._address,
            "thinking": self._thinking,
            "messages": [message.model_dump(mode="json") for message in messages],
            **more,
        }
        return json.dumps(whole, sort_keys=True, ensure_ascii=False)

    def _kept(self, request: str) -> str | None:
        try:
            row = self._file.execute(
                "SELECT reply FROM replies WHERE key = ?", (_key(request),)
            ).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error
        return None if row is None else str(row[0])

    def _keep(self, request: str, reply: str, *, replace: bool = False) -> str:
        """Keep a reply unless another task was faster; return the one that is kept."""
        try:
            self._file.execute(
                f"INSERT OR {'REPLACE' if replace else 'IGNORE'} INTO replies VALUES (?, ?, ?, ?)",
                (_key(request), self.model, request, reply),
            )
            (kept,) = self._file.execute(
                "SELECT reply FROM replies WHERE key = ?", (_key(request),)
            ).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error
        return str(kept)

    def _asked(self) -> ChatModel:
        if self._inner is None:
            raise LLMError(
                f"{self._path} has no reply of {self.model} to this question; start the server "
                "(`knockwise serve`) and set KNOCKWISE_LLM__BASE_URL, or name another file."
            )
        return self._inner

    def _only_model(self) -> str:
        names = [str(name) for (name,) in self._file.execute("SELECT DISTINCT model FROM replies")]
        if len(names) != 1:
            there = ", ".join(sorted(names)) or "no model"
            raise LLMError(
                f"{self._path} holds replies of {there}; set KNOCKWISE_LLM__MODEL to the one to "
                "replay."
            )
        return names[0]

    def _only_address(self) -> str:
        rows = self._file.execute(
            "SELECT DISTINCT json_extract(request, '$.address') FROM replies WHERE model = ?",
            (self.model,),
        )
        found = sorted({str(address or "") for (address,) in rows})
        if len(found) > 1:
            raise LLMError(
                f"{self._path} holds replies of {self.model} at {', '.join(found)}; set "
                "KNOCKWISE_LLM__BASE_URL to the one to replay."
            )
        return found[0] if found else ""

    def _damaged(self, error: Exception) -> LLMError:
        return LLMError(
            f"{self._path} cannot be used ({error}); make room, or delete it to ask anew."
        )


def _key(request: str) -> str:
    return hashlib.sha256(request.encode()).hexdigest()
