"""Writes `evals/SCOREBOARD.md`: every figure that Knockwise reports, and where it comes from.

    python -m evals.scoreboard                     # from evals/results/
    python -m evals.scoreboard --add RUN_FOLDER    # keep a finished run's figures there first

Nothing is fitted or scored here: `knockwise eval` did that, and `evals/results/*.json` holds the
figures and the hashes of what they were made from.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from evals.expression.page import BENCHMARK as EXPRESSION
from evals.genen.page import BENCHMARK as GENEN
from evals.genes.report import as_markdown as genes_as_markdown
from evals.genesets.run import as_markdown as genesets_as_markdown
from evals.harness.benchmark import Benchmark
from evals.harness.page import Record
from evals.mechanism.page import BENCHMARK as MECHANISM
from evals.perturbqa.fused_report import as_markdown as fused_as_markdown
from evals.perturbqa.report import (
    HOW,
    READ_BEFORE,
    SETTINGS,
    Table,
    headline_table,
    sections,
)
from evals.perturbqa.schema import Metrics
from evals.phenotypes.page import BENCHMARK as GENEPHENO
from evals.programmes.page import BENCHMARK as PROGRAMMES
from evals.programmes.rivals.page import BENCHMARK as SAMS
from evals.regulators.page import BENCHMARK as REGULATORS
from evals.with_embeddings import as_markdown as with_embeddings_as_markdown
from knowledge.errors import DataError
from models.fusion import WEIGHTS as FUSION

SCOREBOARD = Path(__file__).parent / "SCOREBOARD.md"
RESULTS = Path(__file__).parent / "results"
SETS = ("k562_set", "gse")
EDGE_TRUST = "edge trust"
BESIDE: Mapping[str, Callable[[dict[str, Any]], str] | Benchmark] = {
    "fused": fused_as_markdown,
    "regulators": REGULATORS,
}
"""What stands beside PerturbQA's overview: a change is progress only where none of them falls."""
KINDS: Mapping[str, Callable[[dict[str, Any]], str] | Benchmark] = {
    "expression": EXPRESSION,
    "genen": GENEN,
    "genes": genes_as_markdown,
    "with-embeddings": with_embeddings_as_markdown,
    "genepheno": GENEPHENO,
    "mechanism": MECHANISM,
    "programmes": PROGRAMMES,
    "sams": SAMS,
}
"""What writes the section of a run, by the `kind` that its metrics say it is."""
ROWS = {"": "all", ", path": "with a path", ", multi": "multi", ", strict": "strict"}
"""Parts of the rows that fusion was fitted on, by what its figures end with."""


def keep(run: Path, results: Path = RESULTS) -> list[Path]:
    """Copy the figures of a finished run of `knockwise eval`, and what made them.

    Args:
        run: The run folder, or a file that says its `kind` itself.
        results: Where figures are kept.

    Raises:
        DataError: The run is not finished.
    """
    if run.is_file():
        record = _json(run)
        return _written({record["kind"]: record}, results)
    if not (run / "metrics.json").is_file():
        raise DataError(f"{run / 'metrics.json'} is missing; run `knockwise eval` to its end.")
    metrics = _json(run / "metrics.json")
    if "columns" in metrics.get("scores", ()):
        results.mkdir(exist_ok=True)
        whole = Record.read(run)
        kept = results / f"{whole.results.kind}.json"
        kept.write_text(whole.dump(), encoding="utf-8")
        return [kept]
    if set(SETS) <= metrics.keys():
        records = {name: metrics[name] for name in SETS}
    elif "strategy" in metrics:
        name = re.sub(r"[^\w.-]+", "-", f"language-{metrics['model']}-{metrics['strategy']}")
        markdown = (run / "scoreboard.md").read_text(encoding="utf-8")
        records = {name: {**metrics, "markdown": markdown}}
    else:
        parts = {name: _json(run / f"{name}.json") for name in ("config", "timing")}
        name = metrics.get("kind") or metrics["setting"]
        records = {name: {**parts, "metrics": metrics}}
    return _written(records, results)


def _written(records: Mapping[str, dict[str, Any]], results: Path) -> list[Path]:
    results.mkdir(exist_ok=True)
    kept = []
    for name, record in records.items():
        kept.append(results / f"{name}.json")
        kept[-1].write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return kept


def scoreboard(results: Path = RESULTS, fusion: Path = FUSION) -> str:
    """Return the scoreboard as Markdown; what was not measured is left out."""
    runs = {name: _json(path) for name in SETTINGS if (path := results / f"{name}.json").is_file()}
    parts = [
        "# Scoreboard",
        "Written by `python -m evals.scoreboard` from the runs kept in `evals/results/`; do not "
        f"edit. {HOW}",
    ]
    if runs:
        parts += _overview(runs)
    parts += _kinds(results, BESIDE)
    for name, run in runs.items():
        parts += _setting(name, run)
    parts += _others(results)
    if (fusion / "training.json").is_file():
        parts += _fusion(_json(fusion / "training.json"))
    if runs:
        parts += _sources(runs)
    return "\n\n".join(parts) + "\n"


