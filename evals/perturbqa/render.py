"""Writes the page of a finished run: Markdown, and one HTML file that loads nothing."""

import base64
import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.perturbqa.plots import draw
from evals.perturbqa.report import HOW, SETTINGS, provenance_table, sections
from evals.perturbqa.schema import MODEL, Metrics

TEMPLATES = Path(str(files("evals.perturbqa"))) / "templates"


def render(metrics: Metrics, out: Path) -> tuple[Path, Path]:
    """Write `scoreboard.md` and `scoreboard.html` of the run in `out`, and return their paths."""
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    plots = draw(metrics, out / "plots")
    values = {
        "config": config,
        "settings": config["settings"],
        "setting_says": SETTINGS[metrics.setting],
        "how": HOW,
        "sections": sections(metrics),
        "provenance": provenance_table(config),
        "plots": plots,
        "images": {name: _embedded(out / "plots" / f"{name}.svg") for name in plots},
        "css": (TEMPLATES / "scoreboard.css").read_text(encoding="utf-8"),
        "model": MODEL,
    }
    written = []
    for name in ("scoreboard.md", "scoreboard.html"):
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=name.endswith("html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        path = out / name
        text = environment.get_template(f"{name}.j2").render(values)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written[0], written[1]


def _embedded(path: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
