"""Pictures of subtypes: a map, stability beside chance, markers, survival."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from app.jobs.subtypes import Search
from app.show.lists import p_words
from evals.harness.plots import CONTROL, INK, QUOTED, Plot, panels
from tools.subtypes.matrix import FloatArray
from tools.subtypes.methods import IntArray
from tools.subtypes.settings import NULLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, then darker ones: told apart by most eyes.
COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C6D1F", "#7A4FA0",
    "#1B7F5C", "#B0413E", "#4C5B6B", "#A3A500",
)  # fmt: skip
MARKERS_EACH = 6
MOST_GROUPS = 8
CAPTIONS = {
    "map": "Each dot a sample; near ones are alike (t-SNE of principal components). Left: clusters "
    "at the level that is most stable beside chance. Right: the rare groups that stand.",
    "stability": "Rare and stable groups of each method (bars; filled where they stand) above "
    "those found in data without groups: permuted genes and the same "
    "covariance, all data sets together.",
    "markers": "The markers of each group that differ most (rows) over the samples (columns), "
    "standardised; the group's samples stand first.",
    "survival": "Share of patients without the event (Kaplan-Meier): each group beside the rest; "
    "ticks are patients whose time ends without it.",
}


def pictures(found: Search) -> Iterator[Plot]:
    """Yield the pictures that there is something to show in."""
    yield Plot("map", CAPTIONS["map"], _map(found))
    if any(one.groups for one in found.outcomes):
        yield Plot("stability", CAPTIONS["stability"], _stability(found))
    if found.described:
        yield Plot("markers", CAPTIONS["markers"], _markers(found))
    if any(one.survival for one in found.described):
        yield Plot("survival", CAPTIONS["survival"], _survival(found))


def laid_out(points: FloatArray, seed: int) -> FloatArray:
    """Return points on a plane by t-SNE `(samples, 2)`."""
    from sklearn.manifold import TSNE

    wide = max(5, min(30, (len(points) - 1) // 4))
    model = TSNE(init="pca", perplexity=wide, random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(points), np.float64)


def _map(found: Search) -> "Figure":
    places = laid_out(found.points, found.asked.settings.seed)
    first = found.outcomes[0]
    figure, (left, right) = panels(10, 4.8, 1, 2)
    labels: IntArray = first.labels
    for one in range(int(labels.max()) + 1):
        among = labels == one
        left.scatter(places[among, 0], places[among, 1], s=22, linewidths=0,
                     color=COLOURS[one % len(COLOURS)],
                     marker="o" if one < len(COLOURS) else "^",
                     label=f"{one} ({among.sum()})")  # fmt: skip
    best = next(level for level in first.levels if level.best)
    left.set_title(f"{first.method.name}, {best.clusters} clusters", size=10)
    right.scatter(places[:, 0], places[:, 1], s=16, color=QUOTED, linewidths=0, label="in none")
    for at, group in enumerate(found.standing[:MOST_GROUPS]):
        mine = places[list(group.best.members)]
        right.scatter(mine[:, 0], mine[:, 1], s=34, color=COLOURS[at % len(COLOURS)],
                      linewidths=0.6, edgecolors="white",
                      label=f"{group.name} ({len(mine)})")  # fmt: skip
    right.set_title(
        "rare groups beyond chance" if found.standing else "no rare group beyond chance", size=10
    )
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
        if axes is left and labels.max() >= len(COLOURS):
            continue  # too many to be named
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _stability(found: Search) -> "Figure":
    rule = found.asked.settings.rule
    letters = {
        one.members: group.name for group in found.groups for one in (group.best, *group.others)
    }
    shown = [one.groups[:12] for one in found.outcomes]
    heights = [max(1, len(one)) + 2 for one in shown]
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.24 * sum(heights) + 0.55 * len(heights)), layout="constrained")
    grid = figure.subplots(len(heights), 1, sharex=True, squeeze=False,
                           gridspec_kw={"height_ratios": heights}).ravel()  # fmt: skip
    for axes, outcome, groups in zip(grid, found.outcomes, shown, strict=True):
        names = []
        for y, group in enumerate(groups):
            stands = group.rate <= found.rate
            said = f"{len(group.members)} samples, FDR {group.rate:.2f}"
            axes.barh(y, group.stability, height=0.7, color=COLOURS[0] if stands else "white",
                      edgecolor=COLOURS[0] if stands else CONTROL)  # fmt: skip
            axes.text(group.stability + 0.008, y, said, va="center",
                      size=7)  # fmt: skip
            names.append(letters.get(group.members, ""))
        for row, kind in enumerate(NULLS):
            y = len(groups) + row
            values = [value for one in outcome.chance(kind, rule) for value in one]
            axes.plot(values, [y] * len(values), "|", color=INK, markersize=7, markeredgewidth=0.7)
            names.append(f"{kind} ({len(values)})")
        axes.axvline(rule.stable, color=CONTROL, linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(names)), names, size=8)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, 1.22)
        axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
        axes.set_title(outcome.method.name, size=9, loc="left")
    grid[-1].set_xlabel("stability (mean Jaccard)")
    return figure


def _markers(found: Search) -> "Figure":
    from matplotlib.figure import Figure

    values = found.expression.values
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    place = {name: at for at, name in reversed(list(enumerate(found.expression.genes)))}
    rows: list[tuple[str, int, int]] = []
    for number, one in enumerate(found.described[:MOST_GROUPS]):
        first = one.marking["gene"].head(MARKERS_EACH)
        rows += [(gene, place[gene], number) for gene in dict.fromkeys(first)]
    order: list[int] = []
    for one in found.described[:MOST_GROUPS]:
        order += [at for at in one.candidate.best.members if at not in order]
    ends = len(order)
    taken = set(order)
    first_labels = found.outcomes[0].labels
    order += sorted((at for at in range(len(values)) if at not in taken),
                    key=lambda at: int(first_labels[at]))  # fmt: skip
    figure = Figure(figsize=(9, 0.16 * len(rows) + 1.3), layout="constrained")
    axes = figure.subplots()
    shown = scaled[np.ix_(order, [at for _, at, _ in rows])].T
    image = axes.imshow(
        shown, aspect="auto", cmap="RdBu_r", vmin=-3, vmax=3, interpolation="nearest"
    )
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], size=6)
    axes.set_xticks([])
    axes.axvline(ends - 0.5, color=INK, linewidth=1)
    at = 0
    for number, one in enumerate(found.described[:MOST_GROUPS]):
        count = sum(who == number for _, _, who in rows)
        axes.axhline(at - 0.5, color="white", linewidth=1.5)
        axes.text(-0.13, at + count / 2, one.candidate.name, size=9, weight="bold",
                  color=COLOURS[number % len(COLOURS)], va="center",
                  transform=axes.get_yaxis_transform())  # fmt: skip
        at += count
    for side in axes.spines.values():
        side.set_visible(False)
    x = 0
    for number, one in enumerate(found.described[:MOST_GROUPS]):
        width = sum(m in taken for m in one.candidate.best.members)
        axes.plot([x - 0.4, x + width - 0.6], [-1.0, -1.0], color=COLOURS[number % len(COLOURS)],
                  linewidth=4, clip_on=False, solid_capstyle="butt")  # fmt: skip
        taken -= set(one.candidate.best.members)
        x += width
    axes.set_ylim(len(rows) - 0.5, -1.5)
    figure.colorbar(image, ax=axes, shrink=0.6, label="standard deviations")
    return figure


def _survival(found: Search) -> "Figure":
    time, event = found.time, found.event
    assert time is not None
    assert event is not None
    shown = [one for one in found.described if one.survival][:MOST_GROUPS]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, grid = panels(3.4 * columns, 2.7 * rows, rows, columns)
    known = np.isfinite(time) & np.isfinite(event)
    for axes, one in zip(grid, shown, strict=False):
        inside = np.isin(np.arange(len(time)), list(one.candidate.best.members))
        number = found.described.index(one)
        _curve(axes, time[known & ~inside], event[known & ~inside], CONTROL, "the rest")
        _curve(axes, time[known & inside], event[known & inside],
               COLOURS[number % len(COLOURS)],
               f"{one.candidate.name} ({inside.sum()})")  # fmt: skip
        p = one.survival.p if one.survival else float("nan")
        axes.set_title(f"{one.candidate.name}: log-rank {p_words(p)}", size=9)
        axes.set_ylim(0, 1.03)
        axes.legend(frameon=False, fontsize=7)
        axes.set_xlabel((found.asked.survival or "").partition(",")[0])
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    return figure


def _curve(axes: "Axes", time: FloatArray, event: FloatArray, colour: str, name: str) -> None:
    """Draw a Kaplan-Meier curve."""
    from scipy.stats import CensoredData, ecdf

    ended = event > 0
    curve = ecdf(CensoredData(uncensored=time[ended], right=time[~ended])).sf
    x = np.r_[0, curve.quantiles, time.max()]
    y = np.r_[1, curve.probabilities, curve.probabilities[-1] if len(curve.probabilities) else 1]
    axes.step(x, y, where="post", color=colour, linewidth=1.6, label=name)
    stopped = time[~ended]
    at = np.searchsorted(x, stopped, "right") - 1
    axes.plot(stopped, y[np.clip(at, 0, len(y) - 1)], "|", color=colour, markersize=5)