def _overview(runs: dict[str, Any]) -> Iterator[str]:
    yield "## PerturbQA: mean over the four lines"
    yield (
        "K562 and RPE1 on their official test rows, HepG2 and Jurkat, whose test labels are "
        f"withheld, by cross-validation over training perturbations. {READ_BEFORE}"
    )
    for name, run in runs.items():
        yield f"**{name}**: {SETTINGS[name]}"
        yield headline_table(Metrics.model_validate(run["metrics"])).markdown()


def _setting(name: str, run: dict[str, Any]) -> Iterator[str]:
    """Yield a setting's sections, the headline excepted, which all settings share."""
    metrics, config, timing = Metrics.model_validate(run["metrics"]), run["config"], run["timing"]
    settings = config["settings"]
    spent = ", ".join(f"{what} {s:,.0f} s" for what, s in timing["seconds"].items())
    yield f"## PerturbQA, setting {name}"
    yield (
        f"Seed {settings['seed']}, {settings['folds']} folds, commit `{config['commit'][:10]}`. "
        f"Time: {spent}; peak memory {timing['peak_memory_mib']:,.0f} MiB."
    )
    for section in sections(metrics)[1:]:
        yield f"### {section.title} ({name})"
        yield section.text
        for caption, table in section.tables.items():
            if table.rows:
                yield f"**{caption}**\n\n{table.markdown()}" if caption else table.markdown()


def _others(results: Path) -> Iterator[str]:
    """Yield the sections of the other benchmarks, which bring their headings."""
    sets = {name: results / f"{name}.json" for name in SETS}
    if all(path.is_file() for path in sets.values()):
        yield genesets_as_markdown({name: _json(path) for name, path in sets.items()})
    yield from _kinds(results, KINDS)
    for path in sorted(results.glob("language-*.json")):
        yield str(_json(path)["markdown"]).strip()


def _kinds(
    results: Path, kinds: Mapping[str, Callable[[dict[str, Any]], str] | Benchmark]
) -> Iterator[str]:
    for kind, told in kinds.items():
        if (path := results / f"{kind}.json").is_file():
            if isinstance(told, Benchmark):
                yield told.page(Record.read(path)).markdown()
            else:
                yield told(_json(path)).strip()


def _fusion(record: dict[str, Any]) -> Iterator[str]:
    figures = record["metrics"]
    yield "## Cascade and fusion"
    yield (
        "Losses on training rows of the screens, cross-validated over perturbations. A row has a "
        "path where the signed graph leads from the perturbation to the readout."
    )
    rows = tuple(
        (
            what,
            part,
            f"{found[f'rows{end}']:,}",
            *(
                f"{found[f'{loss}, {who}{end}']:.4f}" if f"{loss}, {who}{end}" in found else ""
                for loss in ("log loss", "Brier")
                for who in ("response", "fused")
            ),
        )
        for what, found in figures.items()
        if what != EDGE_TRUST
        for end, part in ROWS.items()
        if f"rows{end}" in found
    )
    header = ("knowledge, task", "rows", "how many", "log loss: response", "fused",
              "Brier: response", "fused")  # fmt: skip
    yield Table(header, rows).markdown()
    if trusted := figures.get(EDGE_TRUST):
        yield (
            "Edges beside measured signs of training perturbations and training regulators: how "
            "many pairs a database speaks of, by sign, and the share that it has right."
        )
        names = sorted(name.removesuffix(" pairs") for name in trusted if name.endswith(" pairs"))
        yield Table(
            ("database and sign", "pairs", "right"),
            tuple(
                (name, f"{trusted[f'{name} pairs']:,}", f"{trusted[f'{name} right']:.3f}")
                for name in names
            ),
        ).markdown()


def _sources(runs: dict[str, Any]) -> Iterator[str]:
    yield "## Sources"
    yield "The files behind the figures of PerturbQA, by SHA-256."
    names = dict.fromkeys(name for run in runs.values() for name in run["config"]["data"])
    rows = tuple(
        (f"`{name}`", *(run["config"]["data"].get(name, "")[:16] for run in runs.values()))
        for name in names
    )
    yield Table(("file", *runs), rows).markdown()


def _json(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def main(
    add: Annotated[
        list[Path] | None, typer.Option(help="Finished run folder to keep; repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option(help="File to write.")] = SCOREBOARD,
) -> None:
    """Write the scoreboard."""
    for run in add or ():
        for path in keep(run):
            typer.echo(str(path))
    out.write_text(scoreboard(), encoding="utf-8")
    typer.echo(str(out))


if __name__ == "__main__":
    typer.run(main)
