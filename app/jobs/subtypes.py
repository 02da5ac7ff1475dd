"""Searches for subtypes in a run folder, and describes what was found."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.show.progress import progress_bar
from evals.harness.run import Inputs, Run, part
from knowledge.files import replace_text, replacing
from knowledge.schema import Frozen
from tools import subtypes as numbers
from tools.subtypes.markers import (
    BATCH_V,
    Association,
    Survival,
    associations,
    markers,
    survival_columns,
    survival_of,
)
from tools.subtypes.matrix import Expression, FloatArray, Scale, Side, read_expression
from tools.subtypes.methods import Data, components, methods_named
from tools.subtypes.replication import markers_held
from tools.subtypes.samples import aligned, names_in, read_table, require
from tools.subtypes.search import Candidate, Outcome, candidates, searched
from tools.subtypes.settings import SubtypeSettings

SCHEMA = "knockwise/subtypes/1"
MOST_DESCRIBED = 12
MARKED = 0.05


class Asked(Frozen):
    """What is searched, and how it is read."""

    expr: Path
    pheno: Path | None
    survival: str | None
    batches: tuple[str, ...]
    samples: Side
    scale: Scale
    settings: SubtypeSettings


@dataclass(frozen=True, eq=False)
class Described:
    """What tells a group from the rest.

    Attributes:
        candidate: The group.
        markers: All genes, the surest first.
        held: Share of a half's markers that hold in the other half.
        associations: With columns of the samples' table.
        survival: Beside the rest; None without it.
    """

    candidate: Candidate
    markers: pd.DataFrame
    held: float | None
    associations: tuple[Association, ...]
    survival: Survival | None

    @property
    def marking(self) -> pd.DataFrame:
        """Return the genes that mark the group, those that differ most first.

        Welch's test of a few samples is surest of genes that hardly vary among them, however
        little they differ from the rest.
        """
        sure = self.markers[self.markers["padj"] <= MARKED]
        return sure.sort_values("difference", key=abs, ascending=False, ignore_index=True)


@dataclass(frozen=True, eq=False)
class Search:
    """All that was found.

    Attributes:
        asked: What was asked.
        expression: All genes that could be used.
        points: Principal components of those that were.
        outcomes: A method each.
        groups: Over all methods, the surest first.
        described: Those that stand.
        associations: Of each method's partition at its best level, by method.
        time: Survival of each sample, with `event`; None where none was named.
        event: Whether it ended in the event.
        notes: What is to be known.
    """

    asked: Asked
    expression: Expression
    points: FloatArray
    outcomes: tuple[Outcome, ...]
    groups: tuple[Candidate, ...]
    described: tuple[Described, ...]
    associations: dict[str, tuple[Association, ...]]
    time: FloatArray | None
    event: FloatArray | None
    notes: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Return the false-discovery rate that is accepted."""
        return self.asked.settings.rule.rate

    @property
    def standing(self) -> tuple[Candidate, ...]:
        """Return the groups found at the accepted rate."""
        return tuple(one for one in self.groups if one.best.rate <= self.rate)

    def names(self, members: tuple[int, ...]) -> list[str]:
        """Return the names of samples."""
        return [self.expression.samples[one] for one in members]


def search(asked: Asked, out: Path | None) -> Search:
    """Return what is found; each data set's clusters are kept in `out`, where it is named.

    Raises:
        QuestionError: A table cannot be used.
        DataError: A file is missing or damaged.
        RunError: `out` holds another run.
    """
    settings = asked.settings
    methods = methods_named(settings.methods)
    table = read_table(asked.pheno) if asked.pheno else None
    known = names_in(table) if table is not None else set()
    expression = read_expression(asked.expr, asked.samples, asked.scale, known)
    notes = list(expression.notes)
    rows: pd.DataFrame | None = None
    time: FloatArray | None = None
    event: FloatArray | None = None
    if table is not None and asked.pheno is not None:
        rows, told = aligned(table, expression.samples, asked.pheno.name)
        notes += told
        require(rows, asked.batches, "--batch")
        if asked.survival:
            time, event = survival_columns(rows, asked.survival)
    used = expression if settings.as_is else expression.chosen(settings.genes)
    data = Data.of(used.values)
    with progress_bar() as told_of, tempfile.TemporaryDirectory() as scratch:
        files = {asked.expr.name: asked.expr}
        if asked.pheno:
            files[asked.pheno.name] = asked.pheno
        run = Run.claim(out or Path(scratch) / "run", asked.model_copy(update={
            "expr": Path(asked.expr.name),
            "pheno": asked.pheno and Path(asked.pheno.name),
        }), Inputs(files, (numbers,)), told_of)  # fmt: skip
        outcomes = []
        for number, method in enumerate(methods):
            share = 0.9 / len(methods)
            outcomes.append(
                searched(method, data, settings, _keep(run), part(told_of, share * number, share))
            )
        told_of("describing the groups", 0.92)
        groups = candidates(outcomes, settings.rule)
        standing = [one for one in groups if one.best.rate <= settings.rule.rate]
        described = tuple(
            _described(one, expression, rows, asked, time, event)
            for one in standing[:MOST_DESCRIBED]
        )
        by_method = {
            one.method.name: associations(one.labels, rows, asked.batches, settings.seed)
            if rows is not None
            else ()
            for one in outcomes
        }
        told_of("done", 1.0)
    notes += _warnings(described, by_method)
    return Search(asked, expression, components(data, 0), tuple(outcomes), groups, described,
                  by_method, time, event, tuple(notes))  # fmt: skip


