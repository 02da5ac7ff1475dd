"""Subtypes on a terminal and as a page."""

from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.jobs.subtypes import Described, Search
from app.show.lists import p_words
from app.show.pages import page_environment, template
from app.show.terminal import plain
from evals.harness.page import embedded
from tools.subtypes.markers import Association

MOST_SHOWN, MOST_TOLD = 12, 4
MOST_MARKERS = 12
METHOD = (
    "Samples are laid out and parted at several numbers of clusters. The clusters of a run on all "
    "samples are matched one to one with those of further runs, which differ by the seed and (all "
    "but the method paper) leave out a fifth of the samples; a cluster's stability is the mean "
    "Jaccard. A group is a cluster that is rare and stable, at whatever level it is most stable. "
    "Its false-discovery rate says how many groups so stable are found in data without any: each "
    "gene's values permuted on their own, and the samples turned at random, which keeps the "
    "covariance of genes. The greater of both rates counts. Markers: Welch's t-test with the rates "
    "of Benjamini and Hochberg, on the samples that the group was found in, so that they are too "
    "good; the share that holds is of markers found in one half of the samples and tested in the "
    "other. A group that stands is a pattern of these samples, not yet a subtype: another cohort "
    "says that."
)
DISCLAIMER = "Made by Knockwise for research. Not for clinical use."


def headline(found: Search) -> str:
    """Return what was found, in a sentence or two."""
    standing, rule = found.standing, found.asked.settings.rule
    count, samples = len(standing), len(found.expression.samples)
    methods = ", ".join(one.method.name for one in found.outcomes)
    begun = f"{samples:,} samples, {len(found.expression.genes):,} genes, by {methods}"
    if not count:
        tried = len(found.groups)
        more = f"; {tried} are rare and stable, as in data without groups" if tried else ""
        return f"{begun}: no rare subtype beyond chance{more}."
    groups = "one rare group" if count == 1 else f"{count} rare groups"
    return (
        f"{begun}: {groups} beyond chance (below {100 * rule.most:.0f} % of samples, stable, at a "
        f"false-discovery rate of {100 * rule.rate:.0f} %)."
    )


def show(found: Search, console: Console) -> None:
    """Print what was found."""
    console.print(plain(headline(found)), markup=False)
    if found.groups:
        console.print()
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
        for name in group_heads(found):
            table.add_column(name)
        for cells in group_cells(found)[:MOST_SHOWN]:
            table.add_row(*(Text(plain(one)) for one in cells))
        console.print(table)
        if (more := len(found.groups) - MOST_SHOWN) > 0:
            console.print(f"{more} more that do not stand or stand lower.")
    for one in found.described[:MOST_TOLD]:
        console.print()
        console.print(f"Group {one.candidate.name}", style="bold")
        for line in described_lines(found, one):
            console.print(f"  {plain(line)}", markup=False)
    if (more := len(found.described) - MOST_TOLD) > 0:
        console.print()
        console.print(f"{more} more groups are described in the report (--out DIR) and in --json.")
    if found.notes:
        console.print()
    for note in found.notes:
        console.print(plain(note), style="yellow", markup=False)


def group_heads(found: Search) -> list[str]:
    """Return the headings of the table of groups."""
    return ["Group", "Samples", "Stability", "FDR permuted", "FDR rotated", "In halves", "Found by",
            "Not beyond chance by"]  # fmt: skip


def group_cells(found: Search) -> list[list[str]]:
    """Return the table of groups, as text."""
    rows = []
    for group in found.groups:
        one = group.best
        told, size = group.told_by(found.rate), len(one.members)
        weak = [each.method for each in (one, *group.others) if each.method not in told]
        rows.append(
            [
                group.name,
                f"{size} ({100 * size / len(found.expression.samples):.1f} %)",
                f"{one.stability:.2f}",
                f"{one.permuted:.3f}",
                f"{one.rotated:.3f}",
                "too small" if one.replicated is None else f"{100 * one.replicated:.0f} %",
                ", ".join(told),
                ", ".join(weak),
            ]
        )
    return rows


