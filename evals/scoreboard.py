"""Writes `evals/SCOREBOARD.md`: every figure that Knockwise reports, and where it comes from.

    python -m evals.scoreboard                     # from evals/results/
    python -m evals.scoreboard --add RUN_FOLDER    # keep a finished run's figures there first

Nothing is fitted or scored here: `knockwise eval` did that, and `evals/results/*.json` holds the
figures and the hashes of what they were made from.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from evals.analyse.page import BENCHMARK as ANALYSE
from evals.campaign.page import BENCHMARK as CAMPAIGN
from evals.drugs.page import BENCHMARK as DRUGS
from evals.expression.challenge.page import BENCHMARK as VIRTUAL_CELL
from evals.expression.gears_curve import BENCHMARK as GEARS
from evals.expression.page import BENCHMARK as EXPRESSION
from evals.fused.page import BENCHMARK as FUSED
from evals.genen.page import BENCHMARK as GENEN
from evals.genes.page import BENCHMARK as GENES
from evals.genes.page import WITH_UNIREP as GENES_UNIREP
from evals.genesets.page import BENCHMARK as GENESETS
from evals.harness.benchmark import Benchmark
from evals.harness.brought import KEPT
from evals.harness.page import Record
from evals.harness.tables import table
from evals.harness.verdicts import counted, ours
from evals.images.page import BENCHMARK as IMAGES
from evals.language.contrast_page import BENCHMARK as PAIRS
from evals.language.contrast_page import overview
from evals.language.page import BENCHMARK as LANGUAGE
from evals.lists.page import BENCHMARK as LISTS
from evals.mechanism.page import BENCHMARK as MECHANISM
from evals.perturbqa.page import BENCHMARK as PERTURBQA
from evals.perturbqa.page import HOW, MEANS, READ_BEFORE, SETTINGS, headline_table
from evals.perturbqa.product.page import BENCHMARK as PRODUCT
from evals.phenotypes.page import BENCHMARK as GENEPHENO
from evals.phenotypes.page import WITH_UNIREP as GENEPHENO_UNIREP
from evals.programmes.page import BENCHMARK as PROGRAMMES
from evals.programmes.rivals.page import BENCHMARK as SAMS
from evals.regulators.page import BENCHMARK as REGULATORS
from evals.retrieval.page import BENCHMARK as RETRIEVAL
from evals.roles.page import together as roles_page
from evals.subtypes.page import BENCHMARK as SUBTYPES
from evals.unseen.page import BENCHMARK as UNSEEN
from evals.variants.page import BENCHMARK as VARIANTS
from evals.with_embeddings import BENCHMARK as WITH_EMBEDDINGS
from knowledge.errors import DataError
from models.fusion import WEIGHTS as FUSION_WEIGHTS

SCOREBOARD = Path(__file__).parent / "SCOREBOARD.md"
RESULTS = Path(__file__).parent / "results"
EDGE_TRUST = "edge trust"
BESIDE = (PRODUCT, FUSED, UNSEEN, REGULATORS)
"""What stands beside PerturbQA's overview: a change is progress only where none of them falls."""
OTHERS = (
    VARIANTS,
    GENESETS,
    EXPRESSION,
    VIRTUAL_CELL,
    GEARS,
    DRUGS,
    GENEN,
    GENES,
    GENES_UNIREP,
    WITH_EMBEDDINGS,
    GENEPHENO,
    GENEPHENO_UNIREP,
    IMAGES,
    LISTS,
    ANALYSE,
    MECHANISM,
    PROGRAMMES,
    SAMS,
    CAMPAIGN,
    SUBTYPES,
    RETRIEVAL,
)
ROWS = {"": "all", ", path": "with a path", ", multi": "multi", ", strict": "strict"}
"""Parts of the rows that fusion was fitted on, by what its figures end with."""


def keep(run: Path, results: Path = RESULTS) -> Path:
    """Copy the figures of a finished run of `knockwise eval`, and what made them.

    Predictions that it leaves to be compared with are kept beside.

    Args:
        run: The run folder.
        results: Where figures are kept.

    Raises:
        DataError: The run is not finished.
    """
    if not (run / "metrics.json").is_file():
        raise DataError(f"{run / 'metrics.json'} is missing; run `knockwise eval` to its end.")
    record = Record.read(run)
    results.mkdir(exist_ok=True)
    kept = results / f"{record.results.kind}.json"
    kept.write_text(record.dump(), encoding="utf-8")
    if (run / KEPT).is_file():
        shutil.copyfile(run / KEPT, kept.with_suffix(".parquet"))
    return kept


def scoreboard(results: Path = RESULTS, fusion: Path = FUSION_WEIGHTS) -> str:
    """Return the scoreboard as Markdown; what was not measured is left out."""
    paths = {name: results / f"{name}.json" for name in SETTINGS}
    runs = {name: Record.read(path) for name, path in paths.items() if path.is_file()}
    parts = [
        "# Scoreboard",
        "Written by `python -m evals.scoreboard` from the runs kept in `evals/results/`; do not "
        f"edit. {HOW}",
        *(_overview(runs) if runs else ()),
        *_pages(results, BESIDE),
        *(_setting(name, run) for name, run in runs.items()),
        *_pages(results, OTHERS),
        *_language(results),
        *_roles(results),
    ]
    parts += _verdicts(results)
    if (training := fusion / "training.json").is_file():
        parts += _fusion(json.loads(training.read_text(encoding="utf-8")))
    if runs:
        parts += _sources(runs)
    return "\n\n".join(parts) + "\n"


