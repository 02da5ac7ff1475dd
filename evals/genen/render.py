"""Writes the page of a finished run: Markdown, and one HTML file that loads nothing."""

import base64
import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.genen.plots import draw
from evals.genen.predictors import OURS
from evals.genen.report import COMPARTMENT, HOW, as_markdown, made, sections
from evals.genen.schema import Metrics
from evals.perturbqa.render import TEMPLATES as SHARED
from evals.perturbqa.report import provenance_table
from knowledge.files import replace_text

TEMPLATES = Path(str(files("evals.genen"))) / "templates"


def render(metrics: Metrics, out: Path) -> tuple[Path, Path]:
    """Write `scoreboard.md` and `report.html` of the run in `out`, and return their paths."""
    config, timing = (
        json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "timing")
    )
    plots = draw(metrics, out)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        config=config,
        how=(HOW, COMPARTMENT),
        made=made(config, timing).replace("`", ""),
        sections=sections(metrics),
        provenance=provenance_table(config),
        plots=plots,
        images={name: _embedded(out / "plots" / f"{name}.svg") for name in plots},
        css=(SHARED / "scoreboard.css").read_text(encoding="utf-8"),
        ours=OURS,
    )
    record = {"metrics": metrics.model_dump(), "config": config, "timing": timing}
    written = {"scoreboard.md": as_markdown(record) + "\n", "report.html": page}
    for name, text in written.items():
        replace_text(out / name, text)
    return out / "scoreboard.md", out / "report.html"


def _embedded(path: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
