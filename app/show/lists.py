"""Lists of genes on a terminal and as pages: an explained list, ranked causes, ranked searches."""

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.wording import perturbation_words
from app.jobs.outputs import STDOUT
from app.show.figures import Figure, cascade_figure
from app.show.pages import DISCLAIMER, page_environment, template
from app.show.terminal import Signs, plain, progress
from knowledge.files import harmless_cell, replace_text
from knowledge.schema import Answer, CascadeStep, Question, Versions
from tools.lists.rows import ExplainedGene, ListExplanation, Share

MOST_TOLD = 12
MOST_ON_PAGE = 300
MOST_DRAWN = 14
VERDICTS = {
    "explained": "explained by a path",
    "conflicting": "a path says the other way",
    "unexplained": "no path",
    "perturbed": "the perturbed gene itself",
}


def percent(share: Share) -> str:
    """Return for example `12 % (34 of 280)`."""
    if share.share is None:
        return "none to compare"
    return f"{100 * share.share:.0f} % ({share.count:,} of {share.of:,})"


def p_words(p: float | None) -> str:
    """Return a p-value as people write it."""
    if p is None:
        return ""
    return f"p = {p:.2g}" if p >= 1e-4 else f"p < {10 ** -min(30, int(-_log10(p))):.0e}"


def _log10(p: float) -> float:
    from math import log10

    return log10(max(p, 1e-300))


def control_rows(found: ListExplanation) -> list[tuple[str, str, str]]:
    """Return what the explained share is worth: what, figure, what it is beside."""
    one = found.controls
    rows = [
        (
            "Reached by a path",
            percent(one.reached),
            f"unchanged genes of the table: {percent(one.reached_unchanged)}"
            + (f"; {p_words(one.reached_p)}" if one.reached_p is not None else ""),
        )
    ]
    if one.agreeing.of:
        shuffled = ""
        if one.agreeing_shuffled is not None:
            shuffled = (
                f"with shuffled signs: {100 * one.agreeing_shuffled:.0f} %; "
                f"{p_words(one.agreeing_p)}"
            )
        rows.append(("Of these, the path says the measured way", percent(one.agreeing), shuffled))
    quiet = one.explained_unchanged
    beside = f"unchanged genes: {percent(quiet)}" if quiet.of else ""
    rows.append(("Explained", percent(one.explained), beside))
    hubs = ", ".join(f"{name} {count}" for name, count in list(one.hubs.items())[:5])
    if hubs:
        rows.append(("Explained without hubs", percent(one.without_hubs), f"through hubs: {hubs}"))
    return rows


def foresight_rows(found: ListExplanation) -> list[tuple[str, str, str]]:
    """Return how the prediction made before looking did."""
    one = found.foresight
    rows: list[tuple[str, str, str]] = []
    if found.hits:
        return rows
    if one.auroc is not None:
        changed, quiet = one.compared
        rows.append(
            (
                "Changed genes ranked above unchanged ones",
                f"AUROC {one.auroc:.2f}",
                f"{changed:,} changed and {quiet:,} unchanged genes that a screen read",
            )
        )
    if one.direction.of:
        rows.append(("Direction as predicted", percent(one.direction), "of the changed genes"))
    if one.expected:
        came = sum(row.seen == "changed as expected" for row in one.expected)
        rows.append(
            (
                f"Of the {len(one.expected)} changes most expected",
                f"{came} were seen",
                f"{sum(row.seen == 'unchanged' for row in one.expected)} did not change, "
                f"{sum(row.seen == 'not in the result' for row in one.expected)} are not in the "
                "result",
            )
        )
    rows.append(("Changed and not expected", f"{one.surprises:,}", "what is new"))
    return rows


