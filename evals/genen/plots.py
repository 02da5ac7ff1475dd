"""The plots of an evaluation of gene properties, as SVG that figures alone decide."""

from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evals.genen.maps import AFTER, BEFORE
from evals.genen.predictors import GCN, OURS
from evals.genen.published import PUBLISHED_GCN
from evals.genen.schema import HEADLINE, PLAIN, Condition, Facts, Metrics, Role
from evals.genen.tables import NAMES, masked
from evals.harness.resampling import Estimate
from evals.perturbqa.plots import CONTROL, STYLE
from evals.perturbqa.plots import OURS as ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, GREEN, INK, FAINT = "#00609c", "#3b7d4f", "#1b1f23", "#d6dbe0"
COLOURS: dict[Role, str] = {"ours": ORANGE, "network": BLUE, "baseline": CONTROL}
CLASSES = (BLUE, GREEN, "#7a4fa0", ORANGE)
CAPTIONS = {
    "overview": "Every predictor without a graph or on GO+PPI without CC, 95 % intervals; dashed: "
    "the GCN as published, on GO+PPI with CC.",
    "masking": "AUROC with texts hidden, all genes of the task; a column per graph.",
    "studied": "The less (open) and the well studied half (filled) of each task's genes.",
    "map": "t-SNE of genes before and after message passing on GO+PPI without CC, coloured by "
    "label (above) and by the pathway most over-represented in one class (below)",
}


def draw(metrics: Metrics, out: Path) -> dict[str, str]:
    """Write the plots there is something to show in, and return their captions by name.

    Args:
        metrics: Of a finished run.
        out: Its folder; maps are read from it.
    """
    import matplotlib as mpl

    mpl.use("svg")
    folder = out / "plots"
    folder.mkdir(exist_ok=True)
    drawn = {}
    with mpl.rc_context(STYLE):
        for name, caption, figure in _figures(metrics, out / "maps"):
            buffer = StringIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=150)
            (folder / f"{name}.svg").write_text(buffer.getvalue(), encoding="utf-8")
            drawn[name] = caption
    return drawn


def _figures(metrics: Metrics, maps: Path) -> Iterator[tuple[str, str, "Figure"]]:
    if any(s.condition in (PLAIN, HEADLINE) for s in metrics.scores):
        yield "overview", CAPTIONS["overview"], _overview(metrics)
    if any(s.condition.hidden for s in metrics.scores):
        yield "masking", CAPTIONS["masking"], _masking(metrics)
    if metrics.studied:
        yield "studied", CAPTIONS["studied"], _studied(metrics)
    for path in sorted(maps.glob("*.parquet")):
        one = next(n for n in metrics.neighbourhoods if n.task == path.stem)
        caption = f"{CAPTIONS['map']}: {one.pathway}." if one.pathway else f"{CAPTIONS['map']}."
        yield f"map-{path.stem}", caption, _map(pd.read_parquet(path), one.pathway)


