"""A form that a model is to fill in, and the ways in which a server hands it over."""

import json

from pydantic import Field

from knowledge.schema import Frozen

GOOD = '{"gene": "TP53", "p": 0.5}'


class Verdict(Frozen):
    """What the model is to say."""

    gene: str = Field(max_length=20)
    p: float = Field(ge=0, le=1)


VERDICT = Verdict(gene="TP53", p=0.5)


def raw(value, **more):
    """A reply whose body is this, as text or as JSON."""
    return {"kind": "raw", "body": value if isinstance(value, str) else json.dumps(value), **more}