def described_lines(found: Search, one: Described) -> list[str]:
    """Return what tells a group from the rest, a line each."""
    names = found.names(one.candidate.best.members)
    lines = [f"samples: {', '.join(names)}"]
    first = [
        f"{row.gene} {row.difference:+.1f}" for row in one.marking.head(MOST_MARKERS).itertuples()
    ]
    lines.append(
        f"markers: {len(one.marking):,} genes (adjusted p at most .05); {', '.join(first)}"
    )
    if one.held is not None:
        lines.append(
            f"{100 * one.held:.0f} % of a half's first 50 markers hold in the other half "
            "(2.5 % by chance)"
        )
    told = [each for each in one.associations if each.p <= 0.05][:4]
    if told:
        lines.append(f"goes with {', '.join(association_words(each) for each in told)}")
    if one.survival:
        lines.append(survival_words(one))
    return lines


def association_words(one: Association) -> str:
    """Return for example `BT (V 0.45, p = 0.001)`."""
    return f"{one.column}{' (batch)' if one.batch else ''} (V {one.v:.2f}, {p_words(one.p)})"


def survival_words(one: Described) -> str:
    """Return how a group survives, in a sentence."""
    found = one.survival
    if found is None:
        return ""
    said = f"log-rank {p_words(found.p)}"
    if found.hazard_ratio is not None:
        said += f"; hazard ratio {found.hazard_ratio:.2f} ({found.low:.2f} to {found.high:.2f})"
    return (
        f"survival: {said}; {found.events[0]} events of {found.samples[0]} in the group, "
        f"{found.events[1]} of {found.samples[1]} in all"
    )


def page(found: Search, plots: Path) -> str:
    """Return a search as one HTML page that loads nothing; its pictures are kept in `plots`."""
    from app.show.subtypes_pictures import pictures
    from evals.harness.plots import written

    captions = written(pictures(found), plots)
    css = "\n".join(template(one) for one in ("parts.css", "report.css", "lists.css"))
    return page_environment().get_template("subtypes.html.j2").render(
        css=css,
        title=f"Subtypes in {found.asked.expr.name}",
        headline=headline(found),
        heads=group_heads(found),
        cells=group_cells(found),
        standing=len(found.standing),
        described=[(one, described_lines(found, one)) for one in found.described],
        markers=MOST_MARKERS,
        levels=_levels(found),
        associations=_associations(found),
        pictures=[(embedded(plots / f"{name}.svg"), said) for name, said in captions.items()],
        notes=found.notes,
        method=METHOD,
        settings=_settings(found),
        disclaimer=DISCLAIMER,
    )  # fmt: skip


def _levels(found: Search) -> list[list[str]]:
    return [
        [
            one.method.name,
            f"{level.level:g}",
            str(level.clusters),
            f"{level.stability:.2f}",
            f"{level.chance:.2f}",
            f"{level.silhouette:.3f}",
            "" if level.davies_bouldin is None else f"{level.davies_bouldin:.2f}",
            "best" if level.best else "",
        ]
        for one in found.outcomes
        for level in one.levels
    ]


def _associations(found: Search) -> list[list[str]]:
    every = [
        *found.associations.items(),
        *((f"group {one.candidate.name}", one.associations) for one in found.described),
    ]
    return [
        [
            what,
            f"{one.column}{' (batch)' if one.batch else ''}",
            f"{one.v:.2f}",
            f"{one.chance:.2f}",
            f"{one.p:.3f}",
            str(one.samples),
        ]
        for what, some in every
        for one in some
    ]


def _settings(found: Search) -> list[tuple[str, Any]]:
    settings = found.asked.settings
    rule = settings.rule
    return [
        ("methods", "; ".join(f"{one.method.name}: {one.method.words}" for one in found.outcomes)),
        ("genes", "as they are" if settings.as_is else f"the {settings.genes:,} most variable"),
        ("rare", f"{rule.least} samples or more and below {100 * rule.most:.0f} %"),
        ("stable", f"mean Jaccard {rule.stable} or more"),
        ("data sets without groups", f"{settings.permutations} permuted and as many rotated"),
        ("false-discovery rate", f"{rule.rate}"),
        ("seed", settings.seed),
    ]  # fmt: skip
