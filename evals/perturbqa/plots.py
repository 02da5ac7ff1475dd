"""The plots of an evaluation of one setting."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.harness.plots import (
    BLUE,
    CONTROL,
    GREEN,
    OURS,
    QUOTED,
    VIOLET,
    Plot,
    interval,
    panels,
    whiskers,
)
from evals.harness.scores import Results, Scores
from evals.perturbqa.published import PUBLISHED
from evals.perturbqa.score import CONTROLS, MODEL
from evals.tasks import TASK_NAMES, TASKS, TaskName
from models.inputs.screens import CELL_LINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = dict(zip(CELL_LINES, (BLUE, OURS, GREEN, VIOLET), strict=True))
FEWEST_READOUTS = 30
CAPTIONS = {
    "lines-de": "Differential expression: the model and the controls with 95 % intervals, beside "
    "published figures. Official test rows where labels are at hand, held-out training rows "
    "(hatched) elsewhere; published figures are of the official test rows.",
    "lines-dir": "Direction, given differential expression; as above.",
    "reliability": "Stated against observed rate, ten equally filled bins.",
    "training-rows": "AUROC against the number of training rows of the readout in the line.",
    "classes": "AUROC among the perturbations of a functional class.",
}


def drawn(results: Results, out: Path) -> Iterator[Plot]:
    """Yield the plots there is something to show in."""
    scores = results.scores
    drawings: Mapping[str, Callable[[], Figure | None]] = {
        "lines-de": lambda: _lines(scores, "de"),
        "lines-dir": lambda: _lines(scores, "dir"),
        "reliability": lambda: _reliability(scores.where(measure="observed rate")),
        "training-rows": lambda: _slices(scores.where(by="training rows"), tall=False),
        "classes": lambda: _slices(scores.where(by="class"), tall=True),
    }
    for name, drawing in drawings.items():
        if (figure := drawing()) is not None:
            yield Plot(name, CAPTIONS[name], figure)


def telling(scores: Scores) -> list[str]:
    """Return the parts of which enough readouts are averaged for a figure to be shown."""
    many = (s for s in scores.where(measure="readouts") if s.value.value >= FEWEST_READOUTS)
    return Scores(many).values("part")


def _lines(scores: Scores, task: TaskName) -> "Figure | None":
    """Draw bars per line: the published, the controls, the model."""
    mine = scores.plain.where(task=task, measure="auroc")
    chosen = {**mine.where(split="cv").by("predictor", "cell_line"),
              **mine.where(split="test").by("predictor", "cell_line")}  # fmt: skip
    lines = [line for line in CELL_LINES if (MODEL, line) in chosen]
    if not lines:
        return None
    predictors = [name for name in (*CONTROLS, MODEL) if (name, lines[0]) in chosen]
    names = [*PUBLISHED[task], *predictors]
    figure, (axes,) = panels(11, 4)
    width = 0.86 / len(names)
    for number, name in enumerate(names):
        at = np.arange(len(lines)) + (number - (len(names) - 1) / 2) * width
        if name in PUBLISHED[task]:
            values = [PUBLISHED[task][name][CELL_LINES.index(line)] for line in lines]
            axes.bar(at, values, width * 0.9, color=QUOTED, edgecolor="#9aa5b0", linewidth=0.4)
            continue
        shown = [chosen[name, line] for line in lines]
        colour = OURS if name == MODEL else CONTROL
        bars = axes.bar(at, [s.value.value for s in shown], width * 0.9, color=colour)
        for bar, one in zip(bars, shown, strict=True):
            bar.set_hatch("" if one["split"] == "test" else "////")
            bar.set_edgecolor("white")
        whiskers(axes, at, [s.value for s in shown])
        for x, one in zip(at, shown, strict=True):
            if name == MODEL:
                text = f"{one.value.value:.3f}"
                axes.text(x, one.value.high + 0.008, text, ha="center", size=8)
    axes.set_xticks(range(len(lines)), lines)
    axes.axhline(0.5, color="#5b6570", linewidth=0.8)
    axes.set_ylim(0.4, 1.03)
    axes.set_ylabel("macro per-gene AUROC")
    axes.set_xlabel(f"from left: {', '.join(names)}", size=8, wrap=True)
    axes.set_title(TASK_NAMES[task], size=9)
    return figure


def _reliability(bins: Scores) -> "Figure | None":
    if not bins:
        return None
    figure, grid = panels(9, 4.4, 1, len(TASKS))
    for axes, task in zip(grid, TASKS, strict=True):
        axes.plot([0, 1], [0, 1], color="#9aa5b0", linewidth=0.8)
        for line, colour in LINES.items():
            for split, marker in (("test", "o-"), ("cv", "x:")):
                if mine := bins.where(task=task, cell_line=line, split=split):
                    label = f"{line}, {'test' if split == 'test' else 'held out'}"
                    stated, observed = zip(
                        *((b["stated"], b.value.value) for b in mine), strict=True
                    )
                    axes.plot(stated, observed, marker, color=colour, markersize=4, label=label)
        axes.set_xlabel("stated probability")
        axes.set_ylabel("observed rate")
        axes.set_title(TASK_NAMES[task], size=9)
        axes.legend(frameon=False, fontsize=7)
    return figure


def _slices(scores: Scores, *, tall: bool) -> "Figure | None":
    names = telling(scores)
    if not names:
        return None
    figure, grid = panels(11, max(3.4, 0.24 * len(names)) if tall else 3.4, 1, len(TASKS))
    for axes, task in zip(grid, TASKS, strict=True):
        mine = scores.where(task=task)
        found = {s["part"]: s.value for s in mine.where(measure="auroc")}
        shown = [name for name in names if name in telling(mine)]
        at = np.arange(len(shown))
        if tall:
            for y, name in enumerate(shown):
                interval(axes, y, found[name], OURS)
            axes.set_yticks(at, shown)
            axes.invert_yaxis()
            axes.set_xlabel("macro per-gene AUROC")
            axes.axvline(0.5, color="#9aa5b0", linewidth=0.8)
        else:
            axes.plot(at, [found[name].value for name in shown], "o-", color=OURS, markersize=4)
            whiskers(axes, at, [found[name] for name in shown])
            axes.set_xticks(at, shown, rotation=20)
            axes.set_xlabel("training rows")
            axes.set_ylabel("macro per-gene AUROC")
        axes.set_title(TASK_NAMES[task], size=9)
    return figure
