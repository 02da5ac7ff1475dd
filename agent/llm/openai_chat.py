"""A language model behind any OpenAI-compatible address; vLLM is the one we serve and test."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from agent.llm import answer_token
from agent.llm.chat import Message, Reply, ToolCall, ToolSchema, Usage
from agent.llm.client import Client
from agent.llm.dialect import Dialect
from agent.llm.errors import LLMError, RefusedError
from agent.llm.probe import Served, served
from agent.llm.reading import without_thoughts
from agent.llm.text_calls import text_calls
from agent.llm.wire import Choice, Completion, Position, wire_message
from agent.settings import LLMSettings

TOP_LOGPROBS = 20  # the most that vLLM and the protocol allow by default
NEGLIGIBLE = 1e-4  # the share of a spelling that is not worth another request


class OpenAIChat:
    """One model on one server, for the tasks of one event loop; close it after use.

    `async with OpenAIChat(settings) as chat: ...` does both: it finds the model and closes.
    """

    def __init__(self, settings: LLMSettings) -> None:
        """Open nothing yet.

        Raises:
            LLMError: No usable address is configured.
        """
        self._settings = settings
        self._client = Client(settings)
        self._turns = asyncio.Semaphore(settings.concurrency)
        self._looking = asyncio.Lock()
        self._served: Served | None = None
        self._dialect = Dialect()

    async def __aenter__(self) -> Self:
        """Find the model.

        Raises:
            LLMError: The server does not answer or serves another model.
        """
        try:
            await self.served()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def address(self) -> str:
        """Where the model is, without keys and passwords."""
        return self._client.url

    @property
    def model(self) -> str:
        """The id of the model; what the settings say as long as the server was not asked."""
        return self._served.model if self._served else self._settings.model

    async def served(self) -> Served:
        """Return what the server says it serves; it is asked once.

        Raises:
            LLMError: It does not answer or serves another model.
        """
        async with self._looking:
            if self._served is None:
                self._served = await served(self._client, self._settings)
            return self._served

    async def context_length(self) -> int:
        """Return how many tokens fit, prompt and reply together."""
        return (await self.served()).context_length or self._settings.context_length

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: type[BaseModel] | None = None,
        tools: Sequence[ToolSchema] = (),
        max_tokens: int = 1024,
        seed: int = 0,
    ) -> Reply:
        """Return the model's reply; `schema` constrains it, and nobody has validated it yet.

        Raises:
            LLMError: The server cannot be reached or refuses.
        """
        more: dict[str, Any] = {"tools": list(tools)} if tools else {}
        choice, usage = await self._ask(messages, max_tokens, seed, more, schema)
        content = choice.message.content
        calls = tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in choice.message.tool_calls
        )
        if tools and not calls:
            names = [str(tool["function"]["name"]) for tool in tools]
            calls = text_calls(without_thoughts(content), names)
            content = "" if calls else content
        return Reply(
            content=content, tool_calls=calls, finish=choice.finish_reason or "", usage=usage
        )

    async def choose(
        self, messages: Sequence[Message], options: Sequence[str]
    ) -> tuple[dict[str, float], Usage]:
        """Return the probability of each of `options` as the answer, and the cost.

        vLLM can write nothing but an option; a beginning that several options share is gone on
        with. Another server can write anything: of its most probable tokens those count that are
        an option as a whole, so the prompt should ask for one word. An option that is not among
        the most probable has 0.

        Raises:
            LLMError: The server cannot be reached, gives no log-probabilities, or none for an
                option.
        """
        answer_token.check(options)
        masses, usage = await self._masses(messages, tuple(options))
        total = sum(masses.values())
        if not total:
            raise LLMError(
                f"{self.model} gives none of {', '.join(options)} among its {TOP_LOGPROBS} most "
                "probable answers; use another model, or serve this one with vLLM."
            )
        return {option: mass / total for option, mass in masses.items()}, usage

    async def _masses(
        self, messages: Sequence[Message], options: tuple[str, ...], begun: str = ""
    ) -> tuple[dict[str, float], Usage]:
        """Return the probability of each option's spellings, once `begun` is written."""
        is_vllm = (await self.served()).vllm
        position, usage = await self._position(messages, options, begun, constrain=is_vllm)
        if not is_vllm:
            return answer_token.free(position, options).option, usage
        found = answer_token.constrained(position, options, begun)
        masses, spelled = dict(found.option), sum(found.option.values())
        for start, mass in found.begun.items():
            # A thinking model cannot be made to go on with what it did not write.
            if self._settings.thinking or mass < NEGLIGIBLE * (mass + spelled):
                continue
            group = tuple(option for option in options if option.startswith(start))
            shares, cost = await self._masses(messages, group, start)
            usage += cost
            for option, share in shares.items():
                masses[option] += mass * share
        return masses, usage

    async def _position(
        self, messages: Sequence[Message], options: Sequence[str], begun: str, *, constrain: bool
    ) -> tuple[Position, Usage]:
        """Return the token that the answer begins with, or goes on with after `begun`."""
        more: dict[str, Any] = {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        if constrain:
            rests = [option.removeprefix(begun) for option in options]
            more["structured_outputs"] = {"choice": rests}
        if begun:
            messages = [*messages, Message(role="assistant", content=begun)]
            more |= {"continue_final_message": True, "add_generation_prompt": False}
        choice, usage = await self._ask(messages, 1, 0, more)
        positions = (choice.logprobs.content if choice.logprobs else None) or ()
        if not positions:
            raise LLMError(
                f"{self._client.url} gives no log-probabilities, which answers are weighed by; "
                "use a server that does, such as vLLM, or `--reasoner evidence`."
            )
        if not self._settings.thinking:
            return positions[0], usage
        position = answer_token.first(positions, choice.message.content)
        if position is None:
            raise LLMError(
                f"{self.model} does not come to an answer within "
                f"{self._settings.thinking_tokens} tokens; raise KNOCKWISE_LLM__THINKING_TOKENS or "
                "set KNOCKWISE_LLM__THINKING=false."
            )
        return position, usage

    async def _ask(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        seed: int,
        more: Mapping[str, Any],
        schema: type[BaseModel] | None = None,
    ) -> tuple[Choice, Usage]:
        known = await self.served()
        if self._settings.thinking:
            max_tokens += self._settings.thinking_tokens
        body: dict[str, Any] = {
            "model": known.model,
            "messages": [wire_message(message) for message in messages],
            "temperature": 0,
            "seed": seed,
            "max_tokens": max_tokens,
            **more,
        }
        if known.vllm:
            body["chat_template_kwargs"] = {"enable_thinking": self._settings.thinking}
        async with self._turns:
            begun = time.perf_counter()
            completion = await self._post(body, schema)
            seconds = time.perf_counter() - begun
        return completion.choices[0], _usage(completion, seconds)

    async def _post(self, body: Mapping[str, Any], schema: type[BaseModel] | None) -> Completion:
        """Send a request, in other forms as long as the server refuses the one it got.

        Raises:
            LLMError: It refuses every form; the sentence is about the first.
        """
        first: RefusedError | None = None
        while True:
            written = self._dialect.body(body, schema)
            try:
                return await self._client.post("/chat/completions", written, Completion)
            except RefusedError as error:
                first = first or error
                if not self._dialect.learn(error.status, error.told, written):
                    self._dialect.forget()
                    raise first from None


def _usage(completion: Completion, seconds: float) -> Usage:
    tokens = completion.usage
    if tokens is None:
        return Usage(requests=1, seconds=seconds)
    details = tokens.prompt_tokens_details
    return Usage(
        requests=1,
        prompt=tokens.prompt_tokens,
        cached=details.cached_tokens if details else 0,
        completion=tokens.completion_tokens,
        seconds=seconds,
    )