def _grid(width: float, height: float, rows: int, columns: int) -> tuple["Figure", list["Axes"]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def _overview(metrics: Metrics) -> "Figure":
    columns = min(4, len(metrics.tasks))
    rows = -(-len(metrics.tasks) // columns)
    chosen = [s for s in metrics.scores if s.condition in (PLAIN, HEADLINE)]
    names = {s.predictor: s.role for s in chosen}
    height = 0.22 * len(names) + 0.7
    figure, panels = _grid(2.4 * columns + 2.6, height * rows, rows, columns)
    for number, (axes, facts) in enumerate(zip(panels, metrics.tasks, strict=False)):
        mine = {s.predictor: s.value for s in chosen if s.task == facts.task}
        for y, (name, role) in enumerate(names.items()):
            if name in mine:
                _interval(axes, y, mine[name], COLOURS[role])
        axes.axvline(PUBLISHED_GCN[facts.task], color=INK, linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(names)), names if number % columns == 0 else [""] * len(names))
        axes.invert_yaxis()
        axes.set_title(NAMES[facts.task], size=9)
        axes.grid(axis="x", color=FAINT, linewidth=0.5)
    for axes in panels[len(metrics.tasks) :]:
        axes.set_visible(False)
    return figure


def _interval(axes: "Axes", y: float, value: Estimate, colour: str, *, filled: bool = True) -> None:
    axes.plot([value.low, value.high], [y, y], color=colour, linewidth=1.2)
    face = colour if filled else "white"
    axes.plot(value.value, y, "o", color=colour, markerfacecolor=face, markersize=4)


def _masking(metrics: Metrics) -> "Figure":
    tasks = [facts for facts in metrics.tasks if masked(metrics, facts)]
    edges = list(
        dict.fromkeys(c for facts in tasks for c, _ in masked(metrics, facts) if c.graph)
    ) or [PLAIN]
    figure, panels = _grid(3.2 * len(edges) + 1, 2.5 * len(tasks), len(tasks), len(edges))
    for row, facts in enumerate(tasks):
        mine = panels[row * len(edges) : (row + 1) * len(edges)]
        bounds = []
        for axes, condition in zip(mine, edges, strict=True):
            bounds += _curves(axes, metrics, facts, condition)
            axes.set_title(f"{NAMES[facts.task]}, {condition.edges}", size=9)
        for axes in mine:
            axes.set_ylim(min(bounds) - 0.01, max(bounds) + 0.01)
            axes.grid(axis="y", color=FAINT, linewidth=0.5)
        mine[0].set_ylabel("AUROC")
    for axes in panels[-len(edges) :]:
        axes.set_xlabel("texts hidden (%)")
    panels[0].legend(frameon=False, fontsize=7)
    return figure


def _curves(axes: "Axes", metrics: Metrics, facts: Facts, condition: Condition) -> list[float]:
    """Draw a line per predictor, with those without a graph, and return what they span."""
    spanned = []
    roles = {s.predictor: s.role for s in metrics.scores}
    styles = iter(("o--", "s:", "^-.", "v--"))
    for edges, name in masked(metrics, facts):
        if edges not in (condition, PLAIN):
            continue
        found = {
            s.condition.hidden: s.value
            for s in metrics.scores
            if (s.task, s.predictor) == (facts.task, name)
            and s.condition.model_copy(update={"hidden": 0.0}) == edges
        }
        shares = sorted(found)
        values = [found[share].value for share in shares]
        style = next(styles) if roles[name] == "baseline" else "o-"
        at = [100 * share for share in shares]
        axes.plot(at, values, style, color=COLOURS[roles[name]], markersize=4, label=name)
        if roles[name] != "baseline":
            low, high = ([getattr(found[s], end) for s in shares] for end in ("low", "high"))
            axes.fill_between(at, low, high, color=COLOURS[roles[name]], alpha=0.15, linewidth=0)
            spanned += [*low, *high]
        spanned += values
    return spanned


def _studied(metrics: Metrics) -> "Figure":
    ways = list(dict.fromkeys(s.by for s in metrics.studied))
    names = list(dict.fromkeys(s.predictor for s in metrics.studied))
    colours = {OURS: ORANGE, GCN: BLUE}
    tasks = list(dict.fromkeys(s.task for s in metrics.studied))
    figure, panels = _grid(10, 0.5 * len(tasks) + 1.2, 1, len(ways))
    for axes, by in zip(panels, ways, strict=True):
        for score in metrics.studied:
            if score.by == by:
                offset = 0.22 * (names.index(score.predictor) - (len(names) - 1) / 2)
                y, colour = tasks.index(score.task) + offset, colours.get(score.predictor, CONTROL)
                for value, filled in ((score.less, False), (score.well, True)):
                    _interval(axes, y, value, colour, filled=filled)
        axes.set_yticks(range(len(tasks)), [NAMES[task] for task in tasks])
        axes.invert_yaxis()
        axes.set_title(f"halves by {by}", size=9)
        axes.set_xlabel("AUROC (conservation: correlation)")
        axes.grid(axis="x", color=FAINT, linewidth=0.5)
    for name in names:
        panels[0].plot([], [], "o-", color=colours.get(name, CONTROL), label=name, markersize=4)
    panels[0].legend(frameon=False, fontsize=7)
    return figure


def _map(table: pd.DataFrame, pathway: str) -> "Figure":
    figure, panels = _grid(9, 8.4 if pathway else 4.4, 2 if pathway else 1, 2)
    labels = sorted(table["label"].unique())
    member = table["member"].to_numpy(bool)
    groups: list[Sequence[tuple[str, np.ndarray, str]]] = [
        [
            (name, (table["label"] == name).to_numpy(), colour)
            for name, colour in zip(labels, CLASSES, strict=False)
        ],
        [("others", ~member, FAINT), (pathway, member, ORANGE)],
    ]
    for number, axes in enumerate(panels):
        space = (BEFORE, AFTER)[number % 2]
        for name, among, colour in groups[number // 2]:
            x, y = (table.loc[among, f"{space} {axis}"] for axis in "xy")
            axes.scatter(x, y, s=7, color=colour, label=name, linewidths=0, rasterized=True)
        axes.set_title(space, size=9)
        axes.set_xticks([])
        axes.set_yticks([])
        if number % 2 == 0:
            axes.legend(frameon=False, fontsize=7, markerscale=2)
    return figure
