"""What a run of the challenge's measures tells besides its scores."""

from evals.harness.scores import Measure
from knowledge.schema import Frozen

MEASURES = {
    "discrimination": Measure(name="discrimination"),
    "error": Measure(name="expression error", better="less"),
    "fidelity": Measure(name="direction fidelity"),
    "reach": Measure(name="direction reach"),
    "agreement": Measure(name="set agreement"),
    "fold change": Measure(name="fold-change error", better="less"),
}
"""The six of `vcc2026`, in the order of their specification."""
SPREAD = 2.0
MOST = 4
"""Measures of six that must have a scale before their mean is told."""


class Scale(Frozen):
    """Where one measure puts the mean response and a replicate.

    Attributes:
        mean: What the context's own mean response reaches, the 0 of the scale.
        replicate: What one half of the cells reaches against the other, the 1 of it.
        spread: Standard deviation of that over five splits.
    """

    mean: float | None
    replicate: float | None
    spread: float | None

    def usable(self, measure: str) -> bool:
        """Return whether a replicate is better than the mean by more than it varies."""
        if self.mean is None or self.replicate is None or self.spread is None:
            return False
        span = self.replicate - self.mean
        sign = 1 if MEASURES[measure].better == "more" else -1
        return sign * span > SPREAD * self.spread and abs(span) > 1e-9


class PanelFacts(Frozen):
    """The cells of one context.

    Attributes:
        context: Which.
        perturbations: How many genes are perturbed.
        cells: Median number of cells of each.
        controls: Control cells.
        tested: Readouts expressed enough to be tested.
        readouts: All of them.
        called: Mean number of significant readouts of a perturbation.
        scales: Of each measure.
    """

    context: str
    perturbations: int
    cells: int
    controls: int
    tested: int
    readouts: int
    called: float
    scales: dict[str, Scale]

    @property
    def usable(self) -> tuple[str, ...]:
        """Return the measures that have a scale here."""
        return tuple(name for name in MEASURES if self.scales[name].usable(name))


class Facts(Frozen):
    """Of all contexts.

    Attributes:
        panels: In order.
        package: Version of cell-eval2 that scored the same cells, "" where it did not.
        difference: The largest difference between its values and ours.
    """

    panels: tuple[PanelFacts, ...]
    package: str = ""
    difference: float | None = None
