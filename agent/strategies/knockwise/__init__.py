"""Ours: compact contrastive evidence ranked by weight, signed paths, and a line per gene."""

from pydantic import Field

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
        "perturbed": 2,
        "line": 4,
        "sets": 8,
        "downstream": 10,
        "paths": 2,
        "changed": 4,
        "unchanged": 4,
    },
    reasoning={"de": Weighing, "dir": Weighing},
)
