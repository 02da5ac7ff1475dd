"""The pictures of an analysis of counts, from its tables alone: its notebook holds this code."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UP, DOWN, QUIET, INK, RULE = "#b84a00", "#00609c", "#b9c2cb", "#1b1f23", "#d6dbe0"
GROUPS = (DOWN, UP, "#3b7d4f", "#7a4fa0", "#8a6d00", "#5b6770")
MARKERS = "os^Dvp"
STYLE: dict[Any, Any] = {
    "font.size": 9, "svg.hashsalt": "knockwise", "axes.spines.top": False,
    "axes.spines.right": False, "axes.axisbelow": True,
}  # fmt: skip
NAMED = 16


def _panel(width: float, height: float) -> "tuple[Figure, Axes]":
    """Return a figure and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _names(axes: "Axes", points: pd.DataFrame, most: int = NAMED) -> None:
    """Name points where there is room; the first are named first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(axes.figure)  # type: ignore[arg-type]  # no figure in a figure
    canvas.draw()
    renderer = canvas.get_renderer()
    inside = axes.get_window_extent(renderer)
    taken: list[Any] = []
    named = 0
    for name, x, y in points[["gene", "x", "y"]].itertuples(index=False):
        for dx, dy, ha in ((5, 2, "left"), (-5, 2, "right"), (5, -8, "left"), (-5, -8, "right")):
            text = axes.annotate(
                name, (x, y), (dx, dy), textcoords="offset points", fontsize=7.5, ha=ha, color=INK
            )
            box = text.get_window_extent(renderer).expanded(1.04, 1.1)
            fits = inside.x0 < box.x0 and box.x1 < inside.x1 and box.y1 < inside.y1
            if fits and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                named += 1
                break
            text.remove()
        if named == most:
            return


def _dots(axes: "Axes", table: pd.DataFrame) -> None:
    """Draw genes: those that did not change behind those that did."""
    for call, colour, size in (("", QUIET, 4), ("down", DOWN, 9), ("up", UP, 9)):
        some = table[table["call"] == call] if call else table[~table["call"].isin(["up", "down"])]
        axes.scatter(some["x"], some["y"], s=size, c=colour, linewidths=0, alpha=0.75,
                     rasterized=True)  # fmt: skip


def _strongest(table: pd.DataFrame) -> pd.DataFrame:
    """Return the genes that changed, by fold change and certainty, both directions in turn."""
    some = table[table["call"].isin(["up", "down"])]
    size = some["shrunken"].abs() * some["stat"].abs()
    some = some.loc[size.sort_values(ascending=False).index]
    turn = some.groupby("call").cumcount()
    return some.loc[turn.sort_values(kind="stable").index]


def volcano(table: pd.DataFrame, words: str = "") -> "Figure":
    """Return fold change against adjusted p-value."""
    figure, axes = _panel(6.4, 4.6)
    shown = table.dropna(subset=["padj"]).copy()
    least = shown.loc[shown["padj"] > 0, "padj"].min() if len(shown) else 1.0
    shown["x"], shown["y"] = shown["shrunken"], -np.log10(shown["padj"].clip(lower=least))
    _dots(axes, shown)
    limit = max(1.0, float(shown["x"].abs().max()) * 1.12) if len(shown) else 1.0
    axes.set_xlim(-limit, limit)
    axes.axvline(0, color=RULE, linewidth=0.8)
    axes.set_xlabel(f"log2 fold change, shrunken{f' ({words})' if words else ''}")
    axes.set_ylabel("-log10 adjusted p")
    up, down = (int((table["call"] == call).sum()) for call in ("up", "down"))
    axes.set_title(f"▲ {up:,} higher    ▼ {down:,} lower", fontsize=9, color=INK)
    _names(axes, _strongest(shown))
    return figure


def ma(table: pd.DataFrame, words: str = "") -> "Figure":
    """Return fold change against mean expression."""
    figure, axes = _panel(6.4, 4.2)
    shown = table[table["base_mean"] > 0].copy()
    shown["x"], shown["y"] = np.log10(shown["base_mean"]), shown["shrunken"]
    _dots(axes, shown)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("log10 mean of normalised counts")
    axes.set_ylabel("log2 fold change, shrunken")
    if words:
        axes.set_title(words, fontsize=9, color=INK)
    _names(axes, _strongest(shown), 12)
    return figure


def components(samples: pd.DataFrame, shares: tuple[float, float] = (0.0, 0.0)) -> "Figure":
    """Return the samples by their first two principal components."""
    figure, axes = _panel(6.0, 4.4)
    groups = list(dict.fromkeys(samples["group"].astype(str)))
    for number, group in enumerate(groups):
        some = samples[samples["group"].astype(str) == group]
        axes.scatter(some["pc1"], some["pc2"], s=42, c=GROUPS[number % len(GROUPS)],
                     marker=MARKERS[number % len(MARKERS)], edgecolors="white", linewidths=0.6,
                     label=group)  # fmt: skip
    axes.margins(0.12)
    axes.set_xlabel(f"PC1 ({100 * shares[0]:.0f} % of variance)")
    axes.set_ylabel(f"PC2 ({100 * shares[1]:.0f} %)")
    axes.legend(frameon=False, loc="best")
    named = samples.rename(columns={"sample": "gene", "pc1": "x", "pc2": "y"})
    odd = named["remark"].fillna("").astype(bool) if "remark" in named else named["x"] > np.inf
    _names(axes, pd.concat([named[odd], named[~odd]]), 40)
    return figure


def libraries(samples: pd.DataFrame) -> "Figure":
    """Return the library size of each sample."""
    figure, axes = _panel(6.0, 0.5 + 0.2 * max(len(samples), 5))
    groups = list(dict.fromkeys(samples["group"].astype(str)))
    colours = [GROUPS[groups.index(one) % len(GROUPS)] for one in samples["group"].astype(str)]
    axes.barh(range(len(samples)), samples["library"] / 1e6, color=colours, height=0.7)
    axes.set_yticks(range(len(samples)), [str(one) for one in samples["sample"]], fontsize=7.5)
    axes.set_ylim(len(samples) - 0.4, -0.6)
    axes.set_xlabel("million counts")
    for number, group in enumerate(groups):
        axes.bar(0, 0, color=GROUPS[number % len(GROUPS)], label=group)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def heatmap(heat: pd.DataFrame, samples: pd.DataFrame) -> "Figure":
    """Return the foremost genes over the samples, each gene centred and scaled."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    values = heat.set_index("gene").astype(float)
    group = samples.set_index("sample")["group"].astype(str)
    names = [name for one in dict.fromkeys(group) for name in group.index[group == one]]
    values = values[names]
    spread = values.std(axis=1).replace(0, 1)
    scaled = values.sub(values.mean(axis=1), axis=0).div(spread, axis=0).clip(-2.5, 2.5)
    if len(scaled) > 2:
        scaled = scaled.iloc[leaves_list(linkage(scaled.to_numpy(), "average"))]
    figure, axes = _panel(2.2 + 0.2 * max(len(names), 12), 1.4 + 0.14 * max(len(scaled), 8))
    image = axes.imshow(scaled, aspect="auto", cmap="RdBu_r", vmin=-2.5, vmax=2.5)
    axes.set_yticks(range(len(scaled)), list(scaled.index), fontsize=7)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    at = 0
    for number, one in enumerate(dict.fromkeys(group)):
        width = int((group == one).sum())
        axes.plot([at - 0.4, at + width - 0.6], [-1.0, -1.0], color=GROUPS[number % len(GROUPS)],
                  linewidth=4, clip_on=False, solid_capstyle="butt")  # fmt: skip
        axes.text(at + width / 2 - 0.5, -1.7, one, ha="center", va="bottom", fontsize=8)
        at += width
    for side in axes.spines.values():
        side.set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.4, label="standard deviations from the gene's mean")
    return figure


