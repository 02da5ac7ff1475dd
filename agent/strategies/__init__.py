"""Ways of asking a language model about one readout: each a folder of prompts with a policy."""

from importlib import import_module

from agent.strategies.case import Case, build_case
from agent.strategies.judging import Judgement, PromptStrategy, Strategy, Task
from agent.strategies.variants import varied
from knowledge.errors import QuestionError
from knowledge.plugins import plugin, plugin_names

STRATEGIES = ("knockwise", "summer", "vcworld", "core", "direct")

__all__ = ["STRATEGIES", "Case", "Judgement", "Strategy", "Task", "build_case", "load_strategy"]


def load_strategy(name: str) -> Strategy:
    """Return the strategy called `name`, ours or one of another package.

    Changes to one of ours may follow after commas; see `agent.strategies.variants`.

    Raises:
        QuestionError: There is none, or it cannot be changed so.
    """
    name, *changes = [part.strip() for part in name.split(",")]
    others = plugin_names("strategies")
    if name in others:
        other: Strategy = plugin("strategies", name)
        return other
    if name not in STRATEGIES:
        known = ", ".join((*STRATEGIES, *others))
        raise QuestionError(f"There is no strategy {name!r}; choose one of {known}.")
    strategy: PromptStrategy = import_module(f"{__name__}.{name}").STRATEGY
    return varied(strategy, changes) if changes else strategy
