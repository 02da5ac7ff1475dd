"""The plots of an evaluation, as SVG that is the same whenever the figures are."""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evals.harness.resampling import Estimate
from evals.perturbqa.rows import TASK_NAMES, TASKS, TaskName
from evals.perturbqa.schema import CONTROLS, MODEL, Metrics, Slice
from evals.published import PUBLISHED
from models.response.screens import CELL_LINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, CONTROL, QUOTED = "#b84a00", "#8fa3b5", "#d6dbe0"
LINES = dict(zip(CELL_LINES, ("#00609c", "#b84a00", "#3b7d4f", "#7a4fa0"), strict=True))
STYLE: dict[Any, Any] = {"font.size": 9, "svg.hashsalt": "knockwise", "axes.spines.top": False,
         "axes.spines.right": False, "axes.axisbelow": True}  # fmt: skip
CAPTIONS = {
    "lines-de": "Differential expression: the model and the controls with 95 % intervals, beside "
    "published figures. Official test rows where labels are at hand, held-out training rows "
    "(hatched) elsewhere; published figures are of the official test rows.",
    "lines-dir": "Direction, given differential expression; as above.",
    "reliability": "Stated against observed rate, ten equally filled bins.",
    "training-rows": "AUROC against the number of training rows of the readout in the line.",
    "classes": "AUROC among the perturbations of a functional class.",
}


def draw(metrics: Metrics, folder: Path) -> dict[str, str]:
    """Write the plots there is something to show in, and return their captions by name."""
    import matplotlib as mpl

    mpl.use("svg")
    drawings: Mapping[str, Callable[[Metrics], Figure | None]] = {
        "lines-de": lambda found: _lines(found, "de"),
        "lines-dir": lambda found: _lines(found, "dir"),
        "reliability": _reliability,
        "training-rows": lambda found: _slices(found.by_training_rows, "training rows", tall=False),
        "classes": lambda found: _slices(found.by_class, "", tall=True),
    }
    folder.mkdir(exist_ok=True)
    drawn = {}
    for name, drawing in drawings.items():
        with mpl.rc_context(STYLE):
            figure = drawing(metrics)
            if figure is not None:
                (folder / f"{name}.svg").write_text(_svg(figure), encoding="utf-8")
                drawn[name] = CAPTIONS[name]
    return drawn


def _svg(figure: "Figure") -> str:
    buffer = StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _figure(width: float, height: float, columns: int = 1) -> tuple["Figure", list["Axes"]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)
    return figure, list(axes[0])


def _lines(metrics: Metrics, task: TaskName) -> "Figure | None":
    """Draw bars per line: the published, the controls, the model."""
    chosen = {}
    for one in (*metrics.of("cv"), *metrics.of("test")):
        if one.task == task:
            chosen[one.predictor, one.cell_line] = one
    lines = [line for line in CELL_LINES if (MODEL, line) in chosen]
    if not lines:
        return None
    predictors = [name for name in (*CONTROLS, MODEL) if (name, lines[0]) in chosen]
    names = [*PUBLISHED[task], *predictors]
    figure, (axes,) = _figure(11, 4)
    width = 0.86 / len(names)
    for number, name in enumerate(names):
        at = np.arange(len(lines)) + (number - (len(names) - 1) / 2) * width
        if name in PUBLISHED[task]:
            values = [PUBLISHED[task][name][CELL_LINES.index(line)] for line in lines]
            axes.bar(at, values, width * 0.9, color=QUOTED, edgecolor="#9aa5b0", linewidth=0.4)
            continue
        scores = [chosen[name, line] for line in lines]
        colour = OURS if name == MODEL else CONTROL
        bars = axes.bar(at, [s.auroc.value for s in scores], width * 0.9, color=colour)
        for bar, one in zip(bars, scores, strict=True):
            bar.set_hatch("" if one.split == "test" else "////")
            bar.set_edgecolor("white")
        _whiskers(axes, at, [s.auroc for s in scores])
        for x, one in zip(at, scores, strict=True):
            if name == MODEL:
                axes.text(x, one.auroc.high + 0.008, f"{one.auroc.value:.3f}", ha="center", size=8)
    axes.set_xticks(range(len(lines)), lines)
    axes.axhline(0.5, color="#5b6570", linewidth=0.8)
    axes.set_ylim(0.4, 1.03)
    axes.set_ylabel("macro per-gene AUROC")
    axes.set_xlabel(f"from left: {', '.join(names)}", size=8, wrap=True)
    axes.set_title(TASK_NAMES[task], size=9)
    return figure


def _reliability(metrics: Metrics) -> "Figure | None":
    if not metrics.reliability:
        return None
    figure, panels = _figure(9, 4.4, len(TASKS))
    for axes, task in zip(panels, TASKS, strict=True):
        axes.plot([0, 1], [0, 1], color="#9aa5b0", linewidth=0.8)
        for line, colour in LINES.items():
            for split, marker in (("test", "o-"), ("cv", "x:")):
                bins = [
                    b
                    for b in metrics.reliability
                    if (b.task, b.cell_line, b.split) == (task, line, split)
                ]
                if bins:
                    label = f"{line}, {'test' if split == 'test' else 'held out'}"
                    stated, observed = [b.stated for b in bins], [b.observed for b in bins]
                    axes.plot(stated, observed, marker, color=colour, markersize=4, label=label)
        axes.set_xlabel("stated probability")
        axes.set_ylabel("observed rate")
        axes.set_title(TASK_NAMES[task], size=9)
        axes.legend(frameon=False, fontsize=7)
    return figure


def _slices(slices: Sequence[Slice], label: str, *, tall: bool) -> "Figure | None":
    names = list(dict.fromkeys(one.name for one in slices if one.telling))
    if not names:
        return None
    figure, panels = _figure(11, max(3.4, 0.24 * len(names)) if tall else 3.4, len(TASKS))
    for axes, task in zip(panels, TASKS, strict=True):
        mine = {one.name: one.auroc for one in slices if one.task == task and one.telling}
        shown = [name for name in names if name in mine]
        at = np.arange(len(shown))
        if tall:
            for y, name in zip(at, shown, strict=True):
                axes.plot([mine[name].low, mine[name].high], [y, y], color=OURS, linewidth=1.2)
                axes.plot(mine[name].value, y, "o", color=OURS, markersize=4)
            axes.set_yticks(at, shown)
            axes.invert_yaxis()
            axes.set_xlabel("macro per-gene AUROC")
            axes.axvline(0.5, color="#9aa5b0", linewidth=0.8)
        else:
            axes.plot(at, [mine[name].value for name in shown], "o-", color=OURS, markersize=4)
            _whiskers(axes, at, [mine[name] for name in shown])
            axes.set_xticks(at, shown, rotation=20)
            axes.set_xlabel(label)
            axes.set_ylabel("macro per-gene AUROC")
        axes.set_title(TASK_NAMES[task], size=9)
    return figure


def _whiskers(axes: "Axes", at: NDArray[np.number], values: Sequence[Estimate]) -> None:
    middle = np.array([v.value for v in values])
    ends = np.array([[v.value - v.low, v.high - v.value] for v in values]).T
    axes.errorbar(at, middle, ends, fmt="none", ecolor="#1b1f23", elinewidth=0.9, capsize=1.5)
