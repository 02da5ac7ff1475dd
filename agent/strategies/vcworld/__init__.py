"""VCWorld: analogue mechanism, specificity, cascade simulation, causal bridge, answer.

The five steps of VCWorld's prompt, for gene knockdowns and, with templates of their own, for drugs.
Its public batch prompt wrote a random outcome beside each retrieved example; here the outcomes are
the measured ones: of knockdowns of a drug's targets and, where a drug model is there, of drugs.
"""

from pydantic import Field

from agent.strategies.judging import PromptStrategy
from knowledge.schema import Frozen


class Simulation(Frozen):
    """The four steps before the answer."""

    analogue_mechanism: str = Field(max_length=240)
    specificity: str = Field(max_length=240)
    cascade: str = Field(max_length=240)
    causal_bridge: str = Field(max_length=240)


STRATEGY = PromptStrategy(
    name="vcworld",
    shown={
        "perturbed": 2,
        "line": 4,
        "sets": 6,
        "downstream": 12,
        "readout": 2,
        "readout_sets": 4,
        "upstream": 8,
        "paths": 2,
        "changed": 5,
        "unchanged": 5,
    },
    reasoning={"de": Simulation, "dir": Simulation},
    drug_shown={"drug": 6, "relatives": 6, "outcomes": 8},
)
