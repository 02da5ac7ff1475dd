"""The page of a run, in Markdown and as one HTML file that loads nothing."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.harness.scores import Results
from evals.harness.tables import Table, table
from knowledge.files import replace_text

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Record:
    """A finished run: what it found, what it was, and what it took."""

    results: Results
    config: Mapping[str, Any]
    timing: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Return the record in a run folder, or in a file that `python -m evals.scoreboard` kept.

        Raises:
            DataError: There are no figures of this version.
        """
        if path.is_dir():
            names = ("config", "timing", "metrics")
            whole = {name: _json(path / f"{name}.json") for name in names}
        else:
            whole = _json(path)
        metrics = whole.get("metrics", {})
        return cls(Results.load(metrics, path), whole["config"], whole["timing"])

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what the run was told."""
        found: Mapping[str, Any] = self.config["settings"]
        return found

    def dump(self) -> str:
        """Return it as JSON, to be kept."""
        config, timing = (json.dumps(one, indent=1) for one in (self.config, self.timing))
        metrics = self.results.dump().strip()
        return f'{{\n "config": {config},\n "timing": {timing},\n "metrics": {metrics}\n}}\n'

    def made(self, *told: str, stages: bool = False) -> str:
        """Return how the run was made and what it took, in a line.

        Args:
            told: Of its settings, beside the seed.
            stages: Whether the time of each stage is told, or the sum.
        """
        begun = ", ".join([f"Seed {self.settings['seed']}", *told])
        seconds = self.timing["seconds"]
        made = f"{begun}, commit `{self.config['commit'][:10]}`."
        if not seconds:
            return made
        spent = f"{sum(seconds.values()) / 60:,.0f} min"
        if stages:
            spent = ", ".join(f"{what} {s:,.0f} s" for what, s in seconds.items())
        return f"{made} Time: {spent}; peak memory {self.timing['peak_memory_mib']:,.0f} MiB."


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its heading; without one it goes on with the part before.
        text: What it says.
        tables: Those without a row are not shown.
        plots: Names of the plots beside them.
        html: What the HTML page shows in place of the tables.
    """

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    plots: tuple[str, ...] = ()
    html: str = ""

    @property
    def told(self) -> bool:
        """Return whether anything was measured for it."""
        return bool(self.plots) or any(one.rows for one in self.tables)

    def markdown(self, suffix: str = "") -> Iterator[str]:
        """Yield its paragraphs."""
        if self.title:
            yield f"### {self.title}{suffix}"
        if self.text:
            yield self.text
        yield from self.tabled()

    def tabled(self) -> Iterator[str]:
        """Yield its tables below their captions."""
        for one in self.tables:
            if one.rows:
                yield from [f"**{one.caption}**"] if one.caption else []
                yield one.markdown()


def shown(sections: Iterable[Section]) -> str:
    """Return parts of a page as a terminal shows them."""
    return "\n\n".join(text for one in sections for text in one.markdown())


@dataclass(frozen=True)
class Page:
    """What is told of a run.

    Attributes:
        title: Its heading.
        how: How the figures came about, a paragraph each.
        made: With what settings, and what it took.
        sections: The parts, in order.
        ours: The predictor whose rows stand out.
        suffix: What headings of parts end with, where several benchmarks have the same ones.
        style: CSS of its own.
    """

    title: str
    how: tuple[str, ...]
    made: str
    sections: tuple[Section, ...]
    ours: str = ""
    suffix: str = ""
    style: str = field(default="", repr=False)

    def markdown(self) -> str:
        """Return it as a section of the scoreboard."""
        parts = [f"## {self.title}", *self.how, self.made]
        for section in self.sections:
            parts += section.markdown(self.suffix)
        return "\n\n".join(part for part in parts if part)

    def html(self, config: Mapping[str, Any], plots: Mapping[str, str], folder: Path) -> str:
        """Return it as HTML.

        Args:
            config: Of the run, whose hashes stand at the end.
            plots: Captions of the plots that were drawn, by name.
            folder: Where they are.
        """
        images = {name: embedded(folder / f"{name}.svg") for name in plots}
        return filled(
            TEMPLATES / "page.html.j2",
            css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
            page=self,
            config=config,
            plots=plots,
            images=images,
            provenance=provenance(config),
        )

    def write(self, out: Path, plots: Mapping[str, str]) -> tuple[Path, Path]:
        """Write `scoreboard.md` and `report.html` into the run folder, and return their paths."""
        page, html = out / "scoreboard.md", out / "report.html"
        replace_text(page, self.markdown() + "\n")
        replace_text(html, self.html(_json(out / "config.json"), plots, out / "plots"))
        return page, html


def filled(template: Path, **values: Any) -> str:  # noqa: ANN401  # whatever it asks for
    """Return an HTML template filled in; what is text is escaped, a missing value is an error."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template.name).render(values)


def provenance(config: Mapping[str, Any]) -> Table:
    """Return the hashes and versions behind a run."""
    return table(("file", "sha256"), ((name, sha[:16]) for name, sha in config["data"].items()))


def embedded(path: Path) -> str:
    """Return an SVG file as an address that holds the picture itself."""
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _json(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record