def headline(found: ListExplanation) -> str:
    """Return an explained list in a sentence or two."""
    counts, who = found.counts, perturbation_words(found.perturbation)
    said = [
        f"{counts.get(name, 0):,} {words}"
        for name, words in (
            ("explained", "explained by a signed path"),
            ("conflicting", "that a path would move the other way"),
            ("unexplained", "without a path"),
        )
    ]
    lead = f"{who}: {found.changed:,} changed genes of {found.source}"
    if found.hits:
        one = found.perturbation
        lead = f"Hits of {found.source} as causes of {one.genes[0]} in {one.cell_line}"
    return f"{lead}: {said[0]}, {said[1]}, {said[2]}."


def show_explanation(found: ListExplanation, console: Console, signs: Signs) -> None:
    """Print an explained list."""
    console.print(headline(found), soft_wrap=False)
    for heading, rows in (
        ("What that is worth", control_rows(found)),
        ("What was expected before looking", foresight_rows(found)),
    ):
        if not rows:
            continue
        console.print()
        console.print(heading, style="bold")
        for what, figure, beside in rows:
            console.print(f"  {what}: {figure}{f' ({beside})' if beside else ''}", markup=False)
    console.print()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for name in ("Gene", "Measured", "Verdict", "Expected", "Path or reason"):
        table.add_column(name)
    for row in _told(found.rows):
        table.add_row(
            plain(row.gene),
            signs.call[row.measured] if row.measured else "changed",
            row.verdict,
            row.expectation,
            Text(plain(row.path.words if row.path else row.reason or "")),
        )
    console.print(table)
    reasons = [
        f"{count:,} {name}" for name, count in found.counts.items() if name and name not in VERDICTS
    ]
    if reasons:
        console.print(f"Unexplained: {'; '.join(reasons)}.")
    for note in found.notes:
        console.print(plain(note), style="yellow", markup=False)