def _keep(run: Run) -> Callable[[str, Callable[[], pd.DataFrame]], pd.DataFrame]:
    return lambda name, make: run.table(name, make, name.partition("/")[0])


def _described(
    group: Candidate,
    expression: Expression,
    rows: pd.DataFrame | None,
    asked: Asked,
    time: FloatArray | None,
    event: FloatArray | None,
) -> Described:
    settings, members = asked.settings, frozenset(group.best.members)
    inside = np.isin(np.arange(len(expression.samples)), list(members))
    return Described(
        group,
        markers(expression.values, expression.genes, members),
        markers_held(expression.values, members, settings.splits, settings.seed),
        associations(inside.astype(np.int64), rows, asked.batches, settings.seed)
        if rows is not None
        else (),
        survival_of(inside, time, event) if time is not None and event is not None else None,
    )


def _warnings(
    described: tuple[Described, ...], by_method: dict[str, tuple[Association, ...]]
) -> list[str]:
    """Return what looks like a batch, and what no half confirms."""
    said = [
        f"Clusters of {method} go with the batch {one.column} (Cramer's V {one.v:.2f}): they may "
        "be batches."
        for method, found in by_method.items()
        for one in found
        if _like_a_batch(one)
    ]
    for one in described:
        name = one.candidate.name
        said += [
            f"Group {name} goes with the batch {each.column} (Cramer's V {each.v:.2f}): it may be "
            "a batch."
            for each in one.associations
            if _like_a_batch(each)
        ]
        if one.candidate.best.replicated is None:
            said.append(f"Group {name} is too small to be looked for in halves of the samples.")
    return said


def _like_a_batch(one: Association) -> bool:
    return one.batch and one.p <= MARKED and one.v - one.chance >= BATCH_V


def group_rows(found: Search) -> list[dict[str, Any]]:
    """Return a row per group and method, for a table."""
    return [
        {
            "group": group.name,
            "method": one.method,
            "found": one.rate <= found.rate,
            "samples": len(one.members),
            "share": round(len(one.members) / len(found.expression.samples), 4),
            "level": one.level,
            "stability": round(one.stability, 4),
            "fdr_permuted": round(one.permuted, 4),
            "fdr_rotated": round(one.rotated, 4),
            "replicated": None if one.replicated is None else round(one.replicated, 3),
            "levels": one.levels,
            "members": " ".join(found.names(one.members)),
        }
        for group in found.groups
        for one in (group.best, *group.others)
    ]


def as_record(found: Search) -> dict[str, Any]:
    """Return what was found as JSON has it."""
    return {
        "schema": SCHEMA,
        "settings": found.asked.settings.model_dump(mode="json"),
        "samples": len(found.expression.samples),
        "genes": len(found.expression.genes),
        "rows": group_rows(found),
        "groups": [
            {
                "group": one.candidate.name,
                "members": found.names(one.candidate.best.members),
                "found_by": one.candidate.told_by(found.rate),
                "markers": len(one.marking),
                "first_markers": one.marking.head(20).round(6).to_dict("records"),
                "markers_held": one.held,
                "associations": [each.model_dump() for each in one.associations],
                "survival": one.survival.model_dump() if one.survival else None,
            }
            for one in found.described
        ],
        "levels": {
            one.method.name: [level.model_dump() for level in one.levels] for one in found.outcomes
        },
        "associations": {
            method: [one.model_dump() for one in some]
            for method, some in found.associations.items()
        },
        "notes": list(found.notes),
    }


def written(found: Search, out: Path) -> Path:
    """Write tables and the report of a search into its folder, and return the report's path."""
    from app.show.lists import csv_text
    from app.show.subtypes import page

    replace_text(out / "groups.csv", csv_text(group_rows(found)))
    replace_text(out / "samples.csv", csv_text(sample_rows(found)))
    levels = [
        {"method": one.method.name, **level.model_dump()}
        for one in found.outcomes
        for level in one.levels
    ]
    replace_text(out / "levels.csv", csv_text(levels))
    every = [one.markers.assign(group=one.candidate.name) for one in found.described]
    if every:
        with replacing(out / "markers.csv") as draft:
            columns = ["group", "gene", "difference", "p", "padj"]
            pd.concat(every)[columns].to_csv(draft, index=False, float_format="%.6g")
    report = out / "report.html"
    replace_text(report, page(found, out / "plots"))
    return report


def sample_rows(found: Search) -> list[dict[str, Any]]:
    """Return a row per sample: its cluster by each method, and its groups."""
    rows = []
    for at, name in enumerate(found.expression.samples):
        mine = [one.name for one in found.standing if at in one.best.members]
        rows.append(
            {
                "sample": name,
                "groups": " ".join(mine),
                **{one.method.name: int(one.labels[at]) for one in found.outcomes},
            }
        )
    return rows
