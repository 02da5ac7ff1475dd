"""Writes the page of a finished run: Markdown, and one HTML file with the gallery."""

import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agent.wording import path_words
from evals.mechanism.pictures import path_picture
from evals.mechanism.report import HOW, as_markdown, provenance, sections
from evals.mechanism.schema import Metrics
from knowledge.files import replace_text

TEMPLATES = Path(str(files("evals.mechanism"))) / "templates"
STYLE = Path(str(files("evals.perturbqa"))) / "templates" / "scoreboard.css"


def render(metrics: Metrics, out: Path) -> tuple[Path, Path]:
    """Write `scoreboard.md` and `report.html` of the run in `out`, and return their paths."""
    record = {
        name: json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "timing")
    }
    page, html = out / "scoreboard.md", out / "report.html"
    replace_text(page, as_markdown({"metrics": metrics.model_dump(), **record}) + "\n")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    values = {
        "config": record["config"],
        "how": HOW,
        "sections": sections(metrics),
        "gallery": [(one, path_picture(one.steps, path_words(one.steps)))
                    for one in metrics.gallery],
        "provenance": provenance(record["config"]),
        "css": STYLE.read_text(encoding="utf-8"),
    }  # fmt: skip
    replace_text(html, environment.get_template("report.html.j2").render(values))
    return page, html
