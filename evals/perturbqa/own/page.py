"""What is told of predictions that somebody brings."""

from evals.harness.benchmark import Benchmark
from evals.harness.brought import Coverage
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, judged, number, pivot, table
from evals.perturbqa.product.page import ahead_table, ranked_table
from evals.tasks import COLUMNS, TASK_NAMES, TASKS
from knowledge.schema import Frozen

YOURS = "yours"
SPLITS = {
    "test": "official test rows of K562 and RPE1",
    "cv": "held-out training rows of HepG2 and Jurkat",
}
HOW = (
    "Every predictor on the rows that the file answers, so that all are compared on the same ones. "
    "95 % intervals: resamples shared by all. AUROC within readout draws whole perturbations; "
    "both ways of ranking draw perturbations and readouts anew. Held-out rows are training rows of "
    "the benchmark: your model must not have seen their fold, which the kept predictions have."
)


class Facts(Frozen):
    """What a file answers.

    Attributes:
        file: Its name.
        coverage: Of each kind of rows that it says anything of.
        silent: Kinds of rows that it says nothing of.
        unknown: Its pairs that nothing asks.
        unknown_examples: Some of them.
        probabilities: Whether all numbers lie between 0 and 1, so that calibration is told.
    """

    file: str
    coverage: tuple[Coverage, ...]
    silent: tuple[str, ...]
    unknown: int
    unknown_examples: tuple[str, ...]
    probabilities: bool


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    return Page(
        f"PerturbQA: {facts.file}", (HOW,), record.made(), sections(record.results), YOURS, " (own)"
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    facts, parts = results.about(Facts), []
    for one in facts.coverage:
        parts.append(str(one))
    if facts.silent:
        parts.append(f"Not in the file: {'; '.join(facts.silent)}.")
    if facts.unknown:
        parts.append(
            f"{facts.unknown:,} pairs of the file are asked nowhere, such as "
            f"{', '.join(facts.unknown_examples)}."
        )
    first = "\n".join(parts)
    shown = sections(results)[1:3]
    return "\n\n".join([first, *(text for one in shown for text in one.markdown())])


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order."""
    scores, facts = results.scores, results.about(Facts)
    told = [split for split in SPLITS if scores.where(split=split)]
    return (
        Section("What the file answers", _amiss(facts), (_coverage(facts),)),
        Section("Per gene", "", tuple(_per_gene(scores, s, task) for s in told for task in TASKS)),
        Section(
            "Yours minus another",
            "Better or worse where the interval leaves out zero; each is one of several "
            "comparisons, each at 95 %.",
            tuple(_ahead(scores, split, task) for split in told for task in TASKS),
        ),
        Section(
            "Both ways of ranking",
            "",
            tuple(
                make(scores.where(split=split), task)
                for split in told
                for task in TASKS
                for make in (ranked_table, ahead_table)
            ),
        ),
        Section(
            "Probabilities",
            ""
            if facts.probabilities
            else "The numbers are no probabilities; they are ranked only.",
            (_probabilities(scores),),
        ),
    )


def _amiss(facts: Facts) -> str:
    parts = []
    if facts.silent:
        parts.append(f"Nothing of: {'; '.join(facts.silent)}.")
    if facts.unknown:
        shown = ", ".join(facts.unknown_examples)
        parts.append(f"{facts.unknown:,} pairs are asked nowhere, such as {shown}.")
    parts.append("Rows without exactly one number are left out, never taken for a 0.")
    return " ".join(parts)


def _coverage(facts: Facts) -> Table:
    header = ("rows", "asked", "answered", "missing", "no number", "contradicted", "repeated")
    rows = (
        (one.where, f"{one.asked:,}", f"{one.answered:,} ({one.share:.1%})", f"{one.missing:,}",
         f"{one.no_number:,}", f"{one.contradicted:,}", f"{one.repeated:,}")
        for one in facts.coverage
    )  # fmt: skip
    return table(header, rows)


def _caption(split: str, task: str) -> str:
    return f"{TASK_NAMES[task]}, {SPLITS[split]}"


def _columns(scores: Scores) -> list[str]:
    there = scores.values("cell_line")
    return [line for line in COLUMNS if line in there]


def _per_gene(scores: Scores, split: str, task: str) -> Table:
    mine = scores.plain.where(split=split, task=task, measure="auroc")
    return pivot(
        mine, "predictor", "cell_line", order=_columns(mine), caption=_caption(split, task)
    )


def _ahead(scores: Scores, split: str, task: str) -> Table:
    gains = Scores(scores.where(split=split, task=task, measure="auroc").gains)
    return pivot(
        gains, "than", "cell_line", judged, order=_columns(gains), header="yours minus",
        caption=_caption(split, task),
    )  # fmt: skip


def _probabilities(scores: Scores) -> Table:
    names = ("calibration error", "brier")
    mine = scores.where(measure=names)
    return pivot(mine, ("split", "task", "predictor"), "measure", number(4), order=names)


BENCHMARK = Benchmark("own-perturbqa", page, summary)
