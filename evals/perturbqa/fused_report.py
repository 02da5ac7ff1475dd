"""What is told of the fused answer beside the response model alone."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.page import TEMPLATES, filled
from evals.perturbqa.fused import FUSED, PREDICTORS, RARE, FusedMetrics, FusedScore
from evals.perturbqa.report import Section, Table, provenance_table
from evals.perturbqa.rows import TASK_NAMES, TASKS
from evals.perturbqa.schema import MEAN
from knowledge.files import replace_text
from models.response.screens import CELL_LINES

HOW = (
    "What `ask` answers is the response model fused with paths. Macro per-gene AUROC on held-out "
    "training perturbations of the four lines: the response model never saw the perturbation, and "
    "fusion was fitted without it. 95 % intervals by resampling whole perturbations."
)
LISTS = (
    "Share of specific responders among a perturbation's first twenty of some hundred held-out "
    "training rows. A specific responder changed, and is recorded as changed under at most "
    f"{RARE:.0%} of the line's other training perturbations. Rows are few and picked for balance: "
    "the section on regulators has lists over all readouts."
)


def sections(metrics: FusedMetrics) -> list[Section]:
    """Return the page in order."""
    scores = {
        f"{TASK_NAMES[task]}, {setting}": _scores(metrics, setting, task)
        for setting in dict.fromkeys(one.setting for one in metrics.scores)
        for task in TASKS
    }
    lists = {
        setting: _lists(metrics, setting)
        for setting in dict.fromkeys(one.setting for one in metrics.ranked)
    }
    return [
        Section("Per gene", "", {name: table for name, table in scores.items() if table.rows}),
        Section("Specific responders", LISTS, lists),
    ]


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the section of a run.

    Args:
        record: `metrics`, `config` and `timing` of the run folder.
    """
    metrics = FusedMetrics.model_validate(record["metrics"])
    return "\n\n".join(
        ["## PerturbQA: the fused answer", HOW, _made(record["config"]), *_shown(metrics)]
    )


def summary(metrics: FusedMetrics) -> str:
    """Return what a terminal shows."""
    return "\n\n".join(_shown(metrics))


def render(metrics: FusedMetrics, out: Path) -> tuple[Path, Path]:
    """Write `scoreboard.md` and `report.html` of the run in `out`, and return their paths."""
    config, timing = (
        json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "timing")
    )
    values = {
        "title": "The fused answer",
        "model": "Knockwise",
        "heading": "PerturbQA: the fused answer",
        "config": config,
        "how": (HOW,),
        "made": _made(config),
        "sections": sections(metrics),
        "provenance": provenance_table(config),
        "plots": {},
        "images": {},
        "ours": FUSED,
    }
    record = {"metrics": metrics.model_dump(), "config": config, "timing": timing}
    page, html = out / "scoreboard.md", out / "report.html"
    replace_text(page, as_markdown(record) + "\n")
    replace_text(html, filled(TEMPLATES / "report.html.j2", values))
    return page, html


def _made(config: Mapping[str, Any]) -> str:
    return f"Seed {config['settings']['seed']}, commit `{config['commit'][:10]}`."


def _shown(metrics: FusedMetrics) -> Iterator[str]:
    for section in sections(metrics):
        yield f"### {section.title} (fused)"
        if section.text:
            yield section.text
        for caption, table in section.tables.items():
            yield f"**{caption}**\n\n{table.markdown()}"


def _scores(metrics: FusedMetrics, setting: str, task: str) -> Table:
    found = {
        (one.predictor, one.cell_line): one
        for one in metrics.scores
        if (one.setting, one.task) == (setting, task)
    }
    columns = (*CELL_LINES, MEAN)
    rows = []
    for name in PREDICTORS:
        cells = [found.get((name, column)) for column in columns]
        if any(cells):
            rows.append((name, *(str(one.auroc) if one else "" for one in cells)))
    if rows:
        fused = [found.get((FUSED, column)) for column in columns]
        rows.append(("fused minus response", *(_ahead(one) for one in fused)))
        for name in PREDICTORS:
            kept = [found.get((name, column)) for column in columns]
            rows.append((f"calibration error, {name}", *(_error(one) for one in kept)))
    return Table(("predictor", *columns), tuple(rows))


def _lists(metrics: FusedMetrics, setting: str) -> Table:
    mine = [one for one in metrics.ranked if one.setting == setting]
    found = {(one.rule, one.cell_line): one for one in mine}
    lines = [line for line in CELL_LINES if any(one.cell_line == line for one in mine)]
    rows = [
        (rule, *(str(found[rule, line].precision) for line in lines))
        for rule in dict.fromkeys(one.rule for one in mine)
    ]
    best = {line: next(one.most for one in mine if one.cell_line == line) for line in lines}
    rows.append(("at most", *(f"{best[line]:.3f}" for line in lines)))
    return Table(("rows ranked by", *lines), tuple(rows))


def _ahead(score: FusedScore | None) -> str:
    if score is None or score.ahead is None:
        return ""
    one = score.ahead
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _error(score: FusedScore | None) -> str:
    if score is None or score.calibration_error is None:
        return ""
    return f"{score.calibration_error:.3f}"
