"""What is told of questions about unseen perturbations, readouts and both."""

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, pivot, signed, table
from evals.tasks import TASK_NAMES, TASKS
from evals.unseen.score import ACROSS
from evals.unseen.splits import LARGEST_COMPLEX, SPLITS
from evals.unseen.unit import CONTROLS, MODEL, ROUNDS

HOW = (
    "Training rows of the four lines, held out in folds: {}. Features are made of the rows that a "
    f"fold may see, trees of {ROUNDS} rounds are fitted to the features of the other folds; they "
    "are fewer than the model's, so compare within this section. A family: perturbations of one "
    f"complex (CORUM, at most {LARGEST_COMPLEX} members) or a pair of paralogues. Macro AUROC, "
    "mean over the lines, with 95 % intervals that draw perturbations and readouts anew. No "
    "official test row is read."
)
FOLLOWS = (
    "What follows for answers: where the readout was read by no screen the product gives no "
    "P(changes), and this is the reason. A path may still say which way."
)
TRAP = (
    "The rate of a readout (or of a perturbation) in the other folds, with the rows of all folds "
    "ranked at once. A row that changes is missing from the rate that its own fold is given, so "
    "that the rate tells the labels apart the wrong way round, below .5: a benchmark that mixes "
    "folds can be won by turning it upside down. Here rows are ranked within their fold."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    told = "; ".join(f"*{name}*: {SPLITS[name]}" for name in record.settings["splits"])
    made = record.made(f"{record.settings['folds']} folds", stages=True)
    return Page(
        "Unseen perturbations, families and readouts",
        (HOW.format(told),),
        made,
        sections(record.results.scores),
        MODEL,
        " (unseen)",
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(sections(results.scores))


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    controls = "; ".join(f"{name}, {what}" for name, what in CONTROLS.items())
    return (
        Section(
            "Within readout: under which perturbations does it change",
            f"Controls: {controls}. {FOLLOWS}",
            tuple(_predictors(scores, task, "readout") for task in TASKS),
        ),
        Section(
            "Within perturbation: which readouts change",
            "A readout's rate is a strong answer where the readout was seen, and none where it was "
            "not.",
            tuple(_predictors(scores, task, "perturbation") for task in TASKS),
        ),
        Section(
            "Ahead of each control",
            "Model minus control on the same resamples.",
            tuple(_ahead(scores, task, within) for task in TASKS for within in
                  ("readout", "perturbation")),
        ),
        Section("By the nearest perturbation that was seen", "Similarity, from 0 to 1.",
                tuple(_nearest(scores, task) for task in TASKS)),
        Section("The trap of the single gene's rate", TRAP, (_trap(scores),)),
    )  # fmt: skip


def _predictors(scores: Scores, task: str, within: str) -> Table:
    mine = scores.plain.where(task=task, within=within, measure="auroc")
    return pivot(mine, "predictor", "split", order=_splits(mine), caption=TASK_NAMES[task])


def _ahead(scores: Scores, task: str, within: str) -> Table:
    gains = scores.where(task=task, within=within, measure="auroc").gains
    caption = f"{TASK_NAMES[task]}, within {within}"
    return pivot(
        Scores(gains), "than", "split", signed, order=_splits(Scores(gains)), header="model minus",
        caption=caption,
    )  # fmt: skip


def _nearest(scores: Scores, task: str) -> Table:
    mine = scores.where(by="nearest", task=task, measure="auroc")
    return pivot(mine, "part", "split", order=_splits(mine), header="nearest",
                 caption=TASK_NAMES[task])  # fmt: skip


def _splits(scores: Scores) -> list[str]:
    there = scores.values("split")
    return [name for name in SPLITS if name in there]


def _trap(scores: Scores) -> Table:
    rows = [
        (one.predictor, f"within {one['within']}", SPLITS[one["split"]],
         TASK_NAMES[one["task"]], one)
        for one in scores.where(measure=ACROSS)
        if (one["within"], one["split"]) in (("readout", "perturbation"),
                                             ("perturbation", "readout"))
    ]  # fmt: skip
    return table(("rate", "ranked", "held out", "task", "AUROC, folds mixed"), rows)


BENCHMARK = Benchmark("unseen", page, summary)