def running_sum(ranks: pd.Series, members: set[str]) -> pd.DataFrame:
    """Return the running sum of GSEA by rank: score, and whether the gene is of the set."""
    order = ranks.sort_index().sort_values(ascending=False, kind="stable")
    hit = order.index.isin(list(members))
    weight = order.abs().to_numpy() * hit
    up = weight.cumsum() / max(float(weight.sum()), 1e-12)
    down = (~hit).cumsum() / max(int((~hit).sum()), 1)
    return pd.DataFrame({"rank": np.arange(len(order)), "score": up - down, "hit": hit})


def gsea(table: pd.DataFrame, sets: pd.DataFrame, members: dict[str, set[str]]) -> "Figure":
    """Return the running sums of gene sets, with the places of their genes below.

    Args:
        table: Of all genes, with their statistics.
        sets: Those to draw, with `set`, `name` and `nes`.
        members: The genes of each.
    """
    figure, axes = _panel(6.8, 4.4)
    best = table.dropna(subset=["stat"]).sort_values("base_mean", ascending=False)
    ranks = best.drop_duplicates("gene").set_index("gene")["stat"]
    drawn = [row for row in sets.itertuples() if row.set in members]
    low = 0.0
    curves = []
    for row in drawn:
        curve = running_sum(ranks, members[str(row.set)])
        low = min(low, float(curve["score"].min()))
        curves.append(curve)
    for number, (row, curve) in enumerate(zip(drawn, curves, strict=True)):
        colour = GROUPS[number % len(GROUPS)]
        name = str(row.name)
        label = f"{name if len(name) < 46 else name[:44] + '…'} ({row.nes:.2f})"
        axes.plot(curve["rank"], curve["score"], color=colour, linewidth=1.4, label=label)
        at = low - 0.07 * (number + 1)
        axes.vlines(curve.loc[curve["hit"], "rank"], at - 0.025, at + 0.025, color=colour,
                    linewidth=0.4)  # fmt: skip
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= 1])
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("genes by statistic, highest first")
    axes.set_ylabel("running enrichment score")
    if drawn:
        figure.legend(frameon=False, fontsize=7.5, loc="outside lower center", ncols=2,
                      title="normalised enrichment score in brackets")  # fmt: skip
    return figure


