"""The plots of an evaluation, as SVG that is the same whenever the figures are."""

from collections.abc import Callable, Mapping
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.perturbqa.plots import CONTROL, OURS, QUOTED, STYLE
from evals.phenotypes.report import MOST_SYSTEMS, shown_predictors
from evals.phenotypes.schema import Bottleneck, Division, Metrics, Role, SystemScore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS: Mapping[Role, str] = {
    "ours": OURS, "baseline": CONTROL, "reference": "#3b7d4f", "ablation": QUOTED,
}  # fmt: skip
LINES = ("-", "--", ":", "-.", (0, (1, 4)))
CURVE = (
    "Precision against recall at 101 thresholds, the mean over genes; thin grey lines are equal F. "
    "The dot is where F is highest."
)
BARS = "Macro AUROC over the terms of each top-level system, with 95 % intervals."
HEAT = (
    "Which functions (rows) carry the phenotypes of which systems (columns): mean weight over the "
    "system's terms, for the functions that carry most. Red raises, blue lowers."
)


def draw(metrics: Metrics, folder: Path) -> dict[str, str]:
    """Write the plots there is something to show in, and return their captions by name."""
    import matplotlib as mpl

    mpl.use("svg")
    drawings: dict[str, tuple[str, Callable[[], Figure]]] = {}
    for about in metrics.divisions:
        key = f"{about.collection}-{about.split}"
        drawings[f"curve-{key}"] = (CURVE, partial(_curve, metrics, about))
        if any(_of(s, about) for s in metrics.systems):
            drawings[f"systems-{key}"] = (BARS, partial(_bars, metrics, about))
    for one in metrics.bottlenecks:
        drawings[f"bottleneck-{one.collection}"] = (HEAT, partial(_heat, one))
    folder.mkdir(exist_ok=True)
    drawn = {}
    for name, (caption, drawing) in drawings.items():
        with mpl.rc_context(STYLE):
            (folder / f"{name}.svg").write_text(_svg(drawing()), encoding="utf-8")
        drawn[name] = caption
    return drawn


def _svg(figure: "Figure") -> str:
    buffer = StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _of(one: SystemScore, about: Division) -> bool:
    return (one.collection, one.split) == (about.collection, about.split)


def _curve(metrics: Metrics, about: Division) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 4.4), layout="constrained")
    axes = figure.subplots()
    reach = np.linspace(0.001, 1, 200)
    for f in (0.2, 0.4, 0.6, 0.8):
        level = f * reach / (2 * reach - f)
        shown = (level > 0) & (level <= 1)
        axes.plot(reach[shown], level[shown], color="#d6dbe0", linewidth=0.7)
    mine = [
        one for one in metrics.curves
        if (one.collection, one.split) == (about.collection, about.split)
    ]  # fmt: skip
    for place, one in enumerate(mine):
        recall = np.array(one.recall)
        precision = np.array([np.nan if p is None else p for p in one.precision])
        colour = COLOURS[one.role]
        style = "-" if one.role == "ours" else LINES[place % len(LINES)]
        axes.plot(recall, precision, linestyle=style, color=colour, label=one.predictor,
                  linewidth=1.8 if one.role == "ours" else 1.1)  # fmt: skip
        with np.errstate(invalid="ignore", divide="ignore"):
            f_measure = np.nan_to_num(2 * precision * recall / (precision + recall))
        best = int(f_measure.argmax())
        axes.plot(recall[best], precision[best], "o", color=colour, markersize=4)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="recall", ylabel="precision")
    axes.set_title(f"{about.collection}, {about.split} split", size=9)
    axes.legend(frameon=False, fontsize=7)
    return figure


def _bars(metrics: Metrics, about: Division) -> "Figure":
    from matplotlib.figure import Figure

    mine = [s for s in metrics.systems if _of(s, about)]
    roles = {s.predictor: s.role for s in metrics.scores}
    sizes = {s.system: s.terms for s in mine}
    order = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_SYSTEMS]
    names = shown_predictors(metrics, about)
    found = {(s.system, s.predictor): s.auroc for s in mine}
    figure = Figure(figsize=(9, 0.5 * len(order) + 1.4), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / max(len(names), 1)
    for place, name in enumerate(names):
        rows = [row for row, system in enumerate(order) if (system, name) in found]
        values = [found[order[row], name] for row in rows]
        at = np.array(rows) + (place - (len(names) - 1) / 2) * height
        width = np.array([v.value for v in values])
        ends = np.abs(np.array([[v.value - v.low, v.high - v.value] for v in values]).T)
        axes.barh(at, width, height * 0.9, color=COLOURS[roles[name]], label=name)
        if rows:
            axes.errorbar(width, at, xerr=ends, fmt="none", ecolor="#1b1f23", elinewidth=0.8)
    axes.set_yticks(range(len(order)), [f"{name} ({sizes[name]})" for name in order])
    axes.invert_yaxis()
    axes.axvline(0.5, color="#5b6570", linewidth=0.8)
    axes.set_xlim(0.35, 1)
    axes.set_xlabel("macro AUROC")
    figure.legend(frameon=False, fontsize=7, loc="outside upper center", ncols=len(names))
    return figure


def _heat(one: Bottleneck) -> "Figure":
    from matplotlib.figure import Figure

    values = np.array(one.weights)
    size = (0.34 * len(one.systems) + 4.5, 0.2 * len(one.functions) + 2.2)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    most = float(np.abs(values).max()) or 1.0
    image = axes.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
    axes.set_yticks(range(len(one.functions)), one.functions, size=6.5)
    axes.set_xticks(range(len(one.systems)), one.systems, rotation=90, size=7)
    figure.colorbar(image, ax=axes, shrink=0.6, label="mean weight")
    return figure
