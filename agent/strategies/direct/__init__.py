"""No retrieval: what the language model knows by itself, as a control."""

from pydantic import Field

from agent.strategies.judging import PromptStrategy
from knowledge.schema import Frozen


class Recollection(Frozen):
    """What the model remembers."""

    reasoning: str = Field(max_length=400)


STRATEGY = PromptStrategy(
    name="direct", shown={}, reasoning={"de": Recollection, "dir": Recollection}
)
