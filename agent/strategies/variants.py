"""Strategies taken apart, to see what each part of their prompts is worth.

`knockwise, reasoned, without siblings` is `knockwise` with a turn of reasoning and without what the
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
REASONED = "reasoned"
"""With a turn of reasoning before the answer, where the strategy has one."""
SWAPPED = "swapped"
"""The question names its answers the other way round."""
WITHOUT = "without "
"""Before a heading of the case whose facts are not shown, or `about`, the genes' descriptions."""
HIDEABLE = (*get_args(Heading), ABOUT)


def varied(strategy: PromptStrategy, changes: Sequence[str]) -> PromptStrategy:
    """Return a strategy, changed: `at once`, `reasoned`, `swapped` or `without HEADING`.

    Raises:
        QuestionError: There is no such change.
    """
    hidden = {one.removeprefix(WITHOUT) for one in changes if one.startswith(WITHOUT)}
    known = {AT_ONCE, REASONED, SWAPPED, *(WITHOUT + one for one in HIDEABLE)}
    if unknown := [one for one in changes if one not in known]:
        raise QuestionError(
            f"A strategy cannot be asked {unknown[0]!r}; say 'at once', 'reasoned', "
            f"'swapped' or 'without' and one of {', '.join(HIDEABLE)}."
        )
    return replace(
        strategy,
        name=", ".join([strategy.name, *changes]),
        reasons=(strategy.reasons or REASONED in changes) and AT_ONCE not in changes,
        swapped=SWAPPED in changes,
        hidden=frozenset(hidden),
    )
