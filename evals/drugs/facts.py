"""What a scoring of drugs tells besides its scores."""

from knowledge.schema import Frozen


class Wells(Frozen):
    """How alike Tahoe's lines are for a drug, before and after the wells' artefact was taken out.

    Attributes:
        what: Which signatures.
        inert: Median agreement between lines of drugs without a known target.
        active: The same of the others.
        plate: Share of the variance between drugs that the mean of their plate is.
    """

    what: str
    inert: float
    active: float
    plate: float


class Calibrated(Frozen):
    """Mean gap between stated and observed rates in ten equally filled bins."""

    task: str
    error: float
    rows: int


class Facts(Frozen):
    """What the page tells."""

    drugs: dict[str, int]
    related: dict[str, int]
    groups: dict[str, int]
    modes: dict[str, int]
    wells: tuple[Wells, ...]
    calibration: tuple[Calibrated, ...]
    ridge: dict[str, float]
