"""Strategies taken apart, to see what each part of their prompts is worth.

`knockwise, at once, without siblings` is `knockwise` without its reasoning and without what the
same knockdown did to similar readouts.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from agent.strategies.case import Heading
from agent.strategies.judging import ABOUT, PromptStrategy
from knowledge.errors import QuestionError

AT_ONCE = "at once"
"""Without reasoning: the answer's first token follows the question."""
SWAPPED = "swapped"
"""The question names its answers the other way round."""
WITHOUT = "without "
"""Before a heading of the case whose facts are not shown, or `about`, the genes' descriptions."""
HIDEABLE = (*get_args(Heading), ABOUT)


def varied(strategy: PromptStrategy, changes: Sequence[str]) -> PromptStrategy:
    """Return a strategy with `changes`, each `at once`, `swapped` or `without HEADING`.

    Raises:
        QuestionError: There is no such change.
    """
    hidden = {one.removeprefix(WITHOUT) for one in changes if one.startswith(WITHOUT)}
    known = {AT_ONCE, SWAPPED, *(WITHOUT + one for one in HIDEABLE)}
    if unknown := [one for one in changes if one not in known]:
        raise QuestionError(
            f"A strategy cannot be asked {unknown[0]!r}; say 'at once', 'swapped' or 'without' "
            f"and one of {', '.join(HIDEABLE)}."
        )
    return replace(
        strategy,
        name=", ".join([strategy.name, *changes]),
        reasoning={} if AT_ONCE in changes else strategy.reasoning,
        swapped=SWAPPED in changes,
        hidden=frozenset(hidden),
    )
