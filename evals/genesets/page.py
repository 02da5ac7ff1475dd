"""What the page of the gene-set benchmarks says."""

from collections.abc import Iterator, Mapping

from evals.genesets.labels import TASK_NAMES
from evals.genesets.naming import NAMERS
from evals.genesets.score import CONTROLS, MODEL
from evals.genesets.wording import HOW, MEASURES
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, number, pivot
from evals.tasks import TaskName

# Wu et al., ICLR 2025 (the benchmark's own results notebook), official test split.
PUBLISHED: Mapping[str, Mapping[TaskName, float]] = {
    "SUMMER (Llama-3 70B)": {"de": 0.62, "dir": 0.70},
    "Retrieval without LLM": {"de": 0.66, "dir": 0.66},
    "GEARS": {"dir": 0.70},
}
COLUMNS = {
    ("cv", "auroc"): "held-out training rows",
    ("test", "auroc"): "official test",
    ("test", "calibration error"): "ECE, test",
    ("test", "brier"): "Brier, test",
}
NAMED = {
    "rouge_recall": "ROUGE-1 recall",
    "rouge_f1": "ROUGE-1 F1",
    "similarity": "word similarity",
    "cosine": "name cosine",
    "words": "words",
    "gain": "recall gained on the top term",
}


def page(record: Record) -> Page:
    """Return the page of a run."""
    tested = record.results.scores.find(split="test", predictor=MODEL, measure="auroc")
    sets = record.results.scores.find(split="test", predictor=MODEL, measure="sets")
    how = ""
    if tested is not None and sets is not None:
        how = (
            f"Macro per-set AUROC over {tested.value.n} test perturbations and "
            f"{sets.value.value:.0f} sets, "
            "95 % intervals by bootstrap over perturbations. A perturbation that is asked about "
            "has all its K562 rows hidden, those of genes too; `multi` leaves its training rows in "
            "other lines, `strict` hides these as well."
        )
    title = "Gene sets: which sets a knockdown in K562 changes"
    return Page(title, (how,), record.made(), tuple(_sections(record.results)), ours=MODEL)


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(_sections(results))


def _sections(results: Results) -> Iterator[Section]:
    scores = results.scores
    sets = scores.where(about="sets")
    yield Section("", "", tuple(_sets(sets, task) for task in sets.values("task")))
    yield Section("", _told(CONTROLS))
    names = scores.where(about="names")
    kinds = tuple(_names(names.where(kind=kind)) for kind in names.values("kind"))
    yield Section("Gene-set enrichment: what to call a cluster of genes", "", kinds)
    encoder = results.facts["encoder"]
    how = {name: text.format(encoder=encoder) for name, text in HOW.items()}
    yield Section("", _told({**NAMERS, **how}))


def _sets(scores: Scores, task: TaskName) -> Table:
    """Return predictors by setting, held-out beside test, published below."""
    told = pivot(
        scores.where(task=task, measure=("auroc", "calibration error", "brier")),
        ("predictor", "setting"),
        ("split", "measure"),
        order=list(COLUMNS),
        names=COLUMNS,
        header=(TASK_NAMES[task], "setting"),
    )
    published = (
        (name, "published", "", f"{values[task]:.2f}", "", "")
        for name, values in PUBLISHED.items()
        if task in values
    )
    return Table(told.header, (*told.rows, *published))


def _names(scores: Scores) -> Table:
    """Return every namer's measures on one kind of cluster."""
    labelled = scores.plain.where(measure=MEASURES)[0].value.n
    shown = [Score(g.predictor, "gain", g.value) for g in scores.gains if g.measure == MEASURES[0]]
    return pivot(
        Scores([*scores.plain, *shown]),
        "predictor",
        "measure",
        lambda one: number(1)(one) if one.measure == "words" else str(one),
        order=list(NAMED),
        names=NAMED,
        header=f"{scores[0]['kind']} ({labelled} labelled)",
    )


def _told(what: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {text}." for name, text in what.items())


BENCHMARK = Benchmark("genesets", page, summary)
