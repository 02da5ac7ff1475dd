"""The plots of an evaluation of gene properties."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evals.genen.facts import HEADLINE, PLAIN, Condition
from evals.genen.figures import NAMES, Figures
from evals.genen.maps import AFTER, BEFORE
from evals.genen.predictors import GCN, OURS
from evals.genen.published import PUBLISHED_GCN
from evals.harness.plots import (
    BLUE,
    CONTROL,
    GREEN,
    INK,
    QUOTED,
    VIOLET,
    Plot,
    interval,
    panels,
)
from evals.harness.plots import OURS as ORANGE
from evals.harness.scores import Results
from models.genen.labels import TaskName

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"ours": ORANGE, "network": BLUE, "baseline": CONTROL}
CLASSES = (BLUE, GREEN, VIOLET, ORANGE)
CAPTIONS = {
    "overview": "Every predictor without a graph or on GO+PPI without CC, 95 % intervals; dashed: "
    "the GCN as published, on GO+PPI with CC.",
    "masking": "AUROC with texts hidden, all genes of the task; a column per graph.",
    "studied": "The less (open) and the well studied half (filled) of each task's genes.",
    "map": "t-SNE of genes before and after message passing on GO+PPI without CC, coloured by "
    "label (above) and by the pathway most over-represented in one class (below)",
}


def drawn(results: Results, out: Path) -> Iterator[Plot]:
    """Yield the plots there is something to show in; maps are read from the run folder."""
    figures = Figures(results)
    if any(one in (PLAIN, HEADLINE) for one in figures.facts.conditions):
        yield Plot("overview", CAPTIONS["overview"], _overview(figures))
    if any(one.hidden for one in figures.facts.conditions):
        yield Plot("masking", CAPTIONS["masking"], _masking(figures))
    if any(one["by"] for one in figures.scores):
        yield Plot("studied", CAPTIONS["studied"], _studied(figures))
    for path in sorted((out / "maps").glob("*.parquet")):
        one = next(n for n in figures.facts.neighbourhoods if n.task == path.stem)
        caption = f"{CAPTIONS['map']}: {one.pathway}." if one.pathway else f"{CAPTIONS['map']}."
        yield Plot(f"map-{path.stem}", caption, _map(pd.read_parquet(path), one.pathway))


def _overview(figures: Figures) -> "Figure":
    tasks = figures.facts.tasks
    columns = min(4, len(tasks))
    rows = -(-len(tasks) // columns)
    shown = (PLAIN.name, HEADLINE.name)
    chosen = figures.scores.plain.where(condition=shown, measure="value")
    names = {one.predictor: one.role for one in chosen}
    height = 0.22 * len(names) + 0.7
    figure, grid = panels(2.4 * columns + 2.6, height * rows, rows, columns)
    for number, (axes, facts) in enumerate(zip(grid, tasks, strict=False)):
        mine = {one.predictor: one.value for one in chosen.where(task=facts.task)}
        for y, (name, role) in enumerate(names.items()):
            if name in mine:
                interval(axes, y, mine[name], COLOURS[role])
        axes.axvline(PUBLISHED_GCN[facts.task], color=INK, linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(names)), names if number % columns == 0 else [""] * len(names))
        axes.invert_yaxis()
        axes.set_title(NAMES[facts.task], size=9)
        axes.grid(axis="x", color=QUOTED, linewidth=0.5)
    for axes in grid[len(tasks) :]:
        axes.set_visible(False)
    return figure


def _masking(figures: Figures) -> "Figure":
    tasks = [facts.task for facts in figures.facts.tasks if figures.masked(facts.task)]
    edges = list(
        dict.fromkeys(c for task in tasks for c, _ in figures.masked(task) if c.graph)
    ) or [PLAIN]
    figure, grid = panels(3.2 * len(edges) + 1, 2.5 * len(tasks), len(tasks), len(edges))
    for row, task in enumerate(tasks):
        mine = grid[row * len(edges) : (row + 1) * len(edges)]
        bounds = []
        for axes, condition in zip(mine, edges, strict=True):
            bounds += _curves(axes, figures, task, condition)
            axes.set_title(f"{NAMES[task]}, {condition.edges}", size=9)
        for axes in mine:
            axes.set_ylim(min(bounds) - 0.01, max(bounds) + 0.01)
            axes.grid(axis="y", color=QUOTED, linewidth=0.5)
        mine[0].set_ylabel("AUROC")
    for axes in grid[-len(edges) :]:
        axes.set_xlabel("texts hidden (%)")
    grid[0].legend(frameon=False, fontsize=7)
    return figure


def _curves(axes: "Axes", figures: Figures, task: TaskName, condition: Condition) -> list[float]:
    """Draw a line per predictor, with those without a graph, and return what they span."""
    spanned = []
    styles = iter(("o--", "s:", "^-.", "v--"))
    for edges, name in figures.masked(task):
        if edges not in (condition, PLAIN):
            continue
        every = figures.scores.plain.where(task=task, predictor=name, measure="value")
        found = {
            tried.hidden: one.value
            for one in every
            if (tried := figures.condition(one["condition"])).model_copy(update={"hidden": 0.0})
            == edges
        }
        shares, role = sorted(found), every[0].role
        values = [found[share].value for share in shares]
        style = next(styles) if role == "baseline" else "o-"
        at = [100 * share for share in shares]
        axes.plot(at, values, style, color=COLOURS[role], markersize=4, label=name)
        if role != "baseline":
            low, high = ([getattr(found[s], end) for s in shares] for end in ("low", "high"))
            axes.fill_between(at, low, high, color=COLOURS[role], alpha=0.15, linewidth=0)
            spanned += [*low, *high]
        spanned += values
    return spanned


def _studied(figures: Figures) -> "Figure":
    halves = figures.scores.where(measure=("less studied", "well studied"))
    ways, names, tasks = (halves.values(column) for column in ("by", "predictor", "task"))
    colours = {OURS: ORANGE, GCN: BLUE}
    figure, grid = panels(10, 0.5 * len(tasks) + 1.2, 1, len(ways))
    for axes, by in zip(grid, ways, strict=True):
        for one in halves.where(by=by):
            offset = 0.22 * (names.index(one.predictor) - (len(names) - 1) / 2)
            y, colour = tasks.index(one["task"]) + offset, colours.get(one.predictor, CONTROL)
            interval(axes, y, one.value, colour, filled=one.measure == "well studied")
        axes.set_yticks(range(len(tasks)), [NAMES[task] for task in tasks])
        axes.invert_yaxis()
        axes.set_title(f"halves by {by}", size=9)
        axes.set_xlabel("AUROC (conservation: correlation)")
        axes.grid(axis="x", color=QUOTED, linewidth=0.5)
    for name in names:
        grid[0].plot([], [], "o-", color=colours.get(name, CONTROL), label=name, markersize=4)
    grid[0].legend(frameon=False, fontsize=7)
    return figure


def _map(table: pd.DataFrame, pathway: str) -> "Figure":
    figure, grid = panels(9, 8.4 if pathway else 4.4, 2 if pathway else 1, 2)
    labels = sorted(table["label"].unique())
    member = table["member"].to_numpy(bool)
    groups: list[Sequence[tuple[str, np.ndarray, str]]] = [
        [
            (name, (table["label"] == name).to_numpy(), colour)
            for name, colour in zip(labels, CLASSES, strict=False)
        ],
        [("others", ~member, QUOTED), (pathway, member, ORANGE)],
    ]
    for number, axes in enumerate(grid):
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
