"""What is told of the product's answers to the official test rows."""

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, number, pivot, signed
from evals.perturbqa.ranked import MEASURES, WITHIN, measure
from evals.tasks import MEAN, TASK_NAMES, TASKS

PRODUCT, RESPONSE = "fused answer", "response model, shipped"
HOW = (
    "Every official test row of K562 and RPE1, asked as `ask` and `predict` answer: the shipped "
    "weights (fitted to training rows, setting `multi`), fused with paths through all knowledge or "
    "the starter pack alone. Nothing is fitted here. Rows that the product gives no number are "
    "ranked by how often their readout changes whatever is perturbed. The labels were read by "
    "earlier sessions of this project and nothing was chosen by them."
)
LINES = ("K562", "RPE1", MEAN)


def page(record: Record) -> Page:
    """Return the page of a run."""
    made = record.made(stages=True)
    return Page(
        "PerturbQA: what the product says, official test rows", (HOW,), made,
        sections(record.results.scores), PRODUCT, " (product)",
    )  # fmt: skip


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return "\n\n".join(text for one in sections(results.scores) for text in one.markdown())


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    return (
        Section(
            "Per gene",
            "Macro AUROC within readout, resampling whole perturbations.",
            tuple(_per_gene(scores, task) for task in TASKS),
        ),
        Section(
            "Both ways of ranking",
            "Within a readout: under which perturbations does it change? Within a perturbation: "
            "which genes change under it? Mean of K562 and RPE1; intervals draw perturbations and "
            "readouts anew. Average precision is to be read beside chance, the share of rows that "
            "changed (or went up).",
            tuple(ranked_table(scores.where(split="test"), task) for task in TASKS),
        ),
        Section(
            "Ahead of the others",
            "The fused answer minus another, on the same rows and resamples.",
            tuple(ahead_table(scores.where(split="test"), task) for task in TASKS),
        ),
        Section("Probabilities", "Calibration error over ten equally filled bins.",
                tuple(_probabilities(scores, task) for task in TASKS)),
    )  # fmt: skip


def ranked_table(scores: Scores, task: str) -> Table:
    """Return the measures of both ways of ranking, mean over the lines."""
    names = [measure(by, within) for within in WITHIN for by in MEASURES]
    mine = scores.plain.where(task=task, measure=names, cell_line=MEAN)
    return pivot(mine, "predictor", "measure", order=names, caption=TASK_NAMES[task])


def ahead_table(scores: Scores, task: str) -> Table:
    """Return how far ours is ahead of each other predictor in each of these measures."""
    names = [measure(by, within) for within in WITHIN for by in MEASURES]
    gains = scores.where(task=task, measure=names, cell_line=MEAN).gains
    return pivot(
        Scores(gains), "than", "measure", signed, order=names, header="minus",
        caption=TASK_NAMES[task],
    )  # fmt: skip


def _per_gene(scores: Scores, task: str) -> Table:
    mine = scores.plain.where(task=task, measure="auroc")
    return pivot(mine, "predictor", "cell_line", order=LINES, caption=TASK_NAMES[task])


def _probabilities(scores: Scores, task: str) -> Table:
    names = ("calibration error", "brier", "without a number", "rows")
    mine = scores.where(task=task, measure=names, cell_line=MEAN)
    return pivot(
        mine, "predictor", "measure",
        lambda one: number(3 if one.measure in names[:2] else 0)(one),
        order=names, caption=TASK_NAMES[task],
    )  # fmt: skip


BENCHMARK = Benchmark("product", page, summary)
