"""SUMMER: summarise the genes, retrieve by its seven-level ladder, answer guiding questions.

Wu et al., Contextualizing biological perturbation experiments through language (ICLR 2025). Its
answer is read from the probabilities of a constrained token here, not from prose.
"""

from dataclasses import replace
from typing import Literal

from pydantic import Field

from agent.llm.chat import ChatModel, Message
from agent.llm.structured import structured
from agent.strategies.case import LADDER, Case, Heading
from agent.strategies.judging import REASONING_TOKENS, PromptStrategy
from agent.strategies.ladder import BUDGET
from knowledge.schema import Evidence, Frozen
from tools.evidence import TEXT_WEIGHT


class Overview(Frozen):
    """What a gene does, in the model's words."""

    overview: str = Field(max_length=800)


class Overlap(Frozen):
    """The five guiding questions about differential expression."""

    similar_perturbed_genes: str = Field(max_length=240)
    what_they_change: str = Field(max_length=240)
    similar_genes_of_interest: str = Field(max_length=240)
    what_changes_them: str = Field(max_length=240)
    overlap: str = Field(max_length=240)


class Balance(Frozen):
    """The seven guiding questions about the direction."""

    similar_perturbed_genes: str = Field(max_length=240)
    goes_down_after_them: str = Field(max_length=240)
    goes_up_after_them: str = Field(max_length=240)
    similar_genes_of_interest: str = Field(max_length=240)
    what_lowers_them: str = Field(max_length=240)
    what_raises_them: str = Field(max_length=240)
    overlap: str = Field(max_length=240)


_ENTRIES: dict[Heading, int] = {
    "perturbed": 2, "line": 4, "sets": 8, "downstream": 12, "readout": 2, "readout_sets": 6,
    "upstream": 12,
}  # fmt: skip


class Summer(PromptStrategy):
    """Summarises both genes first; the overviews then stand in for the entries."""

    async def opening(
        self, chat: ChatModel, case: Case, share: float = 1.0
    ) -> tuple[list[Message], tuple[str, ...]]:
        """Return the beginning of the conversation, and the facts that did not fit into it.

        Raises:
            LLMError: An overview could not be had, or not even the question fits.
        """
        perturbed, less = await self._overview(chat, case, "perturbed", share)
        readout, too = await self._overview(chat, case, "readout", share)
        facts: dict[Heading, tuple[Evidence, ...]] = {
            heading: case.facts[heading] for heading in LADDER
        }
        facts |= {"perturbed": (perturbed,), "readout": (readout,)}
        messages, trimmed = await super().opening(chat, replace(case, facts=facts), share)
        return messages, (*less, *too, *trimmed)

    async def _overview(
        self, chat: ChatModel, case: Case, of: Literal["perturbed", "readout"], share: float
    ) -> tuple[Evidence, tuple[str, ...]]:
        entries = {heading: case.facts.get(heading, ())[:n] for heading, n in _ENTRIES.items()}
        asked, trimmed = await self.fitted(
            chat,
            replace(case, facts=entries),
            lambda seen: self.said(seen, f"summarise_{of}.j2", schema=Overview),
            share,
        )
        said, _ = await structured(chat, asked, Overview, max_tokens=REASONING_TOKENS)
        overview = Evidence(
            id=f"overview:{of}",
            kind="text",
            statement=said.overview,
            source=chat.model,
            weight=TEXT_WEIGHT,
        )
        return overview, trimmed


STRATEGY = Summer(
    name="summer",
    shown={"perturbed": 1, "readout": 1, **dict.fromkeys(LADDER, 2 * BUDGET)},
    reasoning={"de": Overlap, "dir": Balance},
)