def regulators(table: pd.DataFrame, most: int = 20) -> "Figure":
    """Return the most changed activities of regulators."""
    ends = [table.nlargest(most // 2, "score"), table.nsmallest(most // 2, "score")]
    shown = pd.concat(ends).drop_duplicates("regulator").sort_values("score")
    figure, axes = _panel(5.6, 0.8 + 0.2 * max(len(shown), 4))
    sure = shown["padj"] <= 0.05
    colours = np.where(~sure, QUIET, np.where(shown["score"] > 0, UP, DOWN))
    axes.barh(range(len(shown)), shown["score"], color=list(colours), height=0.7)
    axes.set_yticks(range(len(shown)), [str(one) for one in shown["regulator"]], fontsize=8)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("activity score (grey: not significant)")
    return figure


def course(cells: pd.DataFrame) -> "Figure":
    """Return cells in diffusion components, coloured by pseudotime, and pseudotime by group."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    groups = list(dict.fromkeys(cells["group"].astype(str)))
    drawn = left.scatter(cells["diffusion1"], cells["diffusion2"], c=cells["pseudotime"], s=5,
                         cmap="viridis", linewidths=0, rasterized=True)  # fmt: skip
    left.set_xlabel("diffusion component 1")
    left.set_ylabel("diffusion component 2")
    figure.colorbar(drawn, ax=left, label="pseudotime")
    values = [cells.loc[cells["group"].astype(str) == one, "pseudotime"].dropna() for one in groups]
    right.boxplot(values, widths=0.5, showfliers=False, medianprops={"color": UP})
    right.set_xticks(range(1, len(groups) + 1), groups, rotation=30 if len(groups) > 3 else 0)
    right.set_ylabel("pseudotime")
    return figure


def read_sets(path: "Path") -> dict[str, set[str]]:
    """Return the gene sets of a GMT file, by id."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = (line.split("\t") for line in lines if line.strip())
    return {row[0]: set(row[2:]) for row in rows}
