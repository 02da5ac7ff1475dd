"""What the page tells besides the scores."""

from knowledge.schema import Frozen


class Built(Frozen):
    """An index that was built, and what that took.

    Attributes:
        encoder: Name of the encoder.
        texts: How many documents it holds.
        counts: How many of each kind.
        encoded: How many texts were encoded, where the build was not gone on with.
        cpu_s: Seconds of processor time.
        mib: Size on disk, with the vectors that a later build goes on from.
    """

    encoder: str
    texts: int
    counts: dict[str, int]
    encoded: int
    cpu_s: float
    mib: float


class Cost(Frozen):
    """What texts cost with an encoder.

    Attributes:
        encoder: What tables call it.
        texts: How many were encoded.
        cpu_s: Seconds of processor time.
    """

    encoder: str
    texts: int
    cpu_s: float

    @property
    def rate(self) -> float:
        """Return texts per second of processor time."""
        return self.texts / self.cpu_s


class Facts(Frozen):
    """What the page tells besides the scores.

    Attributes:
        built: The index.
        ms: Median processor time of a search of the whole index, encoding included.
        costs: Of each encoder that was compared.
        left_out: Encoders that could not be tried here, and why.
    """

    built: Built
    ms: float
    costs: tuple[Cost, ...] = ()
    left_out: tuple[str, ...] = ()
