"""Writes the page of a finished run: Markdown, and one HTML file that loads nothing."""

import json
from pathlib import Path

from evals.page import embedded, filled
from evals.perturbqa.plots import draw
from evals.perturbqa.report import HOW, SETTINGS, provenance_table, sections
from evals.perturbqa.schema import MODEL, Metrics

TEMPLATES = Path(__file__).parent / "templates"


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
        "images": {name: embedded(out / "plots" / f"{name}.svg") for name in plots},
        "model": MODEL,
    }
    written = []
    for name in ("scoreboard.md", "scoreboard.html"):
        path = out / name
        text = filled(TEMPLATES / f"{name}.j2", values)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written[0], written[1]
