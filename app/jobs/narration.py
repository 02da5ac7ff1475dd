"""Lets the language model of the settings write sentences anew, each of them checked."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.jobs.analyses import Rewrite, Rewriting
from tools.counts.facts import Facts

if TYPE_CHECKING:
    from agent.settings import Settings


def rewriter(settings: "Settings") -> Rewrite:
    """Return what asks the language model of the settings."""
    from agent.llm.open import open_chat
    from agent.narrative.editing import rewritten

    async def asked(sentences: Sequence[str], facts: Facts) -> Rewriting:
        async with open_chat(settings) as chat:
            found = await rewritten(chat, sentences, facts.check)
            return Rewriting(
                model=chat.model,
                sentences=found.sentences,
                kept=found.kept,
                dropped=found.dropped,
            )

    return lambda sentences, facts: asyncio.run(asked(sentences, facts))