def _told(rows: Sequence[ExplainedGene]) -> Iterable[ExplainedGene]:
    """Yield the first rows of each verdict."""
    for verdict in VERDICTS:
        mine = [row for row in rows if row.verdict == verdict]
        yield from mine[: MOST_TOLD if verdict == "explained" else MOST_TOLD // 2]


def explanation_rows(found: ListExplanation) -> list[dict[str, Any]]:
    """Return the rows of an explained list with the columns of every table of Knockwise."""
    one = found.perturbation
    return [
        {
            "perturbation": "+".join(one.genes),
            "kind": one.kind,
            "cell_line": one.cell_line,
            "gene": row.gene,
            "measured": row.measured,
            "effect": row.effect,
            "padj": row.padj,
            "verdict": row.verdict,
            "reason": row.reason,
            "path": row.path.words if row.path else "",
            "path_direction": row.path.direction if row.path else None,
            "path_score": round(row.path.score, 4) if row.path else None,
            "databases": "; ".join(row.path.databases) if row.path else "",
            "references": "; ".join(row.path.references) if row.path else "",
            "programmes": "; ".join(row.path.programmes) if row.path else "",
            "hub": row.path.hub if row.path else "",
            "call": row.call,
            "p_de": None if row.p_de is None else round(row.p_de, 4),
            "p_up": None if row.p_up is None else round(row.p_up, 4),
            "usual": None if row.usual is None else round(row.usual, 4),
            "expectation": row.expectation,
            "circular": row.circular,
        }
        for row in found.rows
    ]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV that no spreadsheet runs."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0].keys() if rows else ())
    for row in rows:
        writer.writerow(["" if v is None else harmless_cell(str(v)) for v in row.values()])
    return out.getvalue()


def title(found: ListExplanation) -> str:
    """Return the heading of an explained list."""
    one = found.perturbation
    if found.hits:
        return f"What moves {one.genes[0]} in {one.cell_line}: {found.source}"
    return f"{perturbation_words(one)}: {found.source}"


def explanation_page(found: ListExplanation) -> str:
    """Return an explained list as one HTML page that loads nothing."""
    figure = paths_figure(found)
    return page_of(
        "explained.html.j2",
        found=found,
        title=title(found),
        headline=headline(found),
        bars=_bars(found),
        controls=control_rows(found),
        foresight=foresight_rows(found),
        rows=found.rows[:MOST_ON_PAGE],
        hidden=max(0, found.changed - MOST_ON_PAGE),
        verdicts=VERDICTS,
        reasons={k: v for k, v in found.counts.items() if k and k not in VERDICTS},
        figure=figure,
    )


def table_page(title: str, lead: str, rows: Sequence[Mapping[str, Any]], notes: Sequence[str],
               bar: str) -> str:  # fmt: skip
    """Return ranked rows as one HTML page; `bar` is the column that is drawn.

    Args:
        title: What was asked.
        lead: What came of it, in a sentence.
        rows: Ranked, the best first; their keys are the headings.
        notes: What to be careful of.
        bar: A column of numbers from 0 to 1.
    """
    most = max((abs(row[bar] or 0.0) for row in rows), default=1.0) or 1.0
    return page_of("ranked.html.j2", title=title, headline=lead, rows=rows, notes=notes, bar=bar,
                 most=most)  # fmt: skip


def page_of(name: str, **values: Any) -> str:  # noqa: ANN401
    """Return a page of lists by its template."""
    css = "\n".join(template(one) for one in ("parts.css", "report.css", "lists.css"))
    return page_environment().get_template(name).render(css=css, disclaimer=DISCLAIMER, **values)


def _bars(found: ListExplanation) -> list[dict[str, Any]]:
    """Return the shares that are drawn side by side: name, percent and class."""
    one = found.controls
    shares = [
        ("Changed genes reached by a path", one.reached.share, "changed"),
        ("Unchanged genes reached by a path", one.reached_unchanged.share, "quiet"),
        ("Path says the measured way", one.agreeing.share, "changed"),
        ("The same with shuffled signs", one.agreeing_shuffled, "quiet"),
        ("Changed genes explained", one.explained.share, "changed"),
        ("Unchanged genes explained", one.explained_unchanged.share, "quiet"),
    ]
    return [
        {"name": name, "percent": round(100 * share, 1), "kind": kind}
        for name, share, kind in shares
        if share is not None
    ]


def paths_figure(found: ListExplanation) -> Figure | None:
    """Return the best explained paths as a picture; None without one."""
    rows = [row for row in found.rows if row.verdict == "explained" and row.path][:MOST_DRAWN]
    steps: dict[tuple[object, object], CascadeStep] = {}
    for row in rows:
        for step in row.path.steps if row.path else ():
            steps.setdefault((step.source, step.target), step)
    if not steps:
        return None
    listed = tuple(row.gene for row in rows)
    ends = (listed, found.perturbation.genes) if found.hits else (found.perturbation.genes, listed)
    perturbed, readouts = ends
    answer = Answer(
        run="",
        question=Question(
            perturbation=found.perturbation.model_copy(update={"genes": perturbed}),
            readouts=readouts,
            text="",
        ),
        summary="",
        effects=(),
        hypotheses=(),
        steps=tuple(steps.values()),
        evidence=(),
        reasoner="",
        versions=Versions(knockwise="", knowledge="", data={}, models={}),
        timings_s={},
        tokens={},
    )
    return cascade_figure(answer, list(steps.values()))


def show_table(
    console: Console, lead: str, rows: Sequence[Mapping[str, str]], notes: Sequence[str]
) -> None:
    """Print a sentence, ranked rows and what to be careful of."""
    console.print(plain(lead), markup=False)
    if rows:
        console.print()
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
        for name in rows[0]:
            table.add_column(name)
        for row in rows:
            table.add_row(*(Text(plain(value)) for value in row.values()))
        console.print(table)
    for note in notes:
        console.print(plain(note), style="yellow", markup=False)


def write_rows(rows: Sequence[Mapping[str, Any]], out: Path) -> bool:
    """Write rows as CSV; returns whether that was to stdout, which then holds nothing else."""
    text = csv_text(rows)
    if out == STDOUT:
        sys.stdout.write(text)
        return True
    replace_text(out, text)
    progress().print(f"{len(rows):,} rows written to {out}.", soft_wrap=True)
    return False
