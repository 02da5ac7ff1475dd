"""What is known of one programme, frozen, as it is stored and told."""

from knowledge.schema import Frozen, Probability


class Regulator(Frozen):
    """A regulator whose regulon a programme's readouts are.

    Attributes:
        gene: Approved symbol.
        sign: +1: more of it goes with the programme up; -1: with the programme down.
        targets: Targets of it that load on the programme.
        agree: Those that load with the sign that the regulon gives them.
        z: How far the targets' mean loading is from that of all readouts, in standard errors.
        databases: Who asserts the regulon.
    """

    gene: str
    sign: int
    targets: int
    agree: int
    z: float
    databases: tuple[str, ...]


class SetMatch(Frozen):
    """A known set of genes that a programme's readouts or perturbations are enriched in.

    Attributes:
        name: Of the set.
        source: Its database, or `starter`.
        members: Members that load, or that were measured.
        z: As in `Regulator`; negative where losing members lowers the programme.
    """

    name: str
    source: str
    members: int
    z: float


class Programme(Frozen):
    """A set of readouts that answer together, and what is known of them.

    Attributes:
        id: `P01` to `P99`, the largest first.
        name: Unique; what people read.
        anchor: The starter pack's programme that it matches, if any.
        readouts: Known sets among its readouts, the best first.
        perturbations: Known sets whose loss shifts it, the best first.
        regulators: The best first.
        up: Readouts that go up with it most, and `down` those that go down.
        stability: Mean likeness to its counterpart in fits to four fifths of the perturbations.
        hold: Share of held-out changed readouts that moved with it as its loadings say, where it
            was expected to shift.
    """

    id: str
    name: str
    anchor: str = ""
    readouts: tuple[SetMatch, ...] = ()
    perturbations: tuple[SetMatch, ...] = ()
    regulators: tuple[Regulator, ...] = ()
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    stability: Probability = 0.0
    hold: Probability = 0.0
