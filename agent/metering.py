"""Counts what a run asks of its language model, and keeps each request for the trace."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from agent.llm.chat import ChatModel, Message, Reply, ToolSchema, Usage
from agent.llm.errors import LLMError, UnreachableError
from knowledge.schema import Evidence

T = TypeVar("T")


@dataclass
class Account:
    """What has been asked of a language model.

    Attributes:
        budget: How many replies may be asked for, all in all; `None` for any number.
        asked: How many have been asked for.
        gone: How the server failed to answer; once it has, no more time is spent on it.
        usage: The cost since the account was last settled.
        requests: Each request with its reply since then, as the trace keeps it.
        evidence: What the model has looked up with the tools since then.
        lookups: How many tool calls it has made since then.
        refused: How many of them had bad arguments or named no tool.
        notes: What the reader of the answer must know since then, one sentence each.
    """

    budget: int | None = None
    asked: int = 0
    gone: UnreachableError | None = None
    usage: Usage = field(default_factory=Usage)
    requests: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    lookups: int = 0
    refused: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self.budget is not None and self.asked >= self.budget

    def settle(self) -> "Settled":
        """Return what has come together since the last time, and begin anew."""
        settled = Settled(
            usage=self.usage,
            requests=tuple(self.requests),
            evidence=tuple(self.evidence),
            lookups=self.lookups,
            refused=self.refused,
            notes=tuple(self.notes),
        )
        self.usage, self.lookups, self.refused = Usage(), 0, 0
        self.requests, self.evidence, self.notes = [], [], []
        return settled


@dataclass(frozen=True)
class Settled:
    """What one step of a run has asked; see `Account`."""

    usage: Usage = field(default_factory=Usage)
    requests: tuple[dict[str, Any], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    lookups: int = 0
    refused: int = 0
    notes: tuple[str, ...] = ()


class MeteredChat:
    """A chat model whose every request is put on an account, failed ones included."""

    def __init__(self, chat: ChatModel, account: Account) -> None:
        self._chat, self.account = chat, account

    @property
    def model(self) -> str:
        """The id of the model, as the server names it."""
        return self._chat.model

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: type[BaseModel] | None = None,
        tools: Sequence[ToolSchema] = (),
        max_tokens: int = 1024,
        seed: int = 0,
    ) -> Reply:
        """Return the model's reply; see `ChatModel.complete`."""
        asked = {"schema": schema.__name__ if schema else "", "tools": len(tools)}

        async def ask() -> tuple[Reply, Usage]:
            reply = await self._chat.complete(
                messages, schema=schema, tools=tools, max_tokens=max_tokens, seed=seed
            )
            return reply, reply.usage

        return await self._kept(messages, asked, ask, lambda reply: reply.model_dump(mode="json"))

    async def choose(
        self, messages: Sequence[Message], options: Sequence[str]
    ) -> tuple[dict[str, float], Usage]:
        """Return the probability of each option; see `ChatModel.choose`."""

        async def ask() -> tuple[tuple[dict[str, float], Usage], Usage]:
            chosen, usage = await self._chat.choose(messages, options)
            return (chosen, usage), usage

        return await self._kept(messages, {"options": list(options)}, ask, lambda pair: pair[0])

    async def context_length(self) -> int:
        """Return how many tokens fit, prompt and reply together."""
        return await self._chat.context_length()

    async def _kept(
        self,
        messages: Sequence[Message],
        asked: dict[str, Any],
        ask: Callable[[], Coroutine[Any, Any, tuple[T, Usage]]],
        told: Callable[[T], object],
    ) -> T:
        account = self.account
        if account.gone is not None:
            raise account.gone
        if account.spent:
            raise LLMError(
                f"The budget of {account.budget} replies is spent; "
                "raise KNOCKWISE_LLM__CALL_BUDGET for more."
            )
        account.asked += 1
        request = {"messages": [message.model_dump(mode="json") for message in messages], **asked}
        account.requests.append(request)
        try:
            reply, usage = await ask()
        except LLMError as error:
            if isinstance(error, UnreachableError):
                account.gone = error
            request["error"] = str(error)
            raise
        account.usage += usage
        request["reply"] = told(reply)
        request["usage"] = usage.model_dump(mode="json")
        return reply
