"""CORE: contrastive evidence, the related perturbations that changed the readout and those not.

After CORE-Voting (arXiv 2606.01042), with measured outcomes in every example.
"""

from pydantic import Field

from agent.strategies.judging import PromptStrategy
from knowledge.schema import Frozen


class Contrast(Frozen):
    """What sets the two sides apart."""

    changed_it_share: str = Field(max_length=240)
    did_not_share: str = Field(max_length=240)
    resembles: str = Field(max_length=240)


STRATEGY = PromptStrategy(
    name="core",
    shown={"perturbed": 2, "sets": 4, "readout": 1, "changed": 8, "unchanged": 8},
    reasoning={"de": Contrast, "dir": Contrast},
)
