"""What is told of directions that somebody brings."""

from evals.harness.benchmark import Benchmark
from evals.harness.brought import Coverage
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, judged, pivot
from evals.regulators.score import MEASURES
from knowledge.schema import Frozen

YOURS = "yours"
HOW = (
    "Direction of consensus genes after the loss of a regulator, on the pairs that the file "
    "answers; all are compared on the same ones. 95 % intervals by resampling regulators."
)


class Facts(Frozen):
    """What a file answers.

    Attributes:
        file: Its name.
        coverage: Of the pairs.
    """

    file: str
    coverage: Coverage


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    how = (HOW, str(facts.coverage))
    shown = sections(record.results.scores)
    return Page(f"Regulators: {facts.file}", how, record.made(), shown, YOURS, " (own)")


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    told = [text for one in sections(results.scores) for text in one.markdown()]
    return "\n\n".join([str(results.about(Facts).coverage), *told])


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    return (
        Section("By votes", "", tuple(_table(scores, measure) for measure in MEASURES)),
        Section("Yours minus another", "", tuple(_ahead(scores, name) for name in MEASURES)),
    )


def _votes(votes: int) -> str:
    return f"{votes} votes or more"


def _table(scores: Scores, measure: str) -> Table:
    mine = scores.plain.where(measure=measure)
    return pivot(mine, "predictor", "votes", names=_votes, caption=MEASURES[measure])  # type: ignore[index]


def _ahead(scores: Scores, measure: str) -> Table:
    gains = Scores(scores.where(measure=measure).gains)
    caption = MEASURES[measure]  # type: ignore[index]  # one of its keys
    return pivot(
        gains, "than", "votes", judged, names=_votes, header="yours minus", caption=caption
    )


BENCHMARK = Benchmark("own-regulators", page, summary)
