"""The HTML page of a run: one file that loads nothing."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
"""What several evaluations share: a page of sections and plots, and how pages look."""


def filled(template: Path, values: Mapping[str, Any]) -> str:
    """Return a template filled in; what is HTML is escaped, and a missing value is an error."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=".html" in template.suffixes,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    css = (TEMPLATES.parent / "harness" / "templates" / "page.css").read_text(encoding="utf-8")
    return environment.get_template(template.name).render(css=css, **values)


def embedded(path: Path) -> str:
    """Return an SVG file as an address that holds the picture itself."""
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
