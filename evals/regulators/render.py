"""Writes the page of a finished run: Markdown, and one HTML file that loads nothing."""

import json
from pathlib import Path

from evals.page import TEMPLATES, filled
from evals.perturbqa.report import provenance_table
from evals.regulators.predictors import HELD_OUT
from evals.regulators.report import HOW, as_markdown, made, sections
from evals.regulators.schema import Metrics
from knowledge.files import replace_text


def render(metrics: Metrics, out: Path) -> tuple[Path, Path]:
    """Write `scoreboard.md` and `report.html` of the run in `out`, and return their paths."""
    config, timing = (
        json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "timing")
    )
    values = {
        "title": "Regulators",
        "model": "Knockwise",
        "heading": "Answers about regulators",
        "config": config,
        "how": (HOW,),
        "made": made(config, timing),
        "sections": sections(metrics),
        "provenance": provenance_table(config),
        "plots": {},
        "images": {},
        "ours": HELD_OUT,
    }
    record = {"metrics": metrics.model_dump(), "config": config, "timing": timing}
    page, html = out / "scoreboard.md", out / "report.html"
    replace_text(page, as_markdown(record) + "\n")
    replace_text(html, filled(TEMPLATES / "report.html.j2", values))
    return page, html
