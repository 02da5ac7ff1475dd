"""What an evaluation of answers about regulators tells besides its scores."""

from knowledge.schema import Frozen


class Facts(Frozen):
    """What the page tells.

    Attributes:
        regulators: How many were scored.
        agreeing: Of them, whose studies agree.
        held_out: Whether predictions with the regulator held out were scored too.
    """

    regulators: int
    agreeing: int
    held_out: bool
