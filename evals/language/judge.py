"""Asks a language model about rows, several at a time, in an order that shares prompts."""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from agent.llm.chat import ChatModel
from agent.metering import Account, MeteredChat
from agent.strategies import Judgement, Strategy, build_case
from evals.language.rows import Row
from evals.language.store import Judged, Prompt
from knowledge.base import Knowledge
from knowledge.errors import KnockwiseError
from knowledge.schema import Perturbation
from tools.effects import EffectPredictor

# About the 16 tokens that vLLM caches as a whole.
BLOCK_CHARACTERS = 64
# How long a server may be away, for a restart, before a batch stops; in growing pauses.
PAUSES_S = (1, 2, 4, 8, 16, 30, 60)


@dataclass(frozen=True, slots=True)
class Asker:
    """Everything that a row is judged with; `unseen` is what it is not told of, in its line."""

    knowledge: Knowledge
    predictor: EffectPredictor
    strategy: Strategy
    chat: ChatModel
    unseen: Mapping[Row, frozenset[str]] = field(default_factory=dict)

    async def judge(self, row: Row) -> Judged:
        """Return what the model makes of a row; a server that is away is waited for.

        Raises:
            UnreachableError: The server has not come back.
        """
        perturbation = Perturbation(genes=(row.pert,), kind="knockdown", cell_line=row.cell_line)
        unseen = self.unseen.get(row, frozenset()) - {row.pert}
        case = build_case(self.knowledge, self.predictor, perturbation, row.gene, unseen)
        for pause_s in (*PAUSES_S, None):
            account = Account()
            metered = MeteredChat(self.chat, account)
            said = await self.strategy.judge(metered, case, tasks=(row.task,))
            if account.gone is None:
                return _judged(row, said, account)
            if pause_s is None:
                raise account.gone
            await asyncio.sleep(pause_s)
        raise AssertionError("the last pause ends the loop")


async def judge_rows(
    asker: Asker, rows: Sequence[Row], concurrency: int, keep: Callable[[Judged], None]
) -> None:
    """Judge `rows` in their order, `concurrency` at a time, and hand each to `keep` at once.

    Raises:
        KnockwiseError: The first that a row ends with; what was handed over stays.
    """
    left = iter(rows)

    async def work() -> None:
        for row in left:
            keep(await asker.judge(row))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(rows))):
                group.create_task(work())
    except* KnockwiseError as failures:
        raise _first(failures) from None


def shared_tokens(prompts: Sequence[Prompt], before: Sequence[Prompt]) -> tuple[float, float]:
    """Return how many prompt tokens stand in beginnings that were sent before.

    Args:
        prompts: The requests of a row, in order.
        before: Those of the row before.

    Returns:
        Tokens shared with a request of the row before; and with any such or an earlier request of
        the row itself.
    """
    with_row_before = with_any = 0.0
    for number, prompt in enumerate(prompts):
        common = max((_common(prompt, one) for one in before), default=0)
        own = max((_common(prompt, one) for one in prompts[:number]), default=0)
        with_row_before += prompt.tokens * common / len(prompt.blocks)
        with_any += prompt.tokens * max(common, own) / len(prompt.blocks)
    return with_row_before, with_any


def _judged(row: Row, said: Judgement, account: Account) -> Judged:
    answered = [request for request in account.requests if "usage" in request]
    return Judged(
        row=row.id,
        p=said.p_de if row.task == "de" else said.p_up,
        failed=said.failed,
        trimmed=len(said.trimmed),
        usage=account.usage,
        prompts=tuple(
            Prompt(tokens=request["usage"]["prompt"], blocks=_blocks(request["messages"]))
            for request in answered
        ),
    )


def _blocks(messages: Sequence[dict[str, Any]]) -> tuple[int, ...]:
    text = "\n".join(f"{message['role']}: {message['content']}" for message in messages).encode()
    return tuple(
        zlib.crc32(text[at : at + BLOCK_CHARACTERS]) for at in range(0, len(text), BLOCK_CHARACTERS)
    )


def _common(one: Prompt, other: Prompt) -> int:
    pairs = zip(one.blocks, other.blocks, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _first(failures: BaseExceptionGroup[KnockwiseError]) -> KnockwiseError:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
