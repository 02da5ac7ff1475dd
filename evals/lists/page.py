"""What the page of an evaluation of lists says."""

from collections.abc import Iterator

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import pivot, table

HOW = (
    "Explained: training rows of the four screens, perturbations of the graph drawn at random. A "
    "changed gene is reached where some signed path leads to it, and explained where the best path "
    "says the measured way; unchanged genes of the same perturbations have no direction, so half "
    "of those reached count as explained. Shuffled: the signs of the relations on the paths change "
    "places. The trust in edges was learnt on these screens and on studies of regulators, as a "
    "weight per kind of edge, never an edge's sign.",
    "Reversed: measured lists of training perturbations with at least as many genes as the "
    "settings say (the signed sets of the two Replogle screens). The perturbation's measurements "
    "are left out in every line, and predictions come from evidence and trees that never saw it in "
    "any line. Every gene that can be predicted or has a footprint is a candidate; genes that no "
    "screen perturbed keep the shipped predictions, as rivals that earn nothing. The weights of "
    "the parts are chosen on a fold of their own. Intervals: 95 %, whole perturbations resampled.",
)
REGULATORS = (
    "Lists of other cells: genes that at least two studies saw move after the loss or gain of a "
    "regulator, over studies; the line's predictions are of another cell. The networks were "
    "curated from the same literature, so that footprints are flattered."
)
EXPLAINED = ("reached", "agrees", "explained")
RANKED = (
    "complex in first ten", "itself in first ten", "complex in first hundred",
    "median rank of itself", "count",
)  # fmt: skip


def page(record: Record) -> Page:
    """Return the page of a run."""
    told = f"{record.settings['folds']} folds, lists of {record.settings['least']} genes or more"
    return Page("Lists", HOW, record.made(told), tuple(_sections(record.results.scores)))


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return "\n\n".join(
        text for section in _sections(results.scores) for text in section.markdown() if text
    )


def _sections(scores: Scores) -> Iterator[Section]:
    mine = scores.where(task="explain")
    yield Section(
        "Genes explained by signed paths",
        tables=tuple(
            pivot(mine.where(measure=measure), "predictor", "cell_line", caption=measure,
                  header="genes")
            for measure in EXPLAINED
        ),
    )  # fmt: skip
    for task, title, text in (
        ("who", "The true cause of a held-out list", ""),
        ("regulators", "The true regulator of a list of other cells", REGULATORS),
    ):
        mine = scores.where(task=task)
        yield Section(
            title,
            text,
            tuple(
                pivot(mine.where(measure=measure), "predictor", "cell_line", caption=measure,
                      header="ranked by")
                for measure in RANKED
            ),
        )  # fmt: skip
    tuned = [(one.predictor, one.value) for one in scores.where(task="weights")]
    yield Section(
        "Weights, on the fold they are chosen on",
        tables=(table(("weights", "complex in first ten"), tuned),),
    )


BENCHMARK = Benchmark("lists", page, summary)
