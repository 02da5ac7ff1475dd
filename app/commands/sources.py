"""`knockwise data sources`: the page that says what every source is, its terms and what to cite."""

import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from knowledge.files import shipped
from knowledge.schema import Frozen
from knowledge.sources import registry as sources
from knowledge.sources.registry import Registry, Source, load_registry

PAPERS = Path(sources.__file__).parent / "papers.toml"
HEAD = """# Sources, their terms and what to cite

Written by `knockwise data sources`, from `sources.toml` and `papers.toml` of \
`knowledge/sources/`. Nothing of a source is in the repository except what the shipped \
weights carry, which \
[NOTICE](../NOTICE) lists. Terms are as each upstream generally states them; look them up there \
before you pass anything on. Whoever publishes a result should cite what it rests on.
"""


class Paper(Frozen):
    """What to cite for the sources whose names it lists; a star stands for any end.

    `models` are the shipped models that were trained on what it describes.
    """

    cite: str
    sources: tuple[str, ...]
    models: tuple[str, ...] = ()

    def covers(self, source: Source) -> bool:
        """Return whether the paper describes a source."""
        return any(fnmatchcase(source.name, name) for name in self.sources)


def papers() -> tuple[Paper, ...]:
    """Return every paper that is known."""
    with shipped(PAPERS):
        table = tomllib.loads(PAPERS.read_text(encoding="utf-8"))
        return tuple(Paper.model_validate(one) for one in table["paper"])


def page() -> str:
    """Return the page as Markdown: a table of each group's sources, and the papers by number."""
    registry, known = load_registry(), papers()
    lines = [HEAD]
    for group in registry.groups:
        lines += [
            f"## {group}",
            "",
            "| Source | Version | Terms | Cite |",
            "| --- | --- | --- | --- |",
        ]
        lines += [_row(source, known) for source in registry.select([group])]
        lines.append("")
    lines += ["## Papers", "", *_numbered(registry, known), ""]
    return "\n".join(lines)


def _row(source: Source, known: tuple[Paper, ...]) -> str:
    numbers = ", ".join(str(n) for n, paper in enumerate(known, 1) if paper.covers(source))
    cells = (
        f"[{source.name}]({source.url})",
        source.version,
        source.licence,
        numbers or "see there",
    )
    return f"| {' | '.join(cells)} |"


def _numbered(registry: Registry, known: tuple[Paper, ...]) -> Iterator[str]:
    for number, paper in enumerate(known, 1):
        if any(paper.covers(source) for source in registry):
            yield f"{number}. {paper.cite}."
