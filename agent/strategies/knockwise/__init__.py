"""Ours: what was counted and measured nearby, the strongest first, in few words; no noise."""

from pydantic import Field

from agent.strategies.experiments import NEAR
from agent.strategies.judging import PromptStrategy
from knowledge.schema import Frozen


class Weighing(Frozen):
    """The evidence in the balance."""

    for_a_change: str = Field(max_length=160)
    against: str = Field(max_length=160)
    if_so_which_way: str = Field(max_length=160)


STRATEGY = PromptStrategy(
    name="knockwise",
    shown={
        "line": 3,
        "sets": 3,
        "downstream": 6,
        "breadth": 5,
        "readout": 2,
        "habit": 1,
        "elsewhere": 3,
        "siblings": 4,
        "members": 2,
        "paths": 1,
        "changed": 4,
        "unchanged": 4,
    },
    least={"changed": NEAR, "unchanged": NEAR, "paths": 0.1},
    reasoning={"de": Weighing, "dir": Weighing},
    # It doubles the tokens, and has not been seen to order more pairs rightly.
    reasons=False,
)
