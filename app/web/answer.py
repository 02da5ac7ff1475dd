"""An answer on the page: its parts, the table of every effect, and what changes without a step."""

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from agent.frontier import refuted
from agent.session import Session
from agent.wording import GENERAL, path_words
from app.show.figures import cascade_figure
from app.show.pages import cleaned, parts_of
from app.show.story import key, main_steps
from app.show.terminal import UNICODE
from app.show.volcano import Point, volcano
from knowledge.cascade import Reach, RelationKey
from knowledge.schema import Answer, CascadeStep, Direction, Effect, Frozen

ROWS = 20
SORTS = ("gene", "call", "p_de", "p_up", "usual")


class EffectRow(Frozen):
    """A row of `effects.csv` as the page shows it."""

    gene: str
    call: str
    subtle: bool
    p_de: float | None
    p_up: float | None
    low: float | None
    high: float | None
    usual: float | None
    measured: bool
    abstained: bool
    evidence: str

    @property
    def general(self) -> bool:
        """Whether many perturbations of the line move it."""
        return self.usual is not None and self.usual >= GENERAL


class Left(Frozen):
    """What becomes of a readout without some steps."""

    gene: str
    before: Effect
    after: Effect
    path_before: str
    path_after: str

    @property
    def moved(self) -> bool:
        """Whether anything that is shown changes."""
        shown = [
            (one.call, one.subtle, round(one.p_de or 0, 2), round(one.p_up, 2))
            for one in (self.before, self.after)
        ]
        return shown[0] != shown[1] or self.path_before != self.path_after


def answer_parts(answer: Answer, folder: Path) -> dict[str, Any]:
    """Return what the template shows of an answer."""
    answer = cleaned(answer)
    asked = set(answer.question.readouts)
    points = (
        Point(
            gene=row.gene,
            call=row.call,
            p_de=row.p_de,
            p_up=row.p_up,
            general=row.general,
            asked=row.gene in asked,
        )
        for row in effect_rows(folder)
        if row.p_de is not None and row.p_up is not None and not row.abstained
    )
    return {**parts_of(answer), "volcano_svg": volcano(points)}


def effects_table(folder: Path, q: str = "", sort: str = "", page: int = 1) -> dict[str, Any]:
    """Return a page of the table of every effect.

    Args:
        folder: Of the run.
        q: What the gene's name must begin with or the call be.
        sort: A column, with `-` before it for falling values; as in the file by default, what is
            specific to the perturbation first.
        page: From 1.
    """
    rows: Sequence[EffectRow] = effect_rows(folder)
    total, word = len(rows), q.strip().upper()
    if word:
        rows = [row for row in rows if row.gene.startswith(word) or row.call.upper() == word]
    column = sort.removeprefix("-")
    if column in SORTS:
        known = [row for row in rows if getattr(row, column) is not None]
        known.sort(key=lambda row: getattr(row, column), reverse=sort.startswith("-"))
        rows = [*known, *(row for row in rows if getattr(row, column) is None)]
    pages = max(1, -(-len(rows) // ROWS))
    page = min(max(1, page), pages)
    return {
        "rows": rows[(page - 1) * ROWS : page * ROWS],
        "found": len(rows),
        "total": total,
        "page": page,
        "pages": pages,
        "q": q,
        "sort": sort if column in SORTS else "",
        "calls_said": UNICODE.call,
    }


def effect_rows(folder: Path) -> tuple[EffectRow, ...]:
    """Return the rows of a run's `effects.csv`; none where it has no such file."""
    try:
        return _rows(folder / "effects.csv", (folder / "effects.csv").stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        return ()


@lru_cache(maxsize=16)
def _rows(path: Path, _changed: int) -> tuple[EffectRow, ...]:
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(
            EffectRow(
                gene=row.get("gene") or row.get("symbol") or "",
                call=row["call"],
                subtle=row["subtle"] == "True",
                p_de=_number(row["p_de"]),
                p_up=_number(row["p_up"]),
                low=_number(row["p_de_low"]),
                high=_number(row["p_de_high"]),
                usual=_number(row["usual"]),
                measured=row["seen_in_training"] == "True",
                abstained=row["abstained"] == "True",
                evidence=row["top_evidence"],
            )
            for row in csv.DictReader(file)
        )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def without(session: Session, answer: Answer, numbers: Sequence[int]) -> dict[str, Any]:
    """Return what the prediction and the cascade are without the steps of these numbers.

    The numbers are those of the drawn cascade, from 1. What no longer follows from the perturbation
    goes with them.
    """
    steps = main_steps(answer)
    removed = [steps[number - 1] for number in dict.fromkeys(numbers) if 0 < number <= len(steps)]
    kept = _still_reached(answer, [step for step in steps if step not in removed])
    one, predictor = answer.question.perturbation, session.predictor
    base = refuted(list(answer.steps))
    gone = base | {_key(step) for step in removed}
    genes = answer.question.readouts or tuple(effect.gene for effect in answer.effects)
    pairs = zip(
        predictor.effects(one, genes, without=base),
        predictor.effects(one, genes, without=gone),
        strict=True,
    )
    reach_before = predictor.reach(one, without=base)
    reach_after = predictor.reach(one, without=gone)
    rows = [
        Left(
            gene=before.gene,
            before=before,
            after=after,
            path_before=_path(reach_before, before.gene),
            path_after=_path(reach_after, before.gene),
        )
        for before, after in pairs
    ]
    return {
        "removed": [(steps.index(step) + 1, step) for step in removed],
        "rows": rows,
        "svg": cascade_figure(answer, kept, [steps.index(step) + 1 for step in kept]).svg
        if kept
        else "",
        "signs": UNICODE,
    }


def _key(step: CascadeStep) -> RelationKey:
    return (step.source.node, step.target.node, step.target.quantity == "expression")


def _still_reached(answer: Answer, steps: Sequence[CascadeStep]) -> list[CascadeStep]:
    """Return the steps that the perturbation still leads to."""
    perturbed = set(answer.question.perturbation.genes)
    reached = {key(step.source) for step in steps if step.source.node in perturbed}
    while more := {key(step.target) for step in steps if key(step.source) in reached} - reached:
        reached |= more
    return [step for step in steps if key(step.source) in reached]


def _path(reach: Reach, gene: str) -> str:
    ways: tuple[Direction, ...] = ("up", "down")
    best = max(ways, key=lambda way: reach.confidence(gene, way))
    return path_words(reach.path(gene, best)) if reach.confidence(gene, best) else ""
