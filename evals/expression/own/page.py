"""What is told of predicted responses that somebody brings."""

from evals.expression.page import ANSWERS, NAMES
from evals.expression.score import MEASURES
from evals.harness.benchmark import Benchmark
from evals.harness.brought import Coverage
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import judged, pivot
from knowledge.schema import Frozen
from models.expression.choice import Task

YOURS = "yours"
HOW = (
    "A perturbation is scored where the file has one number for each of its readouts that are "
    "measured by; all are compared on the same perturbations, and nothing is filled in. 95 % "
    "intervals: resamples of whole perturbations, shared by all. What stands beside yours was "
    "predicted without the perturbation, by the folds in the run's measures.parquet; so must "
    "yours be."
)


class Facts(Frozen):
    """What a file answers.

    Attributes:
        file: Its name.
        coverage: Of each context and task, in rows of a perturbation and a readout.
        partly: Perturbations left out because some of their readouts have no number.
        silent: Contexts of the run that the file says nothing of.
    """

    file: str
    coverage: tuple[Coverage, ...]
    partly: tuple[str, ...]
    silent: tuple[str, ...]

    def __str__(self) -> str:
        told = [str(one) for one in self.coverage]
        if self.partly:
            shown = ", ".join(self.partly[:3])
            told.append(f"Left out for lack of some readouts: {len(self.partly)} ({shown}).")
        if self.silent:
            told.append(f"Not in the file: {', '.join(self.silent)}.")
        return "\n".join(told)


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    title = f"Expression responses: {facts.file}"
    how = (HOW, *str(facts).splitlines())
    return Page(title, how, record.made(), sections(record.results.scores), YOURS, " (own)")


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    told = [text for one in sections(results.scores) for text in one.markdown()]
    return "\n\n".join([str(results.about(Facts)), *told])


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    found = []
    for context, task in scores.by("context", "task"):
        mine = scores.where(context=context, task=task)
        made = pivot(
            mine.plain, "predictor", "measure", order=list(MEASURES), names=NAMES,
            caption="Every predictor on the perturbations that are answered",
        )  # fmt: skip
        ahead = pivot(
            Scores(mine.gains), "than", "measure", judged, order=list(MEASURES), names=NAMES,
            header="yours over", caption="What yours gains; of L2 as a share of the other's",
        )  # fmt: skip
        name: Task = task
        title = f"{context}: {ANSWERS[name]} ({mine.plain[0].value.n})"
        found.append(Section(title, "", (made, ahead)))
    return tuple(found)


BENCHMARK = Benchmark("own-expression", page, summary)
