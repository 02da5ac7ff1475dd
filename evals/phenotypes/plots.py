"""The plots of an evaluation of predicted phenotypes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.harness.plots import CONTROL, GREEN, OURS, QUOTED, Plot, panels, whiskers
from evals.harness.scores import Results, Scores
from evals.phenotypes.facts import Bottleneck, Curve, Division, Facts
from evals.phenotypes.systems import largest, shown_predictors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS: Mapping[str, str] = {
    "ours": OURS, "baseline": CONTROL, "reference": GREEN, "ablation": QUOTED,
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


def drawn(results: Results, out: Path) -> Iterator[Plot]:
    """Yield the plots there is something to show in."""
    facts, scores = results.about(Facts), results.scores
    for about in facts.divisions:
        key = f"{about.collection}-{about.split}"
        mine = [one for one in facts.curves
                if (one.collection, one.split) == (about.collection, about.split)]  # fmt: skip
        yield Plot(f"curve-{key}", CURVE, _curve(mine, about))
        if largest(scores, about):
            yield Plot(f"systems-{key}", BARS, _bars(scores, about))
    for one in facts.bottlenecks:
        yield Plot(f"bottleneck-{one.collection}", HEAT, _heat(one))


def _curve(curves: list[Curve], about: Division) -> "Figure":
    figure, (axes,) = panels(5.4, 4.4)
    reach = np.linspace(0.001, 1, 200)
    for f in (0.2, 0.4, 0.6, 0.8):
        level = f * reach / (2 * reach - f)
        shown = (level > 0) & (level <= 1)
        axes.plot(reach[shown], level[shown], color=QUOTED, linewidth=0.7)
    for place, one in enumerate(curves):
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
    axes.set_title(about.title, size=9)
    axes.legend(frameon=False, fontsize=7)
    return figure


def _bars(scores: Scores, about: Division) -> "Figure":
    sizes, names = largest(scores, about), shown_predictors(scores, about)
    mine = scores.plain.where(measure="auroc", **about.keys)
    found, order = mine.by("system", "predictor"), list(sizes)
    roles = {one.predictor: one.role for one in mine}
    figure, (axes,) = panels(9, 0.5 * len(order) + 1.4)
    height = 0.8 / max(len(names), 1)
    for place, name in enumerate(names):
        rows = [row for row, system in enumerate(order) if (system, name) in found]
        values = [found[order[row], name].value for row in rows]
        at = np.array(rows) + (place - (len(names) - 1) / 2) * height
        width = [one.value for one in values]
        axes.barh(at, width, height * 0.9, color=COLOURS[roles[name]], label=name)
        if rows:
            whiskers(axes, at, values, across=True)
    axes.set_yticks(range(len(order)), [f"{name} ({sizes[name]})" for name in order])
    axes.invert_yaxis()
    axes.axvline(0.5, color="#5b6570", linewidth=0.8)
    axes.set_xlim(0.35, 1)
    axes.set_xlabel("macro AUROC")
    figure.legend(frameon=False, fontsize=7, loc="outside upper center", ncols=len(names))
    return figure


def _heat(one: Bottleneck) -> "Figure":
    values = np.array(one.weights)
    figure, (axes,) = panels(0.34 * len(one.systems) + 4.5, 0.2 * len(one.functions) + 2.2)
    most = float(np.abs(values).max()) or 1.0
    image = axes.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
    axes.set_yticks(range(len(one.functions)), one.functions, size=6.5)
    axes.set_xticks(range(len(one.systems)), one.systems, rotation=90, size=7)
    figure.colorbar(image, ax=axes, shrink=0.6, label="mean weight")
    return figure
