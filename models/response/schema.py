"""What the response model says about one readout: frozen, so that it can cross package borders."""

from typing import Literal

from knowledge.schema import Frozen, Interval, Probability

Outcome = Literal["up", "down", "unchanged"]


class Analogue(Frozen):
    """A measured experiment that speaks for or against a prediction.

    Attributes:
        perturbation: The gene that was knocked down.
        readout: The gene whose transcript was read.
        cell_line: Where it was measured.
        outcome: What was measured; always a row of the training split.
        similarity: How alike the two perturbed genes are, 0 to 1.
        contribution: Signed weight of this row in the vote: positive where it speaks for a change.
        reasons: What the two perturbed genes share.
    """

    perturbation: str
    readout: str
    cell_line: str
    outcome: Outcome
    similarity: Probability
    contribution: float
    reasons: tuple[str, ...] = ()


class ResponsePrediction(Frozen):
    """P(DE) and P(up | DE) of one readout, with 90 % intervals and the experiments behind them.

    An abstained prediction still carries the prior of the readout, and `reason` says why it is no
    more than that. `reason` also carries the assumption behind a double perturbation or an
    activation.
    """

    genes: tuple[str, ...]
    readout: str
    cell_line: str
    p_de: Probability
    p_up: Probability
    interval: Interval
    p_up_interval: Interval
    abstained: bool = False
    reason: str = ""
    seen_in_training: bool = False
    analogues: tuple[Analogue, ...] = ()
