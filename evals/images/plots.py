"""The plots of the benchmark of pictures: what people can judge with their own eyes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evals.harness.plots import BLUE, CONTROL, OURS, QUOTED, Plot, interval, panels
from evals.harness.scores import Results, Scores
from evals.images.facts import CLASSICAL, LEARNT, LINEAR, REQUIRED, TRAITS
from evals.images.facts import OURS as MORPHOLOGY
from tools.images.crops import SIDE
from tools.images.pictures import composite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("real", "learnt", "PCA of pictures", "generated, learnt", "generated, PCA")
CELLS = (
    "Cells of a plate that was not learnt from: real, rebuilt from 24 learnt numbers, rebuilt from "
    "24 principal components; below, cells made up by each."
)
SCORES = "AUROC over cells of the plate that was not learnt from; intervals over cells."
CHANNELS = "AUROC over held-out hits, by gene (filled) and by complex (open), with 95 % intervals."


def drawn(results: Results, out: Path) -> Iterator[Plot]:
    """Yield the plots of a run."""
    scores = results.scores
    yield Plot("scores", SCORES, _scores(scores))
    shown = out / "units" / "sirna" / "shown.parquet"
    if shown.is_file():
        yield Plot("cells", CELLS, _cells(pd.read_parquet(shown)))
    yield Plot("channels", CHANNELS, _channels(scores))


def _scores(scores: Scores) -> "Figure":
    told = scores.plain.where(part="cells")
    tasks, colours = told.values("task"), {LEARNT: OURS, CLASSICAL: BLUE, LINEAR: CONTROL,
                                           "permuted labels": QUOTED}  # fmt: skip
    figure, (axes,) = panels(5.5, 0.7 * len(tasks) + 1.2)
    found = told.by("task", "predictor")
    for row, task in enumerate(tasks):
        for place, (name, colour) in enumerate(colours.items()):
            one = found[task, name].value
            interval(axes, row + 0.18 * (place - 1.5), one, colour)
            if row == 0:
                axes.plot([], [], "o", color=colour, label=name, markersize=4)
    axes.set_yticks(range(len(tasks)), tasks)
    axes.invert_yaxis()
    axes.axvline(0.5, color=QUOTED, linewidth=0.8)
    axes.set_xlabel("AUROC over cells")
    axes.legend(frameon=False, fontsize=7)
    return figure


def _cells(table: pd.DataFrame) -> "Figure":
    plate = sorted(set(table["plate"]))[0]
    mine = table[table["plate"] == plate]
    channels = len(mine["pixels"].iloc[0]) // (SIDE * SIDE)
    count = int(mine["number"].max()) + 1
    figure, axes = panels(0.75 * count, 0.85 * len(KINDS), len(KINDS), count)
    for row, kind in enumerate(KINDS):
        rows = mine[mine["kind"] == kind].sort_values("number")
        for column in range(count):
            place = axes[row * count + column]
            place.set_axis_off()
            if column < len(rows):
                raw = np.frombuffer(rows["pixels"].iloc[column], np.uint8)
                place.imshow(composite(raw.reshape(channels, SIDE, SIDE) / 255))
            if column == 0:
                place.set_title(kind, size=6.5, loc="left")
    return figure


def _channels(scores: Scores) -> "Figure":
    told = scores.plain.where(part="periscope")
    found, tasks = told.by("task", "split", "predictor"), told.values("task")
    names = {MORPHOLOGY: OURS, **dict.fromkeys(REQUIRED, CONTROL), TRAITS: BLUE}
    figure, (axes,) = panels(6, 0.85 * len(tasks) + 1.2)
    for row, task in enumerate(tasks):
        for place, (name, colour) in enumerate(names.items()):
            for shift, split in ((-0.03, "gene"), (0.03, "complex")):
                one = found[task, split, name].value
                y = row + 0.13 * (place - 2.5) + shift
                interval(axes, y, one, colour, filled=split == "gene")
            if row == 0:
                axes.plot([], [], "o", color=colour, label=name, markersize=4)
    axes.set_yticks(range(len(tasks)), tasks)
    axes.invert_yaxis()
    axes.axvline(0.5, color=QUOTED, linewidth=0.8)
    axes.set_xlabel("AUROC over held-out hits")
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
