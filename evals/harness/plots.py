"""How plots look, and how they are written: SVG that is the same whenever the figures are."""

from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.harness.resampling import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, CONTROL, QUOTED, INK = "#b84a00", "#8fa3b5", "#d6dbe0", "#1b1f23"
BLUE, GREEN, VIOLET = "#00609c", "#3b7d4f", "#7a4fa0"
STYLE: dict[Any, Any] = {"font.size": 9, "svg.hashsalt": "knockwise", "axes.spines.top": False,
         "axes.spines.right": False, "axes.axisbelow": True}  # fmt: skip


class Plot(NamedTuple):
    """A figure to be written, and what is said below it."""

    name: str
    caption: str
    figure: "Figure"


def written(plots: Iterable[Plot], folder: Path) -> dict[str, str]:
    """Write plots as SVG files into a folder, and return their captions by name.

    They are taken one by one, within the style that all share.
    """
    import matplotlib as mpl

    mpl.use("svg")
    captions: dict[str, str] = {}
    with mpl.rc_context(STYLE):
        for name, caption, figure in plots:
            folder.mkdir(exist_ok=True)
            buffer = StringIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=150)
            (folder / f"{name}.svg").write_text(buffer.getvalue(), encoding="utf-8")
            captions[name] = caption
    return captions


def panels(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple["Figure", list["Axes"]]:
    """Return a figure and its panels, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def whiskers(
    axes: "Axes", at: NDArray[np.number], values: Sequence[Estimate], *, across: bool = False
) -> None:
    """Draw the intervals of estimates at these places, upright or `across`."""
    middle = np.array([v.value for v in values])
    ends = np.abs(np.array([[v.value - v.low, v.high - v.value] for v in values]).T)
    x, y, error = (middle, at, "xerr") if across else (at, middle, "yerr")
    look: dict[str, Any] = {"fmt": "none", "ecolor": INK, "elinewidth": 0.9, error: ends}
    axes.errorbar(x, y, capsize=0 if across else 1.5, **look)


def interval(axes: "Axes", y: float, value: Estimate, colour: str, *, filled: bool = True) -> None:
    """Draw an estimate as a dot on its interval, filled or open."""
    axes.plot([value.low, value.high], [y, y], color=colour, linewidth=1.2)
    face = colour if filled else "white"
    axes.plot(value.value, y, "o", color=colour, markerfacecolor=face, markersize=4)
