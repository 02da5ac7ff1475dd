"""Ways of asking a language model about one readout: each a folder of prompts with a policy."""

from importlib import import_module

from agent.strategies.case import Case, build_case
from agent.strategies.judging import Judgement, Strategy, Task
from knowledge.errors import QuestionError
from knowledge.plugins import plugin, plugin_names

STRATEGIES = ("knockwise", "summer", "vcworld", "core", "direct")

__all__ = ["STRATEGIES", "Case", "Judgement", "Strategy", "Task", "build_case", "load_strategy"]


def load_strategy(name: str) -> Strategy:
    """Return the strategy called `name`, ours or one of another package.

    Raises:
        QuestionError: There is none.
    """
    others = plugin_names("strategies")
    if name in others:
        other: Strategy = plugin("strategies", name)
        return other
    if name not in STRATEGIES:
        known = ", ".join((*STRATEGIES, *others))
        raise QuestionError(f"There is no strategy {name!r}; choose one of {known}.")
    strategy: Strategy = import_module(f"{__name__}.{name}").STRATEGY
    return strategy
