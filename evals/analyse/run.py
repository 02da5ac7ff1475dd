"""Scores `knockwise analyse` on counts with known answers; a stopped run goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pydantic import Field

from agent.session import Session
from agent.settings import Settings
from evals import analyse as benchmark
from evals.analyse.page import BENCHMARK
from evals.analyse.score import (
    agreement,
    altered,
    carcinoma_scores,
    plain_test,
    sentence_scores,
)
from evals.harness.resampling import DRAWS
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results, Score
from evals.harness.session import benchmark_session
from knowledge.base import load_symbols
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from tools import counts
from tools.counts.analysis import Kept, analysed
from tools.counts.contrast import Wanted
from tools.counts.facts import facts_of
from tools.counts.reading import Request, read
from tools.counts.sentences import Writer
from tools.counts.tables import write_tables
from tools.effects import EffectPredictor

AIRWAY = "bulk/counts_airway/airway_rawcounts.csv.gz"
AIRWAY_DESIGN = "bulk/counts_airway/airway_metadata.csv"
AIRWAY_R = "bulk/counts_airway/airway_deseq2_reference.csv.gz"
CARCINOMA = "bulk/counts_ccrcc/ccrcc_ffpe_counts.csv.gz"
CARCINOMA_DESIGN = "bulk/counts_ccrcc/ccrcc_samples.csv"


class AnalyseEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    alpha: float = Field(0.05, description="Adjusted p-value up to which a gene changed.")
    perturbed: str = Field("VHL", description="Gene whose loss explains the carcinoma.")
    seed: int = Field(0, description="Seed of everything that is drawn.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of genes.")


class Case(NamedTuple):
    """A table of counts with an answer."""

    name: str
    counts: str
    design: str
    wanted: Wanted
    perturbed: tuple[str, ...] = ()


def evaluate(
    data: Path, out: Path, settings: AnalyseEval, world: Settings, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        world: Where what is known lies.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    names = (AIRWAY, AIRWAY_DESIGN, AIRWAY_R, CARCINOMA, CARCINOMA_DESIGN)
    session: list[Session] = []

    def predictor() -> EffectPredictor:
        if not session:
            session.append(benchmark_session(world))
        return session[0].predictor

    from importlib.metadata import version

    versions = {name: version(name) for name in ("pydeseq2", "gseapy", "decoupler")}
    inputs = Inputs({name: root / name for name in names}, (benchmark, counts), versions)
    return BENCHMARK.evaluate(
        out,
        settings,
        inputs,
        lambda run: _evaluated(root, run, settings, world, predictor),
        progress,
    )


def _evaluated(
    root: Path,
    run: Run,
    settings: AnalyseEval,
    world: Settings,
    predictor: Callable[[], EffectPredictor],
) -> Results:
    cases = (
        Case("airway", AIRWAY, AIRWAY_DESIGN,
             Wanted(contrast="treated against control", formula="~ dex")),
        Case("renal carcinoma", CARCINOMA, CARCINOMA_DESIGN,
             Wanted(contrast="tumour against normal"), (settings.perturbed,)),
    )  # fmt: skip
    found: list[Score] = []
    for number, case in enumerate(cases):
        run.progress(case.name, 0.05 + 0.45 * number)
        sentences = run.table(
            f"{case.name}/sentences",
            lambda case=case: _reported(root, run, settings, world, predictor, case),  # type: ignore[misc]
            case.name,
        )
        found += sentence_scores(case.name, sentences)
    reference = pd.read_csv(root / AIRWAY_R)
    table = pd.read_csv(report_folder(run, "airway") / "differential.csv")
    plain = run.table(
        "airway/plain", lambda: plain_test(root / AIRWAY, root / AIRWAY_DESIGN), "airway"
    )
    for name, mine in (("knockwise analyse", table), ("Welch's t of log CPM", plain)):
        found += agreement(name, mine, reference, settings.alpha, settings.seed, settings.draws)
    found += carcinoma_scores(report_folder(run, "renal carcinoma"))
    return Results.of(BENCHMARK.kind, found)


def report_folder(run: Run, case: str) -> Path:
    """Return where the report of a case is kept."""
    return run.path(f"{case}/report").with_suffix("")


def _reported(
    root: Path,
    run: Run,
    settings: AnalyseEval,
    world: Settings,
    predictor: Callable[[], EffectPredictor],
    case: Case,
) -> pd.DataFrame:
    """Return every sentence of a report with its check, and those altered with theirs."""
    folder = report_folder(run, case.name)
    folder.mkdir(parents=True, exist_ok=True)
    request = Request(
        counts=root / case.counts,
        design=root / case.design,
        wanted=case.wanted,
        perturbed=case.perturbed,
        alpha=settings.alpha,
    )
    given = read(request, load_symbols(world.data), dict)
    kept = Kept(folder / "work", case.name)
    found, normalised = analysed(request, given, predictor, kept, lambda *_: None)
    write_tables(found, normalised, folder)
    names = {str(one) for c in found.design.samples for one in found.design.samples[c].unique()}
    names |= {*map(str, found.design.samples.columns), *map(str, found.design.samples.index)}
    (folder / "run.json").write_text(json.dumps({"names": sorted(names)}), encoding="utf-8")
    told = Writer(found).told()
    (folder / "told.json").write_text(told.model_dump_json(indent=1), encoding="utf-8")
    facts = facts_of(folder)
    rows = []
    for part, text in told.sentences():
        verdict = facts.check(text)
        rows.append((part, "as written", text, verdict.confirmed, verdict.problem))
        for how, other in altered(text, facts, settings.seed):
            wrong = facts.check(other)
            rows.append((part, how, other, wrong.confirmed, wrong.problem))
    return pd.DataFrame(rows, columns=["part", "how", "text", "confirmed", "problem"])
