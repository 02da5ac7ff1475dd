"""What the page of an evaluation of `analyse` says."""

from collections.abc import Iterator

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import pivot

HOW = (
    "Airway: eight samples of airway smooth muscle, four treated with dexamethasone (GSE52778); "
    "the reference is a published result of R's DESeq2 with the design ~ dex, 16,460 "
    "protein-coding genes. Beside it a plain test, Welch's t of log counts per million. Renal "
    "carcinoma: 16 pairs of tumour and normal (Eikrem 2016), tested in pairs; the named genes are "
    "the paper's and those of VHL's loss. Explained: a signed path from VHL says the measured way.",
    "Sentences: every sentence of both reports is read by the checker, which confirms number, sign "
    "and gene in the tables of the report. So that this means something, each sentence is also "
    "altered (a wrong number, the other direction, another gene with that gene's own row) and the "
    "share refused is told.",
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    return Page("Counts to a report", HOW, record.made(), tuple(_sections(record.results.scores)))


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return "\n\n".join(
        text for section in _sections(results.scores) for text in section.markdown() if text
    )


def _sections(scores: Scores) -> Iterator[Section]:
    yield Section(
        "Airway, against R's DESeq2",
        tables=(pivot(scores.where(task="airway against R"), "measure", "predictor", _told),),
    )
    yield Section(
        "Renal carcinoma, named genes",
        tables=(
            pivot(scores.where(task="renal carcinoma"), ("gene", "published"), "measure", _plain),
        ),
    )
    yield Section(
        "Sentences",
        tables=(pivot(scores.where(task="sentences"), ("predictor", "measure"), "report", _share),),
    )


def _told(score: Score) -> str:
    value = score.value.value
    if value > 10:
        return f"{value:,.0f}"
    if score.measure.startswith("median"):
        return f"{value:.1e}"
    return f"{value:.7f}" if score.measure.startswith("r of") else str(score)


def _plain(score: Score) -> str:
    if score.measure in ("log2 fold change",):
        return f"{score.value.value:.2f}"
    if score.measure == "rank by size":
        return f"{score.value.value:,.0f}"
    return "yes" if score.value.value else "no"


def _share(score: Score) -> str:
    return f"{score.value.value:.3f} of {score.value.n:,}"


BENCHMARK = Benchmark("analyse", page, summary)
