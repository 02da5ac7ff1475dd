"""Writes the page of a finished run: Markdown, and one HTML file with the gallery."""

import json
from pathlib import Path

from agent.wording import path_words
from evals.mechanism.pictures import path_picture
from evals.mechanism.report import HOW, as_markdown, provenance, sections
from evals.mechanism.schema import Metrics
from evals.page import filled
from knowledge.files import replace_text

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"


def render(metrics: Metrics, out: Path) -> tuple[Path, Path]:
    """Write `scoreboard.md` and `report.html` of the run in `out`, and return their paths."""
    record = {
        name: json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "timing")
    }
    page, html = out / "scoreboard.md", out / "report.html"
    replace_text(page, as_markdown({"metrics": metrics.model_dump(), **record}) + "\n")
    values = {
        "config": record["config"],
        "how": HOW,
        "sections": sections(metrics),
        "gallery": [(one, path_picture(one.steps, path_words(one.steps)))
                    for one in metrics.gallery],
        "provenance": provenance(record["config"]),
    }  # fmt: skip
    replace_text(html, filled(TEMPLATE, values))
    return page, html
