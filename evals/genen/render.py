"""Writes the page of a finished run: Markdown, and one HTML file that loads nothing."""

import json
from pathlib import Path

from evals.genen.plots import draw
from evals.genen.predictors import OURS
from evals.genen.report import COMPARTMENT, HOW, as_markdown, made, sections
from evals.genen.schema import Metrics
from evals.page import TEMPLATES, embedded, filled
from evals.perturbqa.report import provenance_table
from knowledge.files import replace_text


def render(metrics: Metrics, out: Path) -> tuple[Path, Path]:
    """Write `scoreboard.md` and `report.html` of the run in `out`, and return their paths."""
    config, timing = (
        json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "timing")
    )
    plots = draw(metrics, out)
    values = {
        "title": "Gene properties",
        "model": "Genen",
        "heading": "Gene properties from texts and graphs",
        "config": config,
        "how": (HOW, COMPARTMENT),
        "made": made(config, timing).replace("`", ""),
        "sections": sections(metrics),
        "provenance": provenance_table(config),
        "plots": plots,
        "images": {name: embedded(out / "plots" / f"{name}.svg") for name in plots},
        "ours": OURS,
    }
    page = filled(TEMPLATES / "report.html.j2", values)
    record = {"metrics": metrics.model_dump(), "config": config, "timing": timing}
    written = {"scoreboard.md": as_markdown(record) + "\n", "report.html": page}
    for name, text in written.items():
        replace_text(out / name, text)
    return out / "scoreboard.md", out / "report.html"