def _overview(runs: Mapping[str, Record]) -> Iterator[str]:
    yield "## PerturbQA: official test rows, and held-out training rows"
    yield f"{MEANS} {READ_BEFORE}"
    for name, run in runs.items():
        yield f"**{name}**: {SETTINGS[name]}"
        yield headline_table(run.results.scores).markdown()


def _setting(name: str, run: Record) -> str:
    """Return a setting's page, without the headline, which all settings share."""
    page = PERTURBQA.page(run)
    left = replace(page, how=(), sections=page.sections[1:], suffix=f" ({name})")
    return left.markdown()


def _roles(results: Path) -> Iterator[str]:
    """Yield one page of all models that were asked in their roles."""
    if paths := sorted(results.glob("roles-*.json")):
        yield roles_page([Record.read(path) for path in paths]).markdown()


def _pages(results: Path, benchmarks: Iterable[Benchmark]) -> Iterator[str]:
    for one in benchmarks:
        if (path := results / f"{one.kind}.json").is_file():
            yield one.page(Record.read(path)).markdown()


def _language(results: Path) -> Iterator[str]:
    """Yield the page on which language models stand beside one another, then one of each."""
    asked = [Record.read(path) for path in sorted(results.glob(f"{PAIRS.kind}-*.json"))]
    if (beside := overview(asked)) is not None:
        yield beside.markdown()
    # How the pairs are drawn and read stands on the page before.
    yield from (replace(PAIRS.page(one), how=()).markdown() for one in asked)
    batches = (Record.read(path) for path in sorted(results.glob(f"{LANGUAGE.kind}-*.json")))
    yield from (LANGUAGE.page(one).markdown() for one in batches)


def _verdicts(results: Path) -> Iterator[str]:
    """Yield how many comparisons of each benchmark and measure are better, level and worse."""
    rows = []
    for kind, benchmark in _compared():
        if not (path := results / f"{kind}.json").is_file():
            continue
        record = Record.read(path)
        page = benchmark.page(record)
        gains = ours(record.results.scores, page.ours)
        for who, measure in dict.fromkeys((one.predictor, one.measure) for one in gains):
            mine = [one for one in gains if (one.predictor, one.measure) == (who, measure)]
            plain, together = counted(mine), counted(mine, len(gains))
            found = (*plain.values(), *together.values())
            rows.append((page.title, who, measure, len(mine), *found))
    if rows:
        yield "## Better, level and worse"
        yield (
            "Every comparison of ours with another predictor that a kept run holds, by measure: "
            "better or worse where the 95 % interval of the difference leaves out zero. One in "
            "forty would be called better by chance alone if all were level, so the last columns "
            "count again with each interval widened for all comparisons of its benchmark "
            "(Bonferroni, intervals taken as normal). Comparisons share rows and are not "
            "independent."
        )
        header = ("benchmark", "ours", "measure", "comparisons", "better", "level", "worse",
                  "better, all counted", "level", "worse")  # fmt: skip
        yield table(header, rows).markdown()


def _compared() -> Iterator[tuple[str, Benchmark]]:
    yield from ((name, PERTURBQA) for name in SETTINGS)
    yield from ((one.kind, one) for one in (*BESIDE, *OTHERS))


def _fusion(record: dict[str, Any]) -> Iterator[str]:
    figures = record["metrics"]
    yield "## Cascade and fusion"
    yield (
        "Losses on training rows of the screens, cross-validated over perturbations. A row has a "
        "path where the signed graph leads from the perturbation to the readout."
    )
    rows = (
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
    yield table(header, rows).markdown()
    if trusted := figures.get(EDGE_TRUST):
        yield (
            "Edges beside measured signs of training perturbations and training regulators: how "
            "many pairs a database speaks of, by sign, and the share that it has right."
        )
        names = sorted(name.removesuffix(" pairs") for name in trusted if name.endswith(" pairs"))
        edges = (
            (name, f"{trusted[f'{name} pairs']:,}", f"{trusted[f'{name} right']:.3f}")
            for name in names
        )
        yield table(("database and sign", "pairs", "right"), edges).markdown()


def _sources(runs: Mapping[str, Record]) -> Iterator[str]:
    yield "## Sources"
    yield "The files behind the figures of PerturbQA, by SHA-256."
    data = [run.config["data"] for run in runs.values()]
    names = dict.fromkeys(name for one in data for name in one)
    rows = ((f"`{name}`", *(one.get(name, "")[:16] for one in data)) for name in names)
    yield table(("file", *runs), rows).markdown()


def main(
    add: Annotated[
        list[Path] | None, typer.Option(help="Finished run folder to keep; repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option(help="File to write.")] = SCOREBOARD,
) -> None:
    """Write the scoreboard."""
    for run in add or ():
        typer.echo(str(keep(run)))
    out.write_text(scoreboard(), encoding="utf-8")
    typer.echo(str(out))


if __name__ == "__main__":
    typer.run(main)
